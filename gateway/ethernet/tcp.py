"""TCP as far as a simulated segment needs it: a handshake, bytes in order, repetition of what was lost, an end.

After RFC 9293, without windows, options, delayed acknowledgements or congestion control: what is sent goes at once, each
segment is acknowledged, what is not acknowledged in time is sent again from there, five times at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

from gateway.ethernet.addresses import Endpoint
from gateway.ethernet.frames import Packet, TcpFlags, TcpHead
from gateway.sim import Kernel, Timer

SEGMENT: Final = 1440
"""Bytes of payload in one frame, over IPv6 as well."""
RETRANSMIT_NS: Final = 200_000_000
TRIES: Final = 6
BUFFER_LIMIT: Final = 1 << 20
"""Bytes that may wait for their acknowledgement."""
_MASK: Final = 0xFFFFFFFF
_HALF: Final = 1 << 31


class State(Enum):
    """Where a connection is."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"


class Connection:
    """One end of a connection. Set `on_open`, `on_data` and `on_close`; `send` queues bytes."""

    def __init__(
        self,
        kernel: Kernel,
        local: Endpoint,
        remote: Endpoint,
        transmit: Callable[[Packet], object],
        gone: Callable[[Connection], object],
    ) -> None:
        self.local: Final = local
        self.remote: Final = remote
        self.state = State.CLOSED
        self.on_open: Callable[[], object] = _nothing
        self.on_data: Callable[[bytes], object] = _ignored
        self.on_close: Callable[[], object] = _nothing
        self._transmit = transmit
        self._gone = gone
        self._kernel = kernel
        self._timer = Timer(kernel, self._again)
        self._tries = 0
        self._sent = self._acknowledged = (local.port << 16) & _MASK
        self._expected = 0
        self._unacknowledged: deque[tuple[int, TcpFlags, bytes]] = deque()
        self._held = 0
        self._peer_ended = False
        self._accept: Accept | None = None

    def open(self) -> None:
        """Begin the handshake."""
        self.state = State.OPENING
        self._queue(TcpFlags.SYN)

    def accept(self, accept: Accept) -> None:
        """Be the end that is connected to; `accept` gets the connection when it is open."""
        self.state = State.OPENING
        self._accept = accept

    def send(self, data: bytes) -> bool:
        """Send bytes; False when too much waits already, or the connection is no more."""
        if self.state is not State.OPEN or self._held + len(data) > BUFFER_LIMIT:
            return False
        for start in range(0, len(data), SEGMENT):
            self._queue(TcpFlags.PSH | TcpFlags.ACK, data[start : start + SEGMENT])
        return True

    def close(self) -> None:
        """End the connection after what is queued."""
        if self.state is State.OPEN:
            self.state = State.CLOSING
            self._queue(TcpFlags.FIN | TcpFlags.ACK)
        elif self.state is State.OPENING:
            self.end()

    def receive(self, head: TcpHead, payload: bytes) -> None:
        """Take a segment."""
        flags = head.flags
        if flags & TcpFlags.RST:
            self.end()
            return
        if flags & TcpFlags.ACK:
            self._acknowledge(head.acknowledgement)
        if flags & TcpFlags.SYN:
            self._synchronize(head)
            return
        if self.state is State.CLOSED:
            return
        if self.state is State.OPENING and flags & TcpFlags.ACK and self._accept is not None:
            accept, self._accept = self._accept, None
            self.state = State.OPEN
            accept(self)
        self._take(head, payload)

    def _synchronize(self, head: TcpHead) -> None:
        if self._expected == (head.sequence + 1) & _MASK:  # it came again: the answer was lost
            self._resend() if self._unacknowledged else self._answer()
            return
        self._expected = (head.sequence + 1) & _MASK
        if self._accept is not None:
            self._queue(TcpFlags.SYN | TcpFlags.ACK)
        elif self.state is State.OPENING and head.flags & TcpFlags.ACK:
            self.state = State.OPEN
            self._answer()
            self.on_open()

    def _take(self, head: TcpHead, payload: bytes) -> None:
        ends = bool(head.flags & TcpFlags.FIN)
        if not payload and not ends:
            return
        if head.sequence == self._expected:
            self._expected = (self._expected + len(payload) + ends) & _MASK
            self._answer()
            if payload:
                self.on_data(payload)
            if ends:
                self._ended()
        else:
            self._answer()

    def _ended(self) -> None:
        self._peer_ended = True
        if self.state is State.OPEN:
            self.state = State.CLOSING
            self._queue(TcpFlags.FIN | TcpFlags.ACK)
            on_close, self.on_close = self.on_close, _nothing
            on_close()
        elif not self._unacknowledged:
            self.end()

    def _queue(self, flags: TcpFlags, data: bytes = b"") -> None:
        self._unacknowledged.append((self._sent, flags, data))
        self._held += len(data)
        self._emit(self._sent, flags, data)
        self._sent = (self._sent + len(data) + bool(flags & (TcpFlags.SYN | TcpFlags.FIN))) & _MASK
        if self._timer.due is None:
            self._timer.set(self._kernel.now + RETRANSMIT_NS)

    def _acknowledge(self, acknowledgement: int) -> None:
        while self._unacknowledged:
            sequence, flags, data = self._unacknowledged[0]
            end = (sequence + len(data) + bool(flags & (TcpFlags.SYN | TcpFlags.FIN))) & _MASK
            if (acknowledgement - end) & _MASK >= _HALF:
                break
            self._unacknowledged.popleft()
            self._held -= len(data)
            self._tries = 0
        if self._unacknowledged:
            self._timer.set(self._kernel.now + RETRANSMIT_NS)
            return
        self._timer.cancel()
        if self.state is State.CLOSING and self._peer_ended:
            self.end()

    def _again(self) -> None:
        self._tries += 1
        if self._tries >= TRIES:
            self.end()
            return
        self._resend()
        self._timer.set(self._kernel.now + RETRANSMIT_NS * self._tries)

    def _resend(self) -> None:
        for sequence, flags, data in self._unacknowledged:
            self._emit(sequence, flags, data)

    def _answer(self) -> None:
        self._emit(self._sent, TcpFlags.ACK, b"")

    def _emit(self, sequence: int, flags: TcpFlags, data: bytes) -> None:
        head = TcpHead(sequence, self._expected if flags & TcpFlags.ACK else 0, flags)
        self._transmit(Packet(self.local, self.remote, data, head))

    def forgotten_by(self, head: TcpHead) -> bool:
        """The other end begins anew where this one still thinks of an open connection."""
        return head.flags == TcpFlags.SYN and self.state in (State.OPEN, State.CLOSING)

    def end(self) -> None:
        """It is no more, at once and without a word to the other end."""
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        self._timer.cancel()
        self._unacknowledged.clear()
        self._gone(self)
        on_close, self.on_close = self.on_close, _nothing
        on_close()


Accept = Callable[[Connection], object]


class Listening:
    """A TCP port that takes connections."""

    def __init__(self, local: Endpoint, accept: Accept, close: Callable[[], object]) -> None:
        self.local: Final = local
        self.accept: Final = accept
        self._close = close

    def close(self) -> None:
        self._close()


def _nothing() -> None:
    """Nobody wants to know."""


def _ignored(_data: bytes) -> None:
    """Nobody wants the bytes."""
