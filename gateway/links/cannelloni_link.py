"""A simulated bus over UDP to a cannelloni peer: the driver of `cannelloni`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, cast

from gateway.can import ERROR, FD, Bus, Frame
from gateway.links.addresses import Address, reason
from gateway.links.cannelloni import datagrams, decode
from gateway.links.errors import LinkError, RecordError
from gateway.links.participant import Participant
from gateway.links.wall_time import wall_time_loop
from gateway.sim import Kernel

_GATHER_NS: Final = 1_000_000
"""Frames that end within so long share datagrams; cannelloni itself waits for up to 100 ms unless told otherwise."""
_WAITING: Final = 1024
"""Frames from the peer that wait for room in the controller; more are thrown away."""
_REORDERED: Final = 128
"""A sequence number so far ahead is one that comes late."""


class CannelloniLink(asyncio.DatagramProtocol):
    """One bus and its peer: the one that is named, else whoever sent the last right datagram.

    Counted: `received`, `sent` frames; `wrong` datagrams, with `last_wrong` as the reason; `missing` datagrams by their
    sequence numbers; `unfit` frames that the bus cannot carry; `dropped` frames, because bus or network had no room.
    """

    def __init__(self, bus: Bus, named: Address | None, on_wrong: Callable[[str], object] | None = None) -> None:
        self.address = Address("", 0)
        self.received = self.sent = self.wrong = self.missing = self.unfit = self.dropped = 0
        self.last_wrong = ""
        self._bus: Final = bus
        self._kernel: Final[Kernel] = bus.kernel
        self._named: Final = named
        self._on_wrong: Final = on_wrong
        self._peer: tuple[Any, ...] | None = None
        self._expected: int | None = None
        self._sequence = 0
        self._full = False
        self._gathered: list[Frame] = []
        self._waiting: deque[Frame] = deque()
        self._transport: asyncio.DatagramTransport | None = None
        self._participant = Participant(bus, "cannelloni", self._hear, room_again=self._send_waiting)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        host, port = transport.get_extra_info("sockname")[:2]
        self.address = Address(host, port)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    def error_received(self, exc: Exception) -> None:
        """The peer is not there (yet): UDP loses frames then, as cannelloni does."""

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        try:
            datagram = decode(data)
        except RecordError as error:
            self.wrong += 1
            self.last_wrong = error.sentence
            if self.wrong == 1 and self._on_wrong is not None:
                self._on_wrong(error.sentence)
            return
        if self._peer != address:
            self._peer = address
            self._expected = None
        self._count_missing(datagram.sequence)
        for frame in datagram.frames:
            self._take(frame)
        self._send_waiting()

    def _count_missing(self, sequence: int) -> None:
        ahead = 0 if self._expected is None else (sequence - self._expected) & 0xFF
        if ahead < _REORDERED:
            self.missing += ahead
            self._expected = (sequence + 1) & 0xFF

    def _take(self, frame: Frame) -> None:
        self.received += 1
        if frame.header & ERROR or (frame.header & FD and not self._bus.fd):
            self.unfit += 1
        elif len(self._waiting) >= _WAITING:
            self.dropped += 1
        else:
            self._waiting.append(frame)

    def _send_waiting(self) -> None:
        while self._waiting and self._participant.room:
            self._participant.send(self._waiting.popleft())

    def _hear(self, frame: Frame) -> None:
        if frame.header & ERROR or (self._peer is None and self._named is None):
            return
        if self._full:
            self.dropped += 1
            return
        if not self._gathered:
            self._kernel.after(_GATHER_NS, self._flush)
        self._gathered.append(frame)

    def _flush(self) -> None:
        frames, self._gathered = self._gathered, []
        if self._transport is None:
            return
        peer = None if self._named is not None else self._peer
        for datagram in datagrams(frames, self._sequence):
            self._transport.sendto(datagram, peer)
            self._sequence = (self._sequence + 1) & 0xFF
        self.sent += len(frames)

    def close(self) -> None:
        self._flush()
        self._participant.leave()
        if self._transport is not None:
            self._transport.close()
            self._transport = None


@contextlib.asynccontextmanager
async def link_cannelloni(
    bus: Bus, address: Address, peer: Address | None = None, *, on_wrong: Callable[[str], object] | None = None
) -> AsyncIterator[CannelloniLink]:
    """Join a bus with a cannelloni peer, as long as the context lasts; port 0 means any free one.

    `on_wrong` hears what is wrong with the first wrong datagram; the others are counted only.
    Raises `LinkError` when the loop is in virtual time, or the address cannot be had.
    """
    loop = wall_time_loop("cannelloni")
    link = CannelloniLink(bus, peer, on_wrong)
    try:
        await loop.create_datagram_endpoint(
            lambda: link,
            local_addr=(address.host, address.port),
            remote_addr=(peer.host, peer.port) if peer is not None else None,
        )
    except OSError as error:
        link.close()
        if peer is not None and error.errno == errno.EINVAL:
            raise LinkError(
                f"cannelloni cannot reach {peer} from {address}, which is this machine only:"
                f" write 0.0.0.0:{address.port},{peer}"
            ) from None
        raise LinkError(f"cannelloni cannot use {address}: {reason(error)}") from None
    try:
        yield link
    finally:
        link.close()
        await asyncio.sleep(0)  # the transport closes its socket in the loop's next turn
