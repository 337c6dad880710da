"""The socket for CAN tools: each client becomes a participant of a simulated bus. The driver of `session`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from gateway.can import Bus, Frame
from gateway.can.controller import ControllerState
from gateway.links.errors import LinkError
from gateway.links.participant import Participant
from gateway.links.places import listen
from gateway.links.records import VERSION, Bye, Carried, Channel, Condition, Format, Open, State, Welcome
from gateway.links.session import ROOM, Session, SessionState
from gateway.links.wire import encode_frame
from gateway.sim import Clock, SimulationLoop, calendar_ns

_WRITE_BUFFER: Final = 65536
"""Bytes that the transport holds for a client before frames wait in its session."""
_STATES: Final = {
    ControllerState.ERROR_ACTIVE: State.ERROR_ACTIVE,
    ControllerState.ERROR_PASSIVE: State.ERROR_PASSIVE,
    ControllerState.BUS_OFF: State.BUS_OFF,
    ControllerState.OFF: State.OFF,
}


def wall_time_loop(what: str) -> SimulationLoop:
    """The running loop. Raises `LinkError` unless it is a simulation's in wall time: `what` does not wait."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, SimulationLoop) or loop.clock is not Clock.WALL:
        raise LinkError(f"{what} cannot follow virtual time, because the programs outside do not: use --clock wall")
    return loop


@contextlib.asynccontextmanager
async def serve(
    vehicle: str, buses: Mapping[str, Bus], place: Path, *, epoch_ns: int | None = None, room: int = ROOM
) -> AsyncIterator[BusServer]:
    """Let CAN tools take part in `buses` over the socket `place`, as long as the context lasts.

    `epoch_ns`: nanoseconds since 1970 at time zero; `room`: frames that wait for a client which does not read.
    Raises `LinkError` when the loop is in virtual time, or the socket cannot be had.
    """
    loop = wall_time_loop("a socket for CAN tools")
    server = BusServer(vehicle, buses, epoch_ns_of(loop) if epoch_ns is None else epoch_ns, room)
    listening = listen(place)
    inode = place.stat().st_ino
    acceptor = await loop.create_unix_server(partial(_Client, server, loop), sock=listening)
    try:
        yield server
    finally:
        acceptor.close()
        server.close()
        with contextlib.suppress(FileNotFoundError):
            if place.stat().st_ino == inode:
                place.unlink()


def epoch_ns_of(loop: SimulationLoop) -> int:
    """Nanoseconds since 1970 at the simulation's time zero."""
    return calendar_ns() - loop.pace.time_ns()


class BusServer:
    """What all clients share. `clients`: how many there are now; `broken`: conversations that ended with a fault."""

    def __init__(self, vehicle: str, buses: Mapping[str, Bus], epoch_ns: int, room: int) -> None:
        channels = tuple(
            Channel(name, Format.CAN_FD if bus.fd else Format.CAN, bus.rates.nominal, bus.rates.data if bus.fd else 0)
            for name, bus in buses.items()
        )
        self.buses: Final = buses
        self.welcome: Final = Welcome(VERSION, epoch_ns, vehicle, channels)
        self.room: Final = room
        self.broken = 0
        self._clients: set[_Client] = set()
        self._encoded: dict[str, tuple[Frame, int, bytes]] = {}

    @property
    def clients(self) -> int:
        return len(self._clients)

    def joined(self, client: _Client) -> None:
        self._clients.add(client)

    def gone(self, client: _Client) -> None:
        self._clients.discard(client)
        if client.session.failure is not None:
            self.broken += 1

    def close(self) -> None:
        for client in list(self._clients):
            client.stop("the simulation has ended")

    def encoded(self, bus: Bus, frame: Frame) -> bytes:
        """A frame's record; for a hundred clients it is made once."""
        now = bus.kernel.now
        last = self._encoded.get(bus.name)
        if last is not None and last[0] is frame and last[1] == now:
            return last[2]
        data = encode_frame(now, frame)
        self._encoded[bus.name] = (frame, now, data)
        return data


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: BusServer, loop: asyncio.AbstractEventLoop) -> None:
        self.session = Session(server.welcome, server.room)
        self._server = server
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._participant: Participant | None = None
        self._flushing = False
        self._full = False
        self._ended = False

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        self._transport = transport
        self._server.joined(self)

    def data_received(self, data: bytes) -> None:
        self.session.receive(data)
        self._work()

    def eof_received(self) -> bool:
        """The client sends nothing more; what it has sent is still worked off."""
        self._ended = True
        self._work()
        return self._transport is not None

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._soon()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._ended = True
        self._work()
        self._server.gone(self)

    # The client's requests

    def _work(self) -> None:
        """Do what the client asks for, as far as its controller has room."""
        while self._participant is None or self._participant.room:
            request = self.session.next()
            if request is None:
                if self._ended:
                    self.session.closed()
                    self.session.end()
                break
            self._do(request)
        else:
            if self._transport is not None:
                self._transport.pause_reading()
            return
        if self.session.state is SessionState.ENDED:
            self._close()
        else:
            if self._transport is not None:
                self._transport.resume_reading()
            self._soon()

    def _do(self, request: Open | Carried | Bye) -> None:
        if isinstance(request, Carried):
            assert self._participant is not None
            self._participant.send(request.frame)
        elif isinstance(request, Open):
            self._open(request)

    def _open(self, request: Open) -> None:
        bus = self._server.buses[request.channel]
        self._participant = Participant(
            bus,
            self.session.name or "client",
            self._hear,
            echo=self._echo if request.echo else None,
            changed=self._changed,
            room_again=self._room_again,
        )
        self.session.opened(self._participant.controller.name, self._condition())

    def _room_again(self) -> None:
        self._loop.call_soon(self._work)

    # The bus's frames

    def _hear(self, frame: Frame) -> None:
        assert self._participant is not None
        self.session.frame(self._server.encoded(self._participant.bus, frame))
        self._soon()

    def _echo(self, frame: Frame) -> None:
        assert self._participant is not None
        self.session.frame(encode_frame(self._participant.bus.kernel.now, frame, echo=True))
        self._soon()

    def _changed(self) -> None:
        self.session.condition(self._condition())
        self._soon()

    def _condition(self) -> Condition:
        assert self._participant is not None
        controller = self._participant.controller
        return Condition(_STATES[controller.state], controller.tec, controller.rec)

    def _soon(self) -> None:
        """Frames of one instant go out together."""
        if not self._flushing and not self._full:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._transport is not None and not self._full:
            data = self.session.outgoing()
            if data:
                self._transport.write(data)

    # The end

    def stop(self, reason: str) -> None:
        """Break the conversation off, and tell the client why."""
        if self.session.state is not SessionState.ENDED:
            self.session.end(reason)
        self._close()

    def _close(self) -> None:
        if self._participant is not None:
            self._participant.leave()
        if self._transport is not None:
            self._full = False
            self._flush()
            self._transport.close()
