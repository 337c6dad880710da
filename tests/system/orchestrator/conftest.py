"""A controller with simulated nodes on a private bus, and independent clients: busctl, gdbus, BlueChi's bindings."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.orchestrator.control import ControllerConfig, NodeConfig
from gateway.orchestrator.dbus import Client, serve_public
from gateway.orchestrator.fleet import Fleet
from gateway.orchestrator.units import UnitFiles
from gateway.sim import Clock, Kernel, Streams, run

ROOT = Path(__file__).parents[3]
OBJECT = "/org/eclipse/bluechi"
NAME = "org.eclipse.bluechi"
SIMPLE = "[Unit]\nDescription=Just being {0}\n[Service]\nType=simple\nExecStart=/bin/{0}\n"


@pytest.fixture(scope="session")
def bus(require_tool: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private bus."""
    daemon = require_tool("dbus-daemon", package="dbus")
    socket = tmp_path_factory.mktemp("bus") / "socket"
    process = subprocess.Popen(
        [daemon, "--session", "--nofork", "--nopidfile", f"--address=unix:path={socket}", "--print-address=1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip().partition(",guid")[0]
    yield address
    process.terminate()
    process.wait()
    process.stdout.close()


class Bench:
    """A running controller, and how clients reach it."""

    def __init__(self, fleet: Fleet, address: str, client: Client) -> None:
        self.fleet = fleet
        self.address = address
        self.client = client

    async def run(self, *command: str, code: int | None = 0) -> str:
        """A program's output; its exit code must be `code` (None: any but 0, and what it says of the error)."""
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
        )
        out, err = await process.communicate()
        if code is None:
            assert process.returncode != 0, out.decode()
            return err.decode()
        assert process.returncode == code, err.decode() + out.decode()
        return out.decode()

    async def busctl(self, *words: str, code: int | None = 0) -> str:
        return await self.run("busctl", f"--address={self.address}", *words, code=code)

    async def node(self, node: str, method: str, *words: str, code: int | None = 0) -> Any:
        """A node's method by busctl: what it gives, or the error's text."""
        path = f"{OBJECT}/node/{node}"
        text = await self.busctl("--json=short", "call", NAME, path, f"{NAME}.Node", method, *words, code=code)
        return json.loads(text)["data"] if code == 0 and text else text

    async def controller(self, method: str, *words: str, code: int | None = 0) -> Any:
        """A method of the controller by busctl."""
        text = await self.busctl("--json=short", "call", NAME, OBJECT, f"{NAME}.Controller", method, *words, code=code)
        return json.loads(text)["data"] if code == 0 and text else text

    async def gdbus(self, method: str, *words: str, path: str = OBJECT) -> str:
        """A method by gdbus, as it prints the answer."""
        return await self.run(
            "gdbus", "call", "--address", self.address, "-d", NAME, "-o", path, "-m", f"{NAME}.{method}", *words
        )

    async def gateway(self, *words: str, code: int | None = 0) -> str:
        """Our command line."""
        return await self.run(sys.executable, "-m", "gateway", *words, "--dbus", self.address, code=code)

    def state(self, node: str, unit: str) -> str:
        return str(self.fleet.node(node).engine.units[unit].active)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; asked again at each turn of a few milliseconds, for 60 s at most."""
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)


Nodes = Mapping[str, Mapping[str, str]]
Story = Callable[[Bench], Awaitable[None]]


def make_fleet(kernel: Kernel, nodes: Nodes, config: ControllerConfig | None = None) -> Fleet:
    """Nodes with these unit files, which may depend on each other."""
    free = NodeConfig(allow_dependencies_on=frozenset(["*"]))
    fleet = Fleet(kernel, config or ControllerConfig(nodes=dict.fromkeys(nodes, free)), Streams(0))
    for name, texts in nodes.items():
        fleet.add(name, UnitFiles(name, texts))
    return fleet


@contextlib.asynccontextmanager
async def bench(address: str, fleet: Fleet) -> AsyncIterator[Bench]:
    """The fleet, running, on a bus, all nodes online."""
    async with serve_public(fleet.controller, address), Client.connected(address) as client:
        fleet.start()
        found = Bench(fleet, address, client)
        names = set(fleet.nodes) & set(fleet.controller.nodes)
        await found.until(lambda: all(fleet.controller.nodes[name].online for name in names))
        yield found
        fleet.stop()


@pytest.fixture
def on_bus(bus: str, require_tool: Callable[..., str]) -> Callable[..., None]:
    """`on_bus(story, nodes)`: run a story with a controller and nodes on the bus, in wall time."""
    require_tool("busctl", package="systemd")
    require_tool("gdbus", package="libglib2.0-bin")

    def start(story: Story, nodes: Nodes, config: ControllerConfig | None = None) -> None:
        kernel = Kernel()

        async def main() -> None:
            async with bench(bus, make_fleet(kernel, nodes, config)) as found:
                await story(found)

        run(main(), kernel, Clock.WALL)

    return start


@pytest.fixture(scope="session")
def bluechi_python() -> str:
    """A Python that has BlueChi's bindings."""
    for candidate in (sys.executable, str(ROOT / "build" / "bluechi" / "bin" / "python")):
        try:
            if (
                subprocess.run([candidate, "-c", "import bluechi.api"], capture_output=True, check=False).returncode
                == 0
            ):
                return candidate
        except OSError:
            continue
    reason = "needs BlueChi's bindings: apt-get install python3-gi python3-venv; make peers"
    return pytest.fail(reason) if os.environ.get("CI", "").lower() == "true" else pytest.skip(reason)
