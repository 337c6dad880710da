"""The socket for CAN tools: each client becomes a participant of a simulated bus. The driver of `session`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from gateway.can import Bus, Frame
from gateway.can.controller import ControllerState
from gateway.links.places import listen, remove
from gateway.links.records import VERSION, Carried, Channel, Condition, Format, Open, State, Stream, Welcome
from gateway.links.session import ROOM, Request, Session
from gateway.links.stream_client import Clients, StreamClient
from gateway.links.streaming import Streaming, StreamSources
from gateway.links.wall_time import epoch_ns_of, wall_time_loop
from gateway.links.wire import encode_frame, encode_lin_frame
from gateway.sim import SimulationLoop

NO_STREAMS: Final[StreamSources] = {}
_STATES: Final = {
    ControllerState.ERROR_ACTIVE: State.ERROR_ACTIVE,
    ControllerState.ERROR_PASSIVE: State.ERROR_PASSIVE,
    ControllerState.BUS_OFF: State.BUS_OFF,
    ControllerState.OFF: State.OFF,
}


@contextlib.asynccontextmanager
async def serve(
    vehicle: str,
    buses: Mapping[str, Bus],
    place: Path,
    *,
    epoch_ns: int | None = None,
    room: int = ROOM,
    streams: StreamSources = NO_STREAMS,
) -> AsyncIterator[BusServer]:
    """Let CAN tools take part in `buses` over the socket `place`, as long as the context lasts.

    `epoch_ns`: nanoseconds since 1970 at time zero; `room`: frames that wait for a client which does not read;
    `streams`: what clients may ask for instead of a bus.
    Raises `LinkError` when the loop is in virtual time, or the socket cannot be had.
    """
    loop = wall_time_loop("a socket for CAN tools")
    server = BusServer(vehicle, buses, epoch_ns_of(loop) if epoch_ns is None else epoch_ns, room, streams)
    listening, inode = listen(place)
    acceptor = await loop.create_unix_server(partial(_Client, server, loop), sock=listening)
    try:
        yield server
    finally:
        await server.clients.end(acceptor)
        remove(place, inode)


class BusServer:
    """What all clients share."""

    def __init__(
        self,
        vehicle: str,
        buses: Mapping[str, Bus],
        epoch_ns: int,
        room: int,
        streams: StreamSources = NO_STREAMS,
    ) -> None:
        channels = tuple(
            Channel(name, _format(bus), bus.rates.nominal, bus.rates.data if bus.fd else 0)
            for name, bus in buses.items()
        )
        self.buses: Final = buses
        self.welcome: Final = Welcome(VERSION, epoch_ns, vehicle, channels)
        self.room: Final = room
        self.streams: Final = streams
        self.clients: Final = Clients()
        self._encoded: dict[str, tuple[Frame, int, bytes]] = {}

    def encoded(self, bus: Bus, frame: Frame) -> bytes:
        """A frame's record; for a hundred clients it is made once."""
        now = bus.kernel.now
        last = self._encoded.get(bus.name)
        if last is not None and last[0] is frame and last[1] == now:
            return last[2]
        data = encode_lin_frame(now, frame) if bus.polled else encode_frame(now, frame)
        self._encoded[bus.name] = (frame, now, data)
        return data


class _Client(StreamClient[Request]):
    """One connection."""

    def __init__(self, server: BusServer, loop: SimulationLoop) -> None:
        self._session = Session(server.welcome, server.room, server.streams)
        super().__init__(server.clients, loop, self._session)
        self._server = server
        self._echoes = False

    def do(self, request: Request) -> None:
        if isinstance(request, Carried):
            assert self.participant is not None
            self.participant.send(request.frame)
        elif isinstance(request, Open):
            self._echoes = request.echo
            joined = self.join(self._server.buses[request.channel], self._session.name or "client")
            self._session.opened(joined.controller.name, self._condition())
        elif isinstance(request, Stream):
            self._stream(request.stream)

    def _stream(self, name: str) -> None:
        self._session.streaming(name)
        transport = self.hand_over()
        if transport is not None:
            transport.resume_reading()
            Streaming(self._server.clients, self.loop, self._server.streams[name](), transport).begin()

    def hear(self, frame: Frame) -> None:
        assert self.participant is not None
        self._session.frame(self._server.encoded(self.participant.bus, frame))
        self.soon()

    def echo(self, frame: Frame) -> None:
        if self._echoes:
            assert self.participant is not None
            bus = self.participant.bus
            encode = encode_lin_frame if bus.polled else encode_frame
            self._session.frame(encode(bus.kernel.now, frame, echo=True))
            self.soon()

    def changed(self) -> None:
        self._session.condition(self._condition())
        self.soon()

    def outgoing(self) -> bytes:
        return self._session.outgoing()

    def _condition(self) -> Condition:
        assert self.participant is not None
        controller = self.participant.controller
        return Condition(_STATES[controller.state], controller.tec, controller.rec)


def _format(bus: Bus) -> Format:
    if bus.polled:
        return Format.LIN
    return Format.CAN_FD if bus.fd else Format.CAN
