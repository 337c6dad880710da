"""A bus inside datagrams: the link that ACF-CAN and PDU transport share. What the datagrams hold is the carrier's.

Frames count as sent when the socket has taken them, because Ethernet confirms nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from gateway.can import Frame
from gateway.links.carried_link import CarriedLink
from gateway.links.errors import LinkError, RecordError
from gateway.links.ethernet_ports import FullError, NobodyError, Port
from gateway.links.gathering import Gathered, Gathering
from gateway.links.link import LinkUser

BATCH: Final = 32
"""Datagrams read before others get their turn."""
AGAIN_S: Final = 0.2
"""Between looks at an interface that is down."""
BUSY_S: Final = 0.001
"""Between attempts when the interface's queue is full, which no descriptor tells."""


class Carrier(Protocol):
    """What datagrams of one kind hold."""

    def encode(self, frame: Frame) -> bytes | None:
        """Its part of a datagram; None for what is not carried."""

    def pack(self, parts: Sequence[bytes]) -> bytes:
        """The next datagram."""

    def unpack(self, data: bytes) -> Iterable[Frame]:
        """The frames of a datagram. Raises `RecordError`."""


class EthernetLink(CarriedLink):
    """One bus over one port."""

    def __init__(
        self,
        name: str,
        port: Port,
        carrier: Carrier,
        gathering: Gathering[Frame],
        *,
        fd: bool,
        urgent: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(name, gathering, fd=fd, urgent=urgent)
        self.carrier: Final = carrier
        self._port: Final = port
        self._unsent: list[tuple[bytes, Gathered[Frame]]] = []
        self._overflows = 0
        self._busy: asyncio.TimerHandle | None = None
        self._looks: asyncio.TimerHandle | None = None

    # The seam

    def open(self, user: LinkUser) -> None:
        """LinkError in virtual time, and for a port that cannot be had."""
        self._begin(user)
        try:
            self._socket = self._port.open()
        except LinkError:
            self._open = False
            raise
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        if not self._open:
            return
        self._end()
        for timer in (self._busy, self._looks):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def drain(self) -> int:
        return self._read()

    def send(self, frame: Frame) -> bool:
        if not self._open or self._unsent:
            return False
        part = self.carrier.encode(frame)
        if part is None:
            self._refuse([frame], f" does not carry {frame}")
        else:
            self._gather(part, frame)
        return True

    # Out

    def _write(self, gathered: Gathered[Frame]) -> None:
        if gathered.parts:
            self._unsent.append((self.carrier.pack(gathered.parts), gathered))
            self._send_waiting()

    def _send_waiting(self) -> None:
        while self._unsent:
            data, gathered = self._unsent[0]
            try:
                self._port.send(data)
            except FullError:
                if self._busy is None:
                    self._busy = self._loop.call_later(BUSY_S, self._try_again)
                return
            except NobodyError as error:
                self._refuse(gathered.items, f": {error}")
            except OSError as error:
                self._refuse(gathered.items, f": {error.strerror}")
            else:
                self._went(gathered.items)
            del self._unsent[0]

    def _try_again(self) -> None:
        self._busy = None
        self._send_waiting()
        if not self._unsent and self._open:
            self._user.ready()

    # In

    def _read(self) -> int:
        count = 0
        for _ in range(BATCH):
            if not self._open:
                break
            try:
                received = self._port.receive()
            except OSError as error:
                self._went_down(error)
                break
            if received is None:
                break
            if received.lost is not None and received.lost != self._overflows:
                self._user.lost(received.lost - self._overflows)
                self._overflows = received.lost
            count += self._take(received.data)
        return count

    def _take(self, data: bytes) -> int:
        try:
            frames = self.carrier.unpack(data)
        except RecordError as error:
            self._complain(error.sentence)
            return 0
        self._port.believe()
        return self._receive(frames)

    def _went_down(self, error: OSError) -> None:
        """The interface is gone; look for it until it is back. The bus has lost what was on its way."""
        self._gathering.take()
        self._unsent.clear()
        self._loop.remove_reader(self._socket)
        self._user.down(f"{self.name}: {error.strerror}")
        self._looks = self._loop.call_later(AGAIN_S, self._come_back)

    def _come_back(self) -> None:
        if not self._open:
            return
        old = self._socket
        try:
            if not self._port.is_up():
                raise LinkError("it is still down")
            self._socket = self._port.open()
        except LinkError:
            self._looks = self._loop.call_later(AGAIN_S, self._come_back)
            return
        old.close()
        self._loop.add_reader(self._socket, self._read)
        self._user.up()
