"""The frames of one bus in AVTPDUs: numbers, streams and buses. Knows no socket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.can.frame import ERROR, Frame
from gateway.links.acf import Avtpdu, CanMessage, Form, decode, encode_can, ntscf
from gateway.links.errors import RecordError

_STREAMS: Final = 64
"""Streams whose sequence is followed."""
_LATE: Final = 128
"""A sequence number so far ahead is one that comes late."""


class AcfCarrier:
    """The frames of one bus in AVTPDUs. Counted: `missing` AVTPDUs by their sequence numbers, `others`: messages of
    other buses and types."""

    def __init__(self, bus: int, stream: bytes, form: Form, *, over_udp: bool) -> None:
        self.missing = self.others = 0
        self._bus: Final = bus
        self._stream: Final = stream
        self._form: Final = form
        self._over_udp: Final = over_udp
        self._sequence = 0
        self._expected: dict[bytes, int] = {}

    def encode(self, frame: Frame) -> bytes | None:
        """Its part of an AVTPDU; None for what is not carried."""
        return None if frame.header & ERROR else encode_can(CanMessage(self._bus, frame), self._form)

    def pack(self, parts: Sequence[bytes]) -> bytes:
        """The next datagram."""
        number = self._sequence
        self._sequence += 1
        before = (number & 0xFFFFFFFF).to_bytes(4, "big") if self._over_udp else b""
        return before + ntscf(parts, number, self._stream)

    def unpack(self, data: bytes) -> Iterable[Frame]:
        """The frames of a datagram. Raises `RecordError`."""
        if self._over_udp:
            if len(data) < 4:
                raise RecordError("a datagram shorter than its counter")
            data = data[4:]
        found = decode(data)
        if found.stream == self._stream:
            return ()  # our own, which a loop in the network brings back
        self._count_missing(found)
        self.others += found.others
        frames = []
        for message in found.messages:
            if isinstance(message, CanMessage) and message.bus == self._bus:
                frames.append(message.frame)
            else:
                self.others += 1
        return frames

    def _count_missing(self, found: Avtpdu) -> None:
        if len(self._expected) > _STREAMS:
            self._expected.clear()
        ahead = (found.sequence - self._expected.get(found.stream, found.sequence)) & 0xFF
        if ahead < _LATE:
            self.missing += ahead
            self._expected[found.stream] = (found.sequence + 1) & 0xFF
