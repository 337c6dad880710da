"""`gateway controller` and `gateway agent` by BlueChi's configuration files, as programs of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from free_ports import free_port

ROOT = Path(__file__).parents[3]
FOO = "[bluechi-agent]\nNodeName=foo\nHeartbeatInterval=100\nLogTarget=stderr\n"
UNIT = "[Service]\nType=exec\nExecStart=/bin/sleep 1000\n"


class Program:
    """One of our commands, running; what it says on standard error is read as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def says(self, pattern: str) -> re.Match[str]:
        """The next line with this in it."""
        assert self.process.stderr is not None
        async with asyncio.timeout(60):
            while line := await self.process.stderr.readline():
                self.lines.append(line.decode())
                found = re.search(pattern, self.lines[-1])
                if found is not None:
                    return found
        raise AssertionError(f"it ended without saying {pattern!r}: {''.join(self.lines)}")


@contextlib.asynccontextmanager
async def program(*words: object, **environment: str) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *map(str, words),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def done(*words: object, **environment: str) -> tuple[int | None, str]:
    """A command to its end: exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *map(str, words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


def conf(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def controller_conf(folder: Path, more: str = "") -> Path:
    text = f"[bluechi-controller]\nAllowedNodeNames=foo\nLogTarget=stderr\nControllerPort={free_port()}\n{more}"
    return conf(folder / "controller.conf", text)


def test_change_of_port_in_controller_conf_and_agent_conf(tmp_path: Path) -> None:
    async def story() -> None:
        for _ in range(2):
            settings = controller_conf(tmp_path)
            async with program("controller", "--config", settings) as controller:
                port = (await controller.says(r"agents join at tcp:host=127\.0\.0\.1,port=(\d+)"))[1]
                assert f"ControllerPort={port}\n" in settings.read_text()
                agent_conf = conf(tmp_path / "agent.conf", f"{FOO}ControllerHost=127.0.0.1\nControllerPort={port}\n")
                async with program("agent", "--config", agent_conf) as agent:
                    await agent.says("INFO  connected to the controller as foo")
                    await controller.says("INFO  node foo: online")

    asyncio.run(story())


def test_logs_as_asked(tmp_path: Path, bus: str) -> None:
    async def story() -> None:
        units = tmp_path / "units"
        units.mkdir()
        conf(units / "work.service", UNIT)
        settings = controller_conf(tmp_path, "LogLevel=DEBUG\nSpeed=fast\n").read_text()
        wished = conf(tmp_path / "controller.conf", settings.replace("=stderr\n", "=stderr-full\n"))
        async with program("controller", "--config", wished, "--dbus", bus) as controller:
            stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} gateway-controller"
            await controller.says(rf"{stamp} WARN: .*controller.conf:6: unknown key name 'Speed', ignoring")
            port = (await controller.says(rf"{stamp} INFO: agents join at .*port=(\d+)"))[1]
            agent_conf = conf(tmp_path / "agent.conf", f"{FOO}ControllerPort={port}\nLogLevel=ERROR\n")
            async with program("agent", "--config", agent_conf, "--files", units) as agent:
                await controller.says(rf"{stamp} INFO: node foo: online")
                code, text = await done("units", "start", "foo", "work.service", "--dbus", bus)
                assert (code, text) == (0, "Unit work.service start operation result: done\n")
                await controller.says(rf"{stamp} DEBUG: job 1: StartUnit work.service on foo: done")
                await done("units", "set-loglevel", "WARN", "--dbus", bus)
                await done("units", "stop", "foo", "work.service", "--dbus", bus)
                await done("units", "set-loglevel", "DEBUG", "--dbus", bus)
                await done("units", "set-loglevel", "foo", "DEBUG", "--dbus", bus)
                await done("units", "start", "foo", "work.service", "--dbus", bus)
                # The job of the stop, number 2, was not logged: the level was above it.
                assert "job 3" in (await controller.says(r"DEBUG: job \d"))[0] + controller.lines[-1]
                await agent.says(r"DEBUG work\.service: active \(running\)")
                assert not any("connected" in line for line in agent.lines)
                await done("units", "kill", "foo", "work.service", "--signal", "9", "--dbus", bus)
                await agent.says(r"ERROR work\.service: failed with result 'signal'")

    asyncio.run(story())


def test_a_quiet_one_says_nothing_and_journald_gets_datagrams(tmp_path: Path) -> None:
    from gateway.orchestrator.log import Log, log_to

    journal = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(journal))
        log = Log(lambda: "INFO", log_to("journald", "gateway-agent", journal=journal))
        log.debug("nothing")
        log.warn("the node\nis gone")
        assert listening.recv(1000) == b"SYSLOG_IDENTIFIER=gateway-agent\nPRIORITY=4\nMESSAGE=the node is gone\n"
    settings = controller_conf(tmp_path, "LogIsQuiet=yes\n")
    assert asyncio.run(done("controller", "--config", settings, "--for", "10ms")) == (0, "")


def test_an_agent_over_the_users_bus_and_is_online(tmp_path: Path, bus: str, require_tool: object) -> None:
    assert callable(require_tool)
    busctl = require_tool("busctl", package="systemd")
    users = {"DBUS_SESSION_BUS_ADDRESS": bus}
    ask = ("is-online", "agent", "--dbus", "session")

    async def story() -> None:
        settings = controller_conf(tmp_path)
        port = int(settings.read_text().partition("ControllerPort=")[2])
        agent_conf = conf(tmp_path / "agent.conf", f"{FOO}ControllerPort={port}\n")
        assert await done(*ask, **users) == (1, "")
        async with program("agent", "--config", agent_conf, "--user", **users) as agent:
            await agent.says(r"org\.eclipse\.bluechi\.Agent on the bus session")
            await agent.says("WARN .*Connect call failed")
            assert await done(*ask, **users) == (1, "")
            waiting = asyncio.create_task(done(*ask, "--wait", "60s", "--monitor", **users))
            async with program("controller", "--config", settings) as controller:
                await controller.says("node foo: online")
                assert await done(*ask, "--wait", "60s", **users) == (0, "")
                command = (busctl, "--user", "get-property", "org.eclipse.bluechi.Agent", "/org/eclipse/bluechi")
                words = (*command, "org.eclipse.bluechi.Agent", "Status")
                environment = {**os.environ, **users}
                asked = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, env=environment)
                assert (await asked.communicate())[0] == b's "online"\n'
            await agent.says("WARN .*the connection to the controller is lost")
            assert await waiting == (1, "agent is online\n")

    asyncio.run(story())


def test_socket_activation_and_tcp_side_by_side(tmp_path: Path, require_tool: object) -> None:
    """systemd listens, and starts the controller when the first agent connects."""
    assert callable(require_tool)
    activate = require_tool("systemd-socket-activate", package="systemd")

    async def story() -> None:
        text = controller_conf(tmp_path).read_text().replace("=foo\n", "=foo,bar\n")
        settings = conf(tmp_path / "controller.conf", text)
        path = tmp_path / "bluechi.sock"
        ours = (sys.executable, "-m", "gateway", "controller", "--config", str(settings))
        process = await asyncio.create_subprocess_exec(
            activate, "--listen", str(path), *ours, stderr=asyncio.subprocess.PIPE
        )
        controller = Program(process)
        await controller.says("Listening on")
        by_unix = conf(tmp_path / "bar.conf", f"{FOO.replace('foo', 'bar')}ControllerAddress=unix:path={path}\n")
        async with program("agent", "--config", by_unix):
            port = (await controller.says(rf"agents join at tcp:host=127\.0\.0\.1,port=(\d+), unix:path={path}"))[1]
            by_tcp = conf(tmp_path / "foo.conf", f"{FOO}ControllerPort={port}\n")
            async with program("agent", "--config", by_tcp):
                names = {(await controller.says(r"node (\w+): online"))[1] for _ in range(2)}
        assert names == {"foo", "bar"}
        process.terminate()
        await process.wait()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("command", "text", "sentence"),
    [
        ("controller", "[bluechi-controller]\nControllerPort=0\n", "file.conf:2: ControllerPort: '0' is not a port"),
        ("controller", "[bluechi-controller]\nLogTarget=tape\n", "file.conf:2: LogTarget: 'tape' is no log target"),
        ("controller", "[bluechi-controller]\nUseTCP=no\n", "no agent could join: UseTCP is off"),
        ("agent", "[bluechi-agent]\nControllerPort=66666\n", "file.conf:2: ControllerPort: '66666' is not a port"),
        ("agent", "[bluechi-agent]\nHeartbeatInterval=soon\n", "file.conf:2: HeartbeatInterval: 'soon' is not a"),
    ],
)
def test_a_wrong_setting_is_told_with_file_and_line(tmp_path: Path, command: str, text: str, sentence: str) -> None:
    code, said = asyncio.run(done(command, "--config", conf(tmp_path / "file.conf", text)))

    assert code == 2
    assert sentence in said
    assert "Traceback" not in said


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    code, said = asyncio.run(done("agent", "--config", tmp_path / "none.conf"))

    assert (code, said) == (2, f"gateway: {tmp_path}/none.conf: cannot be read: No such file or directory\n")


def test_an_agent_whose_clock_jumps_is_lost_and_comes_back_with_its_units(tmp_path: Path, bus: str) -> None:
    """A process that is stopped sees, when it goes on, a clock that has jumped: all its timers are due at once."""

    async def story() -> None:
        units = tmp_path / "units"
        units.mkdir()
        conf(units / "work.service", UNIT)
        settings = controller_conf(tmp_path, "NodeHeartbeatThreshold=400\n")
        async with program("controller", "--config", settings, "--dbus", bus) as controller:
            port = (await controller.says(r"port=(\d+)"))[1]
            agent_conf = conf(tmp_path / "agent.conf", f"{FOO}ControllerPort={port}\n")
            async with program("agent", "--config", agent_conf, "--files", units) as agent:
                await controller.says("node foo: online")
                assert (await done("units", "start", "foo", "work.service", "--dbus", bus))[0] == 0
                status = ("units", "status", "foo", "work.service", "--dbus", bus)
                before = await done(*status)
                assert "active" in before[1]
                for _ in range(3):
                    agent.process.send_signal(signal.SIGSTOP)
                    await controller.says("node foo: offline")
                    agent.process.send_signal(signal.SIGCONT)
                    await controller.says("node foo: online")
                    assert await done(*status) == before

    asyncio.run(story())


def test_an_agent_whose_name_is_not_allowed_is_told_so(tmp_path: Path) -> None:
    async def story() -> None:
        settings = controller_conf(tmp_path)
        async with program("controller", "--config", settings) as controller:
            port = (await controller.says(r"port=(\d+)"))[1]
            wrong = conf(tmp_path / "agent.conf", f"{FOO.replace('foo', 'fo')}ControllerPort={port}\n")
            async with program("agent", "--config", wrong) as agent:
                await agent.says(r"ERROR the controller refuses fo: Unexpected node name 'fo' .did you mean 'foo'")
                await controller.says(r"WARN  node fo: refused")

    asyncio.run(story())


def test_a_run_with_a_service_in_python_and_no_bus_ends_with_one_line(tmp_path: Path) -> None:
    conf(tmp_path / "own.py", "class Own:\n    def __init__(self, ecu):\n        pass\n")
    node = "sdv: {units: {own: {python: own.py:Own}}}"
    body = f"body: {{kind: can, bitrate: 125k, database: {ROOT}/dbc/body.dbc}}"
    text = f"vehicle: test\nbuses:\n  {body}\ndomains:\n  nodes:\n    {node}\n"
    file = conf(tmp_path / "vehicle.yaml", text)
    bus = f"unix:path={tmp_path}/nowhere"
    code, text = asyncio.run(done("run", file, "--dbus", bus, "--for", "1s"))
    assert code == 2, text
    assert text.splitlines()[-1].startswith(f"gateway: cannot reach the bus {bus}: ")
    assert "Traceback" not in text


def test_a_bus_without_a_controller_is_told_with_what_to_start(bus: str) -> None:
    code, text = asyncio.run(done("nodes", "--dbus", bus))
    assert (code, text.splitlines()) == (
        1,
        ["gateway: no controller on this bus; start `gateway run --dbus BUS` (or `gateway controller`) there"],
    )
