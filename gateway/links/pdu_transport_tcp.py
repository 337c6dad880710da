"""A bus as AUTOSAR PDUs over TCP: listens for its peer, or connects to it and does so again when it was lost.

Any number of peers may connect to the side that listens; each gets all frames. A peer that does not read is left:
what it missed it could not be told in order.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final, cast

from gateway.can import Frame
from gateway.links.addresses import Address, reason
from gateway.links.carried_link import CarriedLink
from gateway.links.errors import LinkError, RecordError
from gateway.links.gathering import Gathered, Gathering
from gateway.links.link import LinkUser
from gateway.links.pdu_transport import Pdu, PduCarrier, PduStream

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0
"""Between attempts to connect."""
UNREAD: Final = 1 << 20
"""Bytes that a peer may leave unread."""


class PduTcpLink(CarriedLink):
    """One bus over TCP. `peer` None: listen at `here`."""

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
        super().__init__(name, gathering, fd=fd, urgent=urgent)
        self.address = here
        self.carrier: Final = carrier
        self._here: Final = here
        self._named: Final = peer
        self._peers: Final[list[_Peer]] = []
        self._task: asyncio.Task[None] | None = None
        self._down = False

    # The seam

    def open(self, user: LinkUser) -> None:
        """LinkError in virtual time, and for an address that cannot be had."""
        self._begin(user)
        if self._named is not None:
            self._task = self._loop.create_task(self._connect(self._named), name=f"{self.name} connects")
            return
        try:
            acceptor = _listen(self.name, self._here)
        except LinkError:
            self._open = False
            raise
        self.address = Address(self._here.host, acceptor.getsockname()[1])
        self._task = self._loop.create_task(self._accept(acceptor), name=f"{self.name} listens")

    def close(self) -> None:
        if self._task is None:
            return
        self._end()
        self._task.cancel()
        self._task = None
        for peer in list(self._peers):
            peer.close()

    def drain(self) -> int:
        return 0  # what has come is handed over as soon as it does

    def send(self, frame: Frame) -> bool:
        part = self.carrier.encode(frame)
        if part is None:
            self._refuse([frame], f" does not carry {frame}")
        elif not self._peers:
            self._refuse([frame], ": nobody is connected")
        else:
            self._gather(part, frame)
        return True

    def _write(self, gathered: Gathered[Frame]) -> None:
        if gathered.parts:
            data = b"".join(gathered.parts)
            for peer in list(self._peers):
                peer.write(data)
            self._went(gathered.items)

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
        if why and self._open:
            self._complain(why)

    # In

    def take(self, pdus: list[Pdu]) -> None:
        """PDUs have come."""
        if self._open:
            self._receive(self.carrier.frames(pdus))


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
