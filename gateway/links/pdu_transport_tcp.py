"""A bus as AUTOSAR PDUs over TCP: listens for its peer, or connects to it and does so again when it was lost.

Any number of peers may connect to the side that listens; each gets all frames. A peer that does not read is left:
what it missed it could not be told in order.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final, cast

from gateway.can import ERROR, FD, KEY_MASK, Frame
from gateway.can.events import BusEventKind
from gateway.links.addresses import Address, reason
from gateway.links.errors import LinkError, RecordError
from gateway.links.gathering import Gathered, Gathering
from gateway.links.link import Arbiter, LinkUser
from gateway.links.pdu_transport import Pdu, PduCarrier, PduStream
from gateway.links.wall_time import wall_time_loop
from gateway.sim import SimulationLoop

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0
"""Between attempts to connect."""
UNREAD: Final = 1 << 20
"""Bytes that a peer may leave unread."""


class PduTcpLink:
    """One bus over TCP. `peer` None: listen at `here`. Counted: `wrong` streams, with `last_wrong` as the reason."""

    def __init__(
        self,
        name: str,
        here: Address,
        peer: Address | None,
        carrier: PduCarrier,
        gathering: Gathering[Frame],
        *,
        fd: bool,
        urgent: frozenset[int] = frozenset(),
    ) -> None:
        self.name = name
        self.address = here
        self.arbiter = Arbiter.ADAPTER
        self.carrier: Final = carrier
        self.wrong = self.unfit = 0
        self.last_wrong = ""
        self._here: Final = here
        self._named: Final = peer
        self._gathering: Final = gathering
        self._fd: Final = fd
        self._urgent: Final = urgent
        self._wanted: frozenset[int] | None = None
        self._peers: Final[list[_Peer]] = []
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sent: list[Frame] = []
        self._down = False

    # The seam

    def open(self, user: LinkUser) -> None:
        """LinkError in virtual time, and for an address that cannot be had."""
        self._loop: SimulationLoop = wall_time_loop(self.name)
        self._user = user
        if self._named is not None:
            self._task = self._loop.create_task(self._connect(self._named), name=f"{self.name} connects")
            return
        acceptor = _listen(self.name, self._here)
        self.address = Address(self._here.host, acceptor.getsockname()[1])
        self._task = self._loop.create_task(self._accept(acceptor), name=f"{self.name} listens")

    def close(self) -> None:
        self._write(self._gathering.take())
        self._confirm()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for peer in list(self._peers):
            peer.close()

    def drain(self) -> int:
        return 0  # what has come is handed over as soon as it does

    def want(self, keys: frozenset[int] | None) -> None:
        self._wanted = keys

    def send(self, frame: Frame) -> bool:
        part = self.carrier.encode(frame)
        if part is None or not self._peers:
            why = "nobody is connected" if part is not None else f"does not carry {frame}"
            self._loop.call_soon(self._reject, frame, f"{self.name}: {why}")
            return True
        now = self._loop.kernel.now
        for gathered in self._gathering.add(part, frame, now, urgent=frame.header & KEY_MASK in self._urgent):
            self._write(gathered)
        if self._gathering.deadline is not None and (self._timer is None or self._timer.when() <= self._loop.time()):
            self._timer = self._loop.call_later((self._gathering.deadline - now) / 1e9, self._due)
        return True

    # Out

    def _due(self) -> None:
        self._write(self._gathering.take())

    def _write(self, gathered: Gathered[Frame]) -> None:
        if not gathered.parts:
            return
        data = b"".join(gathered.parts)
        for peer in list(self._peers):
            peer.write(data)
        self._sent += gathered.items
        self._loop.call_soon(self._confirm)

    def _confirm(self) -> None:
        frames, self._sent = self._sent, []
        if self._task is not None:
            now = self._loop.pace.time_ns()
            for frame in frames:
                self._user.confirmed(frame, now)

    def _reject(self, frame: Frame, why: str) -> None:
        if self._task is not None:
            self._user.rejected(frame, why)

    # Connections

    async def _accept(self, acceptor: socket.socket) -> None:
        server = await self._loop.create_server(lambda: _Peer(self), sock=acceptor)
        async with server:
            await server.serve_forever()

    async def _connect(self, peer: Address) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                _, connection = await self._loop.create_connection(lambda: _Peer(self), peer.host, peer.port)
            except OSError as error:
                self._lost(f"{peer} cannot be reached: {reason(error)}")
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            pause_s = FIRST_PAUSE_S
            self._found()
            await connection.ended
            self._lost(f"{peer} has closed the connection")
            await asyncio.sleep(pause_s)

    def _lost(self, why: str) -> None:
        if not self._down:
            self._down = True
            self._user.down(f"{self.name}: {why}")

    def _found(self) -> None:
        if self._down:
            self._down = False
            self._user.up()

    def joined(self, peer: _Peer) -> None:
        """A connection is there."""
        self._peers.append(peer)

    def left(self, peer: _Peer, why: str) -> None:
        """A connection has ended; `why` is empty when that is no fault."""
        if peer in self._peers:
            self._peers.remove(peer)
        if why and self._task is not None:
            self.wrong += 1
            self.last_wrong = why
            self._user.trouble(BusEventKind.ERROR, f"{self.name} got {why}")

    # In

    def take(self, pdus: list[Pdu]) -> None:
        """PDUs have come."""
        if self._task is None:
            return
        now = self._loop.pace.time_ns()
        for frame in self.carrier.frames(pdus):
            header = frame.header
            if header & ERROR or (header & FD and not self._fd):
                self.unfit += 1
            elif self._wanted is None or header & KEY_MASK in self._wanted:
                self._user.received(frame, now)


class _Peer(asyncio.Protocol):
    """One connection."""

    def __init__(self, link: PduTcpLink) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._link = link
        self._stream = PduStream()
        self._transport: asyncio.Transport | None = None
        self._why = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._link.joined(self)

    def data_received(self, data: bytes) -> None:
        self._stream.feed(data)
        pdus = []
        try:
            while (pdu := self._stream.next()) is not None:
                pdus.append(pdu)
        except RecordError as error:
            self._why = error.sentence
        self._link.take(pdus)
        if self._why:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._why and self._stream.partial:
            self._why = "a stream that ended in the middle of a PDU"
        self._link.left(self, self._why)
        if not self.ended.done():
            self.ended.set_result(None)

    def write(self, data: bytes) -> None:
        """Send; a peer that does not read is left."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > UNREAD:
            self._why = f"no reading from a peer for {UNREAD} bytes"
            transport.abort()
            return
        transport.write(data)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()


def _listen(name: str, here: Address) -> socket.socket:
    acceptor: socket.socket | None = None
    try:
        family, _, _, _, place = socket.getaddrinfo(*here, type=socket.SOCK_STREAM)[0]
        acceptor = socket.socket(family, socket.SOCK_STREAM)
        acceptor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        acceptor.bind(place)
    except OSError as error:
        if acceptor is not None:
            acceptor.close()
        raise LinkError(f"{name} cannot listen at {here}: {reason(error)}") from None
    acceptor.setblocking(False)
    return acceptor
