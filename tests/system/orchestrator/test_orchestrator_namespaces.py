"""Two controllers with their agents in network namespaces of their own, joined by one cable (a veth pair).

Each controller has an agent beside it and one beyond the cable, and a unit of each near node needs one of the far node.
The cable is cut and restored; GATEWAY_CABLE_CUTS=50 does it as often as the long form.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from gateway.orchestrator.dbus import Client

SPACES = tuple(f"gwt-{side}-{os.getpid()}" for side in ("left", "right"))
ADDRESSES = ("10.213.8.1", "10.213.8.2")
CUTS = int(os.environ.get("GATEWAY_CABLE_CUTS", "4"))
PORT = 842
CONTROLLER = """\
[bluechi-controller]
NodeHeartbeatThreshold=500
AllowedNodeNames=near,far
LogIsQuiet=yes
[node near]
AllowDependenciesOn=far
"""
AGENT = "[bluechi-agent]\nNodeName={name}\nControllerHost={host}\nHeartbeatInterval=100\nLogIsQuiet=yes\n"
NEED = "bluechi-proxy@far_target.service"
UNITS = {
    "target.service": "[Service]\nExecStart=/bin/target\n",
    "needs.service": f"[Unit]\nBindsTo={NEED}\nAfter={NEED}\n[Service]\nExecStart=/bin/needs\n",
}


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def spaces(require_tool: Callable[..., str]) -> Iterator[None]:
    """The two namespaces and the cable between them."""
    require_tool("ip", package="iproute2")
    try:
        for space in SPACES:
            ip("netns", "add", space)
            ip("-n", space, "link", "set", "lo", "up")
        ip("-n", SPACES[0], "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", SPACES[1])
        for space, address in zip(SPACES, ADDRESSES, strict=True):
            ip("-n", space, "addr", "add", f"{address}/30", "dev", "cable")
            ip("-n", space, "link", "set", "cable", "up")
    except subprocess.CalledProcessError as error:
        _tear_down()
        pytest.skip(f"needs root and veth devices: {error.stderr.decode().strip()} (uid {os.getuid()})")
    yield
    _tear_down()


def _tear_down() -> None:
    for space in SPACES:
        subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


@contextlib.asynccontextmanager
async def running(space: str, *words: str) -> AsyncIterator[None]:
    """One of our programs in a namespace."""
    command = ("ip", "netns", "exec", space, sys.executable, "-m", "gateway", *words)
    process = await asyncio.create_subprocess_exec(*command)
    try:
        yield
    finally:
        assert process.returncode is None, f"{words} has ended with {process.returncode}"
        process.kill()
        await process.wait()


@pytest.fixture
def two_buses(require_tool: Callable[..., str], tmp_path: Path) -> Iterator[list[str]]:
    """A bus for each side: a unix socket, which no network namespace is in the way of."""
    daemon = require_tool("dbus-daemon", package="dbus")
    started = []
    for side in SPACES:
        words = [daemon, "--session", "--nofork", "--nopidfile", f"--address=unix:path={tmp_path / side}"]
        process = subprocess.Popen(
            [*words, "--print-address=1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        started.append(process)
    yield [f"unix:path={tmp_path / side}" for side in SPACES]
    for process in started:
        process.terminate()
        process.communicate()


class Side:
    """A controller as a client of its bus sees it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def states(self) -> dict[str, str]:
        """`near`, `far`, and `near/needs.service` and the like, of nodes that are online."""
        nodes = (await self.client.controller("ListNodes"))[0]
        found = {name: status for name, _path, status, _ip in nodes}
        for node in [name for name, status in found.items() if status == "online"]:
            with contextlib.suppress(Exception):  # it may have gone meanwhile
                units = (await self.client.node(node, "ListUnits"))[0]
                found |= {f"{node}/{unit[0]}": unit[3] for unit in units}
        return found

    async def until(self, **wanted: str) -> None:
        """Until all of these are so; `needs` and `target` are units of near and of far."""
        names = {"needs": "near/needs.service", "target": "far/target.service", "dep": "far/bluechi-dep@target.service"}
        expected = {names.get(name, name): state for name, state in wanted.items()}
        states: dict[str, str] = {}
        try:
            async with asyncio.timeout(60):
                while any(states.get(name) != state for name, state in expected.items()):
                    states = await self.states()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"waited in vain for {expected}: {states}")


def test_the_cable_between_two_controllers_is_cut_and_restored(
    spaces: None, two_buses: list[str], tmp_path: Path
) -> None:
    units = tmp_path / "units"
    units.mkdir()
    for name, text in UNITS.items():
        (units / name).write_text(text)
    (tmp_path / "controller.conf").write_text(f"{CONTROLLER}")
    simulated = ("--files", str(units), "--units", "simulated")

    def agent(name: str, host: str) -> tuple[str, ...]:
        path = tmp_path / f"{name}-{host}.conf"
        path.write_text(AGENT.format(name=name, host=host))
        return ("agent", "--config", str(path), *simulated)

    async def story() -> None:
        async with contextlib.AsyncExitStack() as stack:
            sides = []
            for number, (space, address, bus) in enumerate(zip(SPACES, ADDRESSES, two_buses, strict=True)):
                words = ("controller", "--config", str(tmp_path / "controller.conf"), "--host", address, "--dbus", bus)
                await stack.enter_async_context(running(space, *words))
                await stack.enter_async_context(running(space, *agent("near", address)))
                await stack.enter_async_context(running(SPACES[1 - number], *agent("far", address)))
                client = await stack.enter_async_context(Client.connected(bus))
                sides.append(Side(client))
            for side in sides:
                await _served(side)
                await side.until(near="online", far="online")
                assert await side.client.do("near", "StartUnit", "needs.service", "replace") == "done"
                await side.until(needs="active", target="active", dep="active")
            for number in range(CUTS):
                ip("-n", SPACES[number % 2], "link", "set", "cable", "down")
                if number % 3:
                    for side in sides:
                        await side.until(near="online", far="offline")
                ip("-n", SPACES[number % 2], "link", "set", "cable", "up")
                for side in sides:
                    await side.until(near="online", far="online", needs="active", target="active", dep="active")

    asyncio.run(story())


async def _served(side: Side) -> None:
    """Until the controller is on its bus."""
    from gateway.orchestrator.dbus.client import CallError

    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(CallError):
                await side.client.controller("ListNodes")
                return
            await asyncio.sleep(0.05)
