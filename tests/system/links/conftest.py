"""A simulation in wall time, in a thread of the test's own process, for clients that are real."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.can import BitRates, Bus, Controller, Frame
from gateway.links import BusServer, serve
from gateway.links.addresses import Address
from gateway.links.cannelloni_link import CannelloniLink, link_cannelloni
from gateway.links.cannelloni_tcp import CannelloniServer, serve_cannelloni
from gateway.links.socketcand_server import SocketcandServer, serve_socketcand
from gateway.sim import Clock, Kernel, run

T = TypeVar("T")
LIMIT_S = 60.0
ANY_PORT = Address("127.0.0.1", 0)


class Simulation:
    """Two buses, powertrain (CAN) and chassis (CAN FD), each with one ECU that notes what it hears."""

    def __init__(self, folder: Path) -> None:
        self.kernel = Kernel()
        self.buses = {
            "powertrain": Bus(self.kernel, "powertrain", BitRates(500_000, 500_000), index=0),
            "chassis": Bus(self.kernel, "chassis", BitRates(500_000, 2_000_000), index=1, fd=True),
        }
        self.place = folder / "test.sock"
        self.ecus: dict[str, Controller] = {}
        self.heard: queue.Queue[tuple[str, Frame]] = queue.Queue()
        self.trace: list[tuple[int, int, Frame, Controller, int, int]] = []
        for name, bus in self.buses.items():
            bus.record = self.trace
            self.ecus[name] = bus.attach("ECU")
            self.ecus[name].receive_all(lambda frame, name=name: self.heard.put((name, frame)))  # type: ignore[misc]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="simulation")

    def __enter__(self) -> Simulation:
        self._thread.start()
        self._ready.result(LIMIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None and self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    def call(self, action: Callable[[], T]) -> T:
        """Do something in the simulation's thread, between two instants."""

        async def do() -> T:
            return action()

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(do(), self._loop).result(LIMIT_S)

    def open(self, context: Callable[[], AbstractAsyncContextManager[T]]) -> T:
        """Enter a context of the simulation's loop, until the simulation ends."""
        assert self._loop is not None
        entering = asyncio.run_coroutine_threadsafe(self._services.enter_async_context(context()), self._loop)
        return entering.result(LIMIT_S)

    def serve(self, **options: Any) -> BusServer:
        return self.open(lambda: serve("test-car", self.buses, self.place, **options))

    def serve_socketcand(self) -> SocketcandServer:
        return self.open(lambda: serve_socketcand(self.buses, ANY_PORT))

    def link_cannelloni(self, bus: str, peer: Address | None = None) -> CannelloniLink:
        return self.open(lambda: link_cannelloni(self.buses[bus], ANY_PORT, peer))

    def serve_cannelloni(self, bus: str) -> CannelloniServer:
        return self.open(lambda: serve_cannelloni(self.buses[bus], ANY_PORT))

    def ecu_sends(self, bus: str, *frames: Frame) -> None:
        self.call(lambda: [self.ecus[bus].send(frame) for frame in frames])

    def flood(self, bus: str, count: int, first: int = 0) -> None:
        """Let an ECU send so many frames, numbered from `first` on, each when the last is through; returns at once."""
        ecu, numbers = self.ecus[bus], iter(range(first, first + count))

        def send_next(*_: object) -> None:
            number = next(numbers, None)
            if number is not None:
                ecu.send(Frame(0x100, number.to_bytes(4)))

        ecu.on_sent = send_next
        send_next()

    def next_heard(self) -> tuple[str, Frame]:
        """What an ECU hears next."""
        return self.heard.get(timeout=LIMIT_S)

    def passed(self, bus: str) -> list[Frame]:
        """All frames that have been through on a bus."""
        index = self.buses[bus].index
        return [entry[2] for entry in self.call(lambda: list(self.trace)) if entry[1] == index]

    def _run(self) -> None:
        try:
            run(self._main(), self.kernel, Clock.WALL)
        except BaseException as error:  # the test's thread shall have it
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with AsyncExitStack() as self._services:
            self._ready.set_result(None)
            await self._stop.wait()


@pytest.fixture
def simulation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulation]:
    with Simulation(tmp_path) as running:
        monkeypatch.setenv("VEHICLE_GATEWAY_SOCKET", str(running.place))
        yield running


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """Closes what a test opens, before the simulation ends."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def simulation_class() -> type[Simulation]:
    """For tests that end their simulation themselves."""
    return Simulation
