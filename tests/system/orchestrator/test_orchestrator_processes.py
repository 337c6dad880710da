"""Units that are processes of this machine: ends, signals, groups, notify sockets, output, limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.orchestrator.engine import Engine, JobType, Service
from gateway.orchestrator.processes import MachineProcess, ProcessRunner
from gateway.orchestrator.units import UnitFiles
from gateway.sim import Clock, Kernel, run

Story = Callable[[Engine], Awaitable[None]]


def service(command: str, kind: str = "simple", more: str = "") -> str:
    return f"[Service]\nType={kind}\nExecStart={command}\nTimeoutStopSec=300ms\n{more}\n"


def shell(script: str) -> str:
    return f"/bin/sh -c '{script}'"


def on_node(story: Story, **units: str) -> None:
    """Run a story with a node whose units are processes; nothing is left of them."""
    kernel = Kernel()

    async def main() -> None:
        runner = ProcessRunner(kernel)
        files = {f"{name.replace('_', '-')}.service": text for name, text in units.items()}
        engine = Engine(kernel, "node", UnitFiles("node", files), runner)
        try:
            await story(engine)
        finally:
            await runner.close()

    run(main(), kernel, Clock.WALL)


async def until(engine: Engine, name: str, *states: str) -> Service:
    unit = engine.units[f"{name}.service"]
    assert isinstance(unit, Service)
    async with asyncio.timeout(60):
        while str(unit.active) not in states:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return unit


async def start(engine: Engine, name: str, *states: str) -> Service:
    engine.submit(JobType.START, f"{name}.service")
    return await until(engine, name, *states)


def living(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_process_runs_and_ends_with_its_unit() -> None:
    async def story(engine: Engine) -> None:
        unit = await start(engine, "sleeper", "active")
        async with asyncio.timeout(60):
            while not unit.main_pid:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        pid = unit.main_pid
        assert living(pid)
        engine.submit(JobType.STOP, "sleeper.service")
        await until(engine, "sleeper", "inactive")
        assert not living(pid)
        assert unit.last_exit is not None and unit.last_exit.signal == 15

    on_node(story, sleeper=service("/bin/sleep 1000", "exec"))


def test_a_program_that_is_not_there_fails_with_203() -> None:
    async def story(engine: Engine) -> None:
        unit = await start(engine, "nothing", "failed")
        assert unit.last_exit is not None and unit.last_exit.code == 203

    on_node(story, nothing=service("/no/such/program", "exec"))


def test_a_working_directory_that_is_not_there_fails_with_200() -> None:
    async def story(engine: Engine) -> None:
        unit = await start(engine, "lost", "failed")
        assert unit.last_exit is not None and unit.last_exit.code == 200

    on_node(story, lost=service("/bin/true", "exec", "WorkingDirectory=/no/such/folder"))


def test_exit_code_and_signal_are_told() -> None:
    async def story(engine: Engine) -> None:
        code = await start(engine, "code", "failed")
        assert code.result == "exit-code" and str(code.last_exit) == "exit code 7"
        killed = await start(engine, "killed", "failed")
        assert killed.result == "signal" and str(killed.last_exit) == "signal 9"
        aborted = await start(engine, "aborted", "failed")
        assert aborted.result == "core-dump"

    on_node(
        story,
        code=service(shell("exit 7"), "oneshot"),
        killed=service(shell("kill -KILL $$$$"), "oneshot"),
        aborted=service(shell("ulimit -c 0; kill -ABRT $$$$"), "oneshot"),
    )


def test_a_process_that_ignores_sigterm_is_killed_after_its_time() -> None:
    async def story(engine: Engine) -> None:
        await start(engine, "deaf", "active")
        engine.submit(JobType.STOP, "deaf.service")
        unit = await until(engine, "deaf", "failed")
        assert unit.result == "timeout"
        assert unit.last_exit is not None and unit.last_exit.signal == 9

    script = "trap : TERM; python3 -c pass; systemd-notify --ready || true; while :; do sleep 0.05; done"
    deaf = "trap : TERM; while :; do sleep 0.05; done"
    assert script
    on_node(story, deaf=service(shell(f"{deaf}"), "exec", "ExecStartPost=/bin/sleep 0.3"))


def test_what_a_process_forks_away_ends_with_it() -> None:
    async def story(engine: Engine) -> None:
        await start(engine, "forking", "active")
        unit = engine.units["forking.service"]
        assert isinstance(unit, Service) and unit.main is not None
        process = unit.main.process
        assert isinstance(process, MachineProcess)
        async with asyncio.timeout(60):
            while not process.output.text.strip():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        child = int(process.output.text)
        assert living(child)
        engine.submit(JobType.STOP, "forking.service")
        await until(engine, "forking", "inactive")
        assert not living(child)

    on_node(story, forking=service(shell("sleep 1000 & echo $!; wait"), "exec"))


def test_a_flood_of_output_is_read_and_its_end_kept() -> None:
    async def story(engine: Engine) -> None:
        engine.submit(JobType.START, "flood.service")
        unit = await until(engine, "flood", "activating", "active")
        assert unit.main is not None
        process = unit.main.process
        assert isinstance(process, MachineProcess)
        await until(engine, "flood", "active")
        async with asyncio.timeout(60):
            while process.output.total < 20_000_000 or not process.output.text.endswith("the end\n"):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert len(process.output.text) <= 65536

    script = 'head -c 20000000 /dev/zero | tr "\\0" x; echo the end'
    on_node(story, flood=service(shell(script), "oneshot", "RemainAfterExit=yes"))


def test_a_notify_service_is_active_when_it_says_so() -> None:
    async def story(engine: Engine) -> None:
        unit = await start(engine, "telling", "active")
        assert unit.sub == "running"
        assert unit.status_text == "here I am"
        silent = await start(engine, "silent", "failed")
        assert silent.result == "protocol"

    script = (
        "import os, socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
        'm = b"STATUS=here I am" + bytes([10]) + b"READY=1";'
        's.sendto(m, os.environ["NOTIFY_SOCKET"]); time.sleep(1000)'
    )
    telling = service(f"python3 -c '{script}'", "notify")
    on_node(story, telling=telling, silent=service("/bin/true", "notify"))


def test_environment_and_start_timeout() -> None:
    async def story(engine: Engine) -> None:
        await start(engine, "named", "active")
        late = await start(engine, "late", "failed")
        assert late.result == "timeout"

    on_node(
        story,
        named=service(
            shell('test "$$NAME" = left -a "${NAME}" = left'), "oneshot", "Environment=NAME=left\nRemainAfterExit=yes"
        ),
        late=service("/bin/sleep 1000", "notify", "TimeoutStartSec=200ms"),
    )


def test_restart_on_failure_until_the_limit() -> None:
    async def story(engine: Engine) -> None:
        engine.submit(JobType.START, "unsteady.service")
        async with asyncio.timeout(60):
            while engine.units["unsteady.service"].result != "start-limit-hit":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        unit = await until(engine, "unsteady", "failed")
        assert unit.restarts == 3

    more = "Restart=on-failure\nRestartSec=10ms\nStartLimitBurst=3"
    on_node(story, unsteady=service(shell("exit 1"), "simple", more))


def test_freeze_stops_a_process_and_thaw_lets_it_go_on() -> None:
    async def story(engine: Engine) -> None:
        unit = await start(engine, "ticking", "active")
        pid = unit.main_pid
        unit.freeze()
        async with asyncio.timeout(60):
            while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":  # noqa: ASYNC110, ASYNC240
                await asyncio.sleep(0.005)
        unit.thaw()
        async with asyncio.timeout(60):
            while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":  # noqa: ASYNC110, ASYNC240
                await asyncio.sleep(0.005)
        assert unit.main is not None and unit.main.process is not None
        assert unit.main.process.usage()["MemoryCurrent"] > 0

    on_node(story, ticking=service("/bin/sleep 1000", "exec"))
