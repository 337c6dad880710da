"""Units of a real systemd as units of a node: a user's instance in namespaces of its own, on a bus of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from gateway.orchestrator.control import ControllerConfig, NodeConfig
from gateway.orchestrator.dbus.bus import BusAddressError, connect
from gateway.orchestrator.fleet import Fleet
from gateway.orchestrator.simulated import SimulatedRunner
from gateway.orchestrator.systemd import SystemdRunner
from gateway.orchestrator.units import UnitFiles
from gateway.sim import Clock, Kernel, Streams, run

BOOT = """\
set -e
mount -t tmpfs none /run
mkdir -p /run/systemd/system
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/$1/inner
echo $$ > /sys/fs/cgroup/$1/inner/cgroup.procs
/lib/systemd/systemd --user --unit=basic.target
"""
SYSTEMDS = {
    "dbus.socket": "[Socket]\nListenStream=%t/bus\n",
    "dbus.service": "[Service]\nType=notify\nExecStart=/usr/bin/dbus-daemon --session --address=systemd: --nofork"
    " --nopidfile --systemd-activation\n",
    "sleeper.service": "[Service]\nType=exec\nExecStart=/bin/sleep 1000\n",
    "restarting.service": "[Service]\nType=exec\nRestart=always\nRestartSec=0\nExecStart=/bin/sleep 1000\n",
    "failing.service": "[Service]\nType=exec\nExecStart=/bin/sh -c 'exit 7'\n",
    "group.target": "[Unit]\nDescription=A group\n",
}
OURS = {
    name: f"[Service]\nType=notify\nExecStart=gateway-systemd {unit}\n"
    for name, unit in {
        "sleep.service": "sleeper.service",
        "again.service": "restarting.service",
        "fail.service": "failing.service",
        "none.service": "nothing.service",
        "group.service": "group.target",
    }.items()
} | {"two.service": "[Service]\nExecStart=gateway-systemd a.service b.service\n"}
Story = Callable[["Bench"], Awaitable[None]]


@pytest.fixture(scope="module")
def systemd(require_tool: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bus of a running systemd."""
    for tool, package in (("unshare", "util-linux"), ("systemd-run", "systemd"), ("dbus-daemon", "dbus")):
        require_tool(tool, package=package)
    folder = tmp_path_factory.mktemp("systemd")
    units = folder / "config" / "systemd" / "user"
    (units / "sockets.target.wants").mkdir(parents=True)
    for name, text in SYSTEMDS.items():
        (units / name).write_text(text)
    (units / "sockets.target.wants" / "dbus.socket").symlink_to("../dbus.socket")
    (folder / "run").mkdir(mode=0o700)
    (folder / "boot").write_text(BOOT)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder / "run"), "XDG_CONFIG_HOME": str(folder / "config")}
    environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
    group = f"gateway-test-{os.getpid()}"
    spaces = ("--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--cgroup")
    process = subprocess.Popen(
        ["unshare", *spaces, "sh", str(folder / "boot"), group],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"unix:path={folder / 'run' / 'bus'}"
    try:
        if not asyncio.run(_answers(address, process)):
            process.kill()
            said = process.communicate()[0].decode(errors="replace").strip()
            pytest.skip(f"no systemd runs in a namespace of this machine: {said or 'it does not answer'}")
        yield address
    finally:
        process.kill()
        process.communicate()
        for folder in Path("/sys/fs/cgroup").glob(f"**/{group}"):
            with contextlib.suppress(OSError):
                (folder / "cgroup.kill").write_text("1")
            for _ in range(100):
                if _removed(folder):
                    break
                time.sleep(0.05)


async def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether systemd is on its bus within 60 s."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            while process.poll() is None:
                with contextlib.suppress(BusAddressError):
                    bus = await connect(address)
                    names = await bus.introspect("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
                    bus.disconnect()
                    return bool(names)
                await asyncio.sleep(0.05)
    return False


def _removed(folder: Path) -> bool:
    try:
        for inner in sorted(folder.glob("**/"), key=lambda each: -len(each.parts)):
            inner.rmdir()
    except OSError:
        return False
    return not folder.exists()


class Bench:
    """A node whose units are some of systemd's."""

    def __init__(self, fleet: Fleet, runner: SystemdRunner) -> None:
        self.engine = fleet.node("host").engine
        self.runner = runner

    def start(self, unit: str) -> None:
        from gateway.orchestrator.engine import JobType

        self.engine.submit(JobType.START, unit)

    def stop(self, unit: str) -> None:
        from gateway.orchestrator.engine import JobType

        self.engine.submit(JobType.STOP, unit)

    async def becomes(self, unit: str, state: str) -> None:
        async with asyncio.timeout(60):
            while self.engine.units[unit].active != state:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def real(self, address: str, unit: str) -> str:
        """The state of a unit as `systemctl` reads it: by the bus."""
        process = await asyncio.create_subprocess_exec(
            "busctl", f"--address={address}", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager", "ListUnitsByNames", "as", "1", unit, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        text = (await process.communicate())[0].decode()
        return text.split('"')[7]


def on_systemd(address: str, story: Story) -> None:
    kernel = Kernel()

    async def main() -> None:
        runner = SystemdRunner(address, SimulatedRunner(kernel, Streams(0).stream("other")))
        fleet = Fleet(kernel, ControllerConfig(nodes={"host": NodeConfig()}), Streams(0))
        fleet.add("host", UnitFiles("host", OURS), runner=runner)
        fleet.closers.append(runner.close)
        fleet.start()
        await story(Bench(fleet, runner))
        fleet.stop()
        await fleet.close()

    run(main(), kernel, Clock.WALL)


def test_start_and_stop_of_a_unit_of_systemd(systemd: str) -> None:
    async def story(bench: Bench) -> None:
        assert await bench.real(systemd, "sleeper.service") == "inactive"
        bench.start("sleep.service")
        await bench.becomes("sleep.service", "active")
        assert await bench.real(systemd, "sleeper.service") == "active"
        bench.stop("sleep.service")
        await bench.becomes("sleep.service", "inactive")
        assert await bench.real(systemd, "sleeper.service") == "inactive"

    on_systemd(systemd, story)


def test_a_program_of_it_that_is_killed_fails_the_unit_with_the_signal(systemd: str) -> None:
    async def story(bench: Bench) -> None:
        bench.start("sleep.service")
        await bench.becomes("sleep.service", "active")
        bench.engine.units["sleep.service"].kill("main", 11)
        await bench.becomes("sleep.service", "failed")
        assert bench.engine.units["sleep.service"].result == "signal"
        assert await bench.real(systemd, "sleeper.service") == "failed"

    on_systemd(systemd, story)


def test_what_systemd_restarts_by_itself_is_stopped_all_the_same(systemd: str) -> None:
    async def story(bench: Bench) -> None:
        bench.start("again.service")
        await bench.becomes("again.service", "active")
        bench.stop("again.service")
        await bench.becomes("again.service", "inactive")
        assert await bench.real(systemd, "restarting.service") == "inactive"

    on_systemd(systemd, story)


def test_a_unit_that_fails_and_one_that_is_not_there(systemd: str) -> None:
    async def story(bench: Bench) -> None:
        bench.start("fail.service")
        await bench.becomes("fail.service", "failed")
        assert str(bench.engine.units["fail.service"].last_exit) == "exit code 7"  # type: ignore[attr-defined]
        bench.start("none.service")
        await bench.becomes("none.service", "failed")
        assert bench.runner.wrong[-1] == "nothing.service: Unit nothing.service not found."
        bench.start("two.service")
        await bench.becomes("two.service", "failed")

    on_systemd(systemd, story)


def test_a_target_of_systemd_is_a_unit_as_well(systemd: str) -> None:
    async def story(bench: Bench) -> None:
        bench.start("group.service")
        await bench.becomes("group.service", "active")
        bench.stop("group.service")
        await bench.becomes("group.service", "inactive")

    on_systemd(systemd, story)


def test_at_the_end_systemds_unit_is_stopped(systemd: str) -> None:
    async def story(bench: Bench) -> None:
        bench.start("sleep.service")
        await bench.becomes("sleep.service", "active")

    on_systemd(systemd, story)

    async def after(bench: Bench) -> None:
        assert await bench.real(systemd, "sleeper.service") in {"inactive", "failed"}

    on_systemd(systemd, after)


def test_a_bus_that_is_not_there_fails_the_unit_and_says_so(tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        bench.start("sleep.service")
        await bench.becomes("sleep.service", "failed")
        assert "sleeper.service: cannot reach the bus" in bench.runner.wrong[-1]

    on_systemd(f"unix:path={tmp_path}/none", story)
