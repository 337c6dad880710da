"""Bit rates, and how long each frame takes at them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.can.bits import INTERMISSION, FrameBits, FrameLengths, eight_bytes_bits
from gateway.can.frame import Frame
from gateway.errors import GatewayError
from gateway.sim import NS_PER_S

_REMEMBERED_PAYLOADS = 64
_OVERFLOWS = 4
_REMEMBERED_HEADERS = 8192


class BitRateError(GatewayError):
    """Not a bit rate that a CAN bus can have."""


@dataclass(frozen=True, slots=True)
class BitRates:
    """Bits a second: `nominal` for arbitration, `data` for the data phase of frames with bit rate switch."""

    nominal: int
    data: int

    def __post_init__(self) -> None:
        if not 1_000 <= self.nominal <= 1_000_000:
            raise BitRateError(f"a nominal bit rate of {self.nominal} bit/s is outside 1 kbit/s to 1 Mbit/s")
        if not self.nominal <= self.data <= 20_000_000:
            raise BitRateError(f"a data bit rate of {self.data} bit/s is not between {self.nominal} and 20 Mbit/s")

    def duration_ns(self, nominal_bits: int, data_bits: int = 0) -> int:
        """Nanoseconds, rounded, of so many bits of each rate."""
        both = self.nominal * self.data
        return ((nominal_bits * self.data + data_bits * self.nominal) * NS_PER_S + both // 2) // both


class _Shape:
    """What is known of the frames of one header: durations of recent payloads, and the constants of 8 classic bytes."""

    __slots__ = ("crc", "known", "nominal", "overflows", "row")

    def __init__(self) -> None:
        self.known: dict[bytes, int] | None = {}
        """None when payloads hardly ever come again."""
        self.nominal: int = 0
        """Bits of a frame of 8 classic bytes that do not depend on them; 0 while that is not prepared."""
        self.row: int = 0
        self.crc: int = 0
        self.overflows: int = 0

    def remember(self, data: bytes, duration: int) -> None:
        known = self.known
        if known is not None and len(known) >= _REMEMBERED_PAYLOADS:
            # So many different ones in a row: most likely there is a fine value in it, not only a counter.
            self.overflows += 1
            self.known = known = {} if self.overflows < _OVERFLOWS else None
        if known is not None:
            known[data] = duration


class FrameTimes:
    """How long frames take on one bus, from start of frame to end of frame. Remembers recent payloads."""

    def __init__(self, rates: BitRates) -> None:
        self.rates = rates
        self.intermission_ns: int = rates.duration_ns(INTERMISSION)
        self._lengths = FrameLengths()
        self._shapes: dict[int, _Shape] = {}
        # A bit of a whole number of nanoseconds needs no division.
        self._bit_ns: int = NS_PER_S // rates.nominal if NS_PER_S % rates.nominal == 0 else 0

    def bits(self, frame: Frame) -> FrameBits:
        """The bits of `frame`, without the intermission."""
        return self._lengths.bits(frame)

    def duration_ns(self, frame: Frame) -> int:
        """Nanoseconds without the intermission. ValueError for a length that the frame's format does not have."""
        data = frame.data
        shape = self._shapes.get(frame.header)
        if shape is None:
            return self._compute(frame, self._new_shape(frame))
        known = shape.known
        if known is not None:
            duration = known.get(data)
            if duration is not None:
                return duration
        if shape.nominal and len(data) == 8:
            duration = (shape.nominal + eight_bytes_bits(shape.row, shape.crc, data)) * self._bit_ns
            if known is not None:
                shape.remember(data, duration)
            return duration
        return self._compute(frame, shape)

    def _compute(self, frame: Frame, shape: _Shape) -> int:
        bits = self._lengths.bits(frame)
        duration = self.rates.duration_ns(bits.nominal, bits.data)
        if shape.known is not None:
            shape.remember(frame.data, duration)
        return duration

    def _new_shape(self, frame: Frame) -> _Shape:
        if len(self._shapes) >= _REMEMBERED_HEADERS:
            self._shapes.clear()
        shape = self._shapes[frame.header] = _Shape()
        if not frame.fd and self._bit_ns:
            head = self._lengths.head(frame.header, 8)
            shape.nominal, shape.row, shape.crc = head.nominal, head.row, head.crc_after_eight
        return shape
