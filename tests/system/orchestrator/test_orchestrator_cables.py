"""Agents in a network namespace of their own: the cable between them and the controller is a veth that is cut.

GATEWAY_CABLE_CUTS=50 does it as often as the long form.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from gateway.orchestrator.control import Controller, ControllerConfig, NodeConfig
from gateway.orchestrator.dbus import serve_peers
from gateway.sim import Clock, Kernel, run

MS = 1_000_000
SPACE, HERE, THERE = f"gateway-test-{os.getpid()}", f"gwh{os.getpid()}", f"gwt{os.getpid()}"
SUBNET = os.getpid() % 16384 * 4
CONTROLLER, AGENT = (f"10.212.{(SUBNET + host) >> 8}.{(SUBNET + host) & 255}" for host in (1, 2))
CUTS = int(os.environ.get("GATEWAY_CABLE_CUTS", "10"))
AGENTS = """
import asyncio, sys
from gateway.orchestrator.joining import Crowd, joined
from gateway.sim import Clock, Kernel, run
kernel = Kernel()
need = "bluechi-proxy@node-2_target.service"
files = {
    "target.service": "[Service]\\nExecStart=/bin/target\\n",
    "needs.service": f"[Unit]\\nBindsTo={need}\\nAfter={need}\\n[Service]\\nExecStart=/bin/needs\\n",
}
async def main():
    async with joined(kernel, Crowd(sys.argv[1], 2, files=files, heartbeat_ns=100_000_000)):
        await asyncio.get_running_loop().create_future()
run(main(), kernel, Clock.WALL)
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def cable(require_tool: Callable[..., str]) -> Iterator[str]:
    """A network namespace with a cable to this one; the address of this end."""
    require_tool("ip", package="iproute2")
    try:
        ip("netns", "add", SPACE)
        ip("link", "add", HERE, "type", "veth", "peer", "name", THERE, "netns", SPACE)
    except subprocess.CalledProcessError as error:
        subprocess.run(["ip", "netns", "del", SPACE], check=False, capture_output=True)
        pytest.skip(f"needs root and veth devices: {error.stderr.decode().strip()} (uid {os.getuid()})")
    try:
        ip("addr", "add", f"{CONTROLLER}/30", "dev", HERE)
        ip("link", "set", HERE, "up")
        ip("-n", SPACE, "addr", "add", f"{AGENT}/30", "dev", THERE)
        ip("-n", SPACE, "link", "set", THERE, "up")
        yield CONTROLLER
    finally:
        subprocess.run(["ip", "link", "del", HERE], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", SPACE], check=False, capture_output=True)


def test_a_cable_cut_and_restored_again_and_again(cable: str) -> None:
    """Cuts that are noticed and cuts that are not; states and dependencies are right each time."""
    kernel = Kernel()
    free = NodeConfig(allow_dependencies_on=frozenset(["*"]))
    config = ControllerConfig(nodes={"node-1": free, "node-2": free}, threshold_ns=400 * MS)
    controller = Controller(kernel, config)

    async def until(condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(60):
                while not condition():  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.005)
        except TimeoutError:
            events = [(event.time_ns // MS, event.node, event.what) for event in controller.events[-8:]]
            known_units = {name: node.known for name, node in controller.nodes.items()}
            pytest.fail(f"waited in vain at {kernel.now // MS} ms: {events}, {known_units}, {controller.needs.needs}")

    def known(node: str, unit: str) -> str:
        found = controller.nodes[node].known.get(unit)
        return found.active if found is not None else ""

    async def story(address: str) -> None:
        words = ("netns", "exec", SPACE, sys.executable, "-c", AGENTS, address)
        agents = await asyncio.create_subprocess_exec("ip", *words)
        try:
            await until(lambda: controller.status == "up")
            monitor = controller.new_monitor("test")
            monitor.subscribe("*", ("needs.service", "target.service", "bluechi-dep@target.service"))
            controller.begin(
                controller.nodes["node-1"], "StartUnit", "ss", ("needs.service", "replace"), lambda _: None
            )
            await until(lambda: known("node-1", "needs.service") == "active")
            for number in range(CUTS):
                ip("link", "set", HERE, "down")
                if number % 2:
                    await until(lambda: controller.status == "down")
                    assert known("node-1", "needs.service") == ""
                ip("link", "set", HERE, "up")
                await until(lambda: controller.status == "up")
                await until(lambda: known("node-1", "needs.service") == "active")
                await until(lambda: known("node-2", "target.service") == "active")
                await until(lambda: [need.unit for need in controller.needs.needs] == ["target.service"])
        finally:
            agents.kill()
            await agents.wait()

    async def main() -> None:
        async with serve_peers(controller, tcp=(cable, 0)) as server:
            await story(server.addresses[0])

    run(main(), kernel, Clock.WALL)
    assert sum(event.what == "offline" for event in controller.events) >= CUTS
