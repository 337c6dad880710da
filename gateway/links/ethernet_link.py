"""A bus inside datagrams: the link that ACF-CAN and PDU transport share. What the datagrams hold is the carrier's.

Frames that are handed over go out at once, or gathered; they count as sent when the socket has taken them, because
Ethernet confirms nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from gateway.can import ERROR, FD, KEY_MASK, Frame
from gateway.can.events import BusEventKind
from gateway.links.errors import LinkError, RecordError
from gateway.links.ethernet_ports import FullError, NobodyError, Port
from gateway.links.gathering import Gathered, Gathering
from gateway.links.link import Arbiter, LinkUser
from gateway.links.wall_time import wall_time_loop
from gateway.sim import SimulationLoop

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


class EthernetLink:
    """One bus over one port. Counted: `wrong` datagrams, with `last_wrong` as the reason, and `unfit` frames that the
    bus cannot carry."""

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
        self.name = name
        self.arbiter = Arbiter.ADAPTER
        self.carrier: Final = carrier
        self.wrong = self.unfit = 0
        self.last_wrong = ""
        self._port: Final = port
        self._gathering: Final = gathering
        self._urgent: Final = urgent
        self._fd: Final = fd
        self._wanted: frozenset[int] | None = None
        self._unsent: list[tuple[bytes, Gathered[Frame]]] = []
        self._sent: list[Frame] = []
        self._overflows = 0
        self._open = False
        self._timers: Final[dict[str, asyncio.TimerHandle]] = {}

    # The seam

    def open(self, user: LinkUser) -> None:
        """LinkError in virtual time, and for a port that cannot be had."""
        self._loop: SimulationLoop = wall_time_loop(self.name)
        self._user = user
        self._socket = self._port.open()
        self._open = True
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        if not self._open:
            return
        self._write(self._gathering.take())
        self._confirm()
        self._open = False
        for timer in self._timers.values():
            timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def drain(self) -> int:
        return self._read()

    def want(self, keys: frozenset[int] | None) -> None:
        self._wanted = keys

    def send(self, frame: Frame) -> bool:
        if not self._open or self._unsent:
            return False
        part = self.carrier.encode(frame)
        if part is None:
            self._loop.call_soon(self._reject, [frame], f"{self.name} does not carry {frame}")
            return True
        now = self._loop.kernel.now
        urgent = frame.header & KEY_MASK in self._urgent
        for gathered in self._gathering.add(part, frame, now, urgent=urgent):
            self._write(gathered)
        if self._gathering.deadline is not None:
            self._later("gather", (self._gathering.deadline - now) / 1e9, self._due)
        return True

    # Out

    def _due(self) -> None:
        deadline = self._gathering.deadline
        if deadline is not None:  # timers ring to the turn of the loop, which may be a little early
            self._write(self._gathering.take())

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
                self._later("busy", BUSY_S, self._try_again)
                return
            except NobodyError as error:
                self._loop.call_soon(self._reject, gathered.items, f"{self.name}: {error}")
            except OSError as error:
                self._loop.call_soon(self._reject, gathered.items, f"{self.name}: {error.strerror}")
            else:
                # Not now: the bus notes a frame as handed over when `send` has returned.
                self._sent += gathered.items
                self._loop.call_soon(self._confirm)
            del self._unsent[0]

    def _try_again(self) -> None:
        self._send_waiting()
        if not self._unsent and self._open:
            self._user.ready()

    def _confirm(self) -> None:
        frames, self._sent = self._sent, []
        if self._open:
            now = self._loop.pace.time_ns()
            for frame in frames:
                self._user.confirmed(frame, now)

    def _reject(self, frames: Iterable[Frame], why: str) -> None:
        if self._open:
            for frame in frames:
                self._user.rejected(frame, why)

    def _later(self, what: str, seconds: float, action: object) -> None:
        timer = self._timers.get(what)
        if timer is None or timer.cancelled() or timer.when() <= self._loop.time():
            self._timers[what] = self._loop.call_later(max(0.0, seconds), action)  # type: ignore[arg-type]

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
            self.wrong += 1
            self.last_wrong = error.sentence
            self._user.trouble(BusEventKind.ERROR, f"{self.name} got {error.sentence}")
            return 0
        self._port.believe()
        now = self._loop.pace.time_ns()
        count = 0
        for frame in frames:
            header = frame.header
            if header & ERROR or (header & FD and not self._fd):
                self.unfit += 1
            elif self._wanted is None or header & KEY_MASK in self._wanted:
                self._user.received(frame, now)
                count += 1
        return count

    def _went_down(self, error: OSError) -> None:
        """The interface is gone; look for it until it is back. The bus has lost what was on its way."""
        self._gathering.take()
        self._unsent.clear()
        self._loop.remove_reader(self._socket)
        self._user.down(f"{self.name}: {error.strerror}")
        self._later("down", AGAIN_S, self._come_back)

    def _come_back(self) -> None:
        if not self._open:
            return
        old = self._socket
        try:
            if not self._port.is_up():
                raise LinkError("it is still down")
            self._socket = self._port.open()
        except LinkError:
            self._later("down", AGAIN_S, self._come_back)
            return
        old.close()
        self._loop.add_reader(self._socket, self._read)
        self._user.up()
