"""socketcand over TCP: the driver of `socketcand`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Final

from gateway.can import Bus, Frame
from gateway.links.addresses import Address, reason
from gateway.links.errors import LinkError
from gateway.links.socketcand import OpenBus, Request, SocketcandSession
from gateway.links.stream_client import Clients, StreamClient
from gateway.links.wall_time import epoch_ns_of, wall_time_loop
from gateway.sim import SimulationLoop, Timer


class SocketcandServer:
    """What all clients share. `address` is where it listens."""

    def __init__(self, buses: Mapping[str, Bus], epoch_ns: int) -> None:
        self.buses: Final = buses
        self.epoch_ns: Final = epoch_ns
        self.clients: Final = Clients()
        self.address = Address("", 0)


@contextlib.asynccontextmanager
async def serve_socketcand(
    buses: Mapping[str, Bus], address: Address, *, epoch_ns: int | None = None
) -> AsyncIterator[SocketcandServer]:
    """Let socketcand's clients take part in `buses`, as long as the context lasts; port 0 means any free one.

    Raises `LinkError` when the loop is in virtual time, or the address cannot be had.
    """
    loop = wall_time_loop("socketcand")
    server = SocketcandServer(buses, epoch_ns_of(loop) if epoch_ns is None else epoch_ns)
    try:
        acceptor = await loop.create_server(partial(_Client, server, loop), address.host, address.port)
    except OSError as error:
        raise LinkError(f"socketcand cannot listen at {address}: {reason(error)}") from None
    host, port = acceptor.sockets[0].getsockname()[:2]
    server.address = Address(host, port)
    try:
        yield server
    finally:
        await server.clients.end(acceptor)


class _Client(StreamClient[Request]):
    """One connection."""

    def __init__(self, server: SocketcandServer, loop: SimulationLoop) -> None:
        self._session = SocketcandSession({name: bus.fd for name, bus in server.buses.items()}, server.epoch_ns)
        super().__init__(server.clients, loop, self._session)
        self._server = server
        self._kernel = loop.kernel
        self._timer = Timer(loop.kernel, self._wake)

    def data_received(self, data: bytes) -> None:
        self._session.now = self._kernel.now
        super().data_received(data)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._timer.cancel()

    def do(self, request: Request) -> None:
        if isinstance(request, OpenBus):
            self.join(self._server.buses[request.bus], "socketcand")
        else:
            assert self.participant is not None
            self.participant.send(request)

    def hear(self, frame: Frame) -> None:
        self._session.heard(frame, self._kernel.now)
        self._set_timer()
        self.soon()

    def outgoing(self) -> bytes:
        return self._session.outgoing()

    def _wake(self) -> None:
        self._session.wake(self._kernel.now)
        self.work()
        self._set_timer()

    def _set_timer(self) -> None:
        deadline = self._session.deadline
        if deadline is None or self._session.over:
            self._timer.cancel()
        else:
            self._timer.set(deadline)
