"""How much of a bus its frames take: the exact bits of a fair sample of each message, and how often it came.

The bits of a frame depend on its payload (stuff bits), so they are computed for frames; of a message with very many,
for a sample that is spread over the whole recording and keeps to no period. The intermission counts, as in a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.analysis.source import BusRate
from gateway.can import Frame, FrameBits
from gateway.can.bits import FrameLengths
from gateway.sim import NS_PER_S
from gateway.vehicle.logs.log import Log

SAMPLE: Final = 400
"""Frames of a message of which the exact bits are computed; of 8 random bytes their mean is then right to 0.2 bits."""
WINDOW_NS: Final = NS_PER_S // 10
WINDOWS_MAX: Final = 36_000
FD_DATA_RATE: Final = 2_000_000
"""Where a bus has frames with bit rate switch, and nobody says how fast their data is."""
_INTERMISSION: Final = 3
_LIN_HEADER: Final = 34
"""Bits of a LIN header, and ten a byte of response (LIN 2.2A, 2.3.2)."""
_GOLDEN: Final = 0.6180339887498949


class Bits(NamedTuple):
    """Of a frame of a message, at an average, by the rate that they are sent with."""

    nominal: float
    data: float

    @property
    def total(self) -> float:
        return self.nominal + self.data

    def ns(self, rate: BusRate) -> float:
        """How long they take."""
        fast = max(rate.data or FD_DATA_RATE, rate.nominal)
        return (self.nominal / rate.nominal + self.data / fast) * NS_PER_S


class Stream(NamedTuple):
    """The frames of one message."""

    times: NDArray[np.int64]
    bits: Bits


@dataclass(frozen=True, slots=True)
class BusLoad:
    """`load` and `peak` (0 to 1) are None where the bit rate is not known; `peak` is the busiest window's."""

    bits_per_s: float | None
    """None for a recording that lasts no time."""
    rate: BusRate | None = None
    load: float | None = None
    peak: float | None = None
    peak_ns: int = 0
    """Where the busiest window begins."""
    window_ns: int = 0


def stream_bits(log: Log, rows: NDArray[np.int64], lin: bool) -> Bits:
    """The bits of a frame of these rows, at an average."""
    if lin:
        return Bits(_LIN_HEADER + 10 * (float(log.length[rows].mean()) + 1), 0.0)
    chosen = rows
    if len(rows) > SAMPLE:
        # Multiples of the golden section: evenly spread, and in step with no counter of the payload.
        chosen = rows[(np.arange(SAMPLE) * _GOLDEN % 1 * len(rows)).astype(np.int64)]
    lengths = FrameLengths()
    found = [_bits(lengths, frame) for _, _, frame in log.select(chosen).frames()]
    count = len(found)
    return Bits(_INTERMISSION + sum(one.nominal for one in found) / count, sum(one.data for one in found) / count)


def _bits(lengths: FrameLengths, frame: Frame) -> FrameBits:
    try:
        return lengths.bits(frame)
    except ValueError:  # a length that its format does not have: as if each byte were sent
        return FrameBits(47 + 8 * len(frame.data), 0)


def bus_load(log: Log, streams: Sequence[Stream], rate: BusRate | None) -> BusLoad:
    """What the messages of one bus take of it over the whole log."""
    if not log.duration_ns:
        return BusLoad(None, rate)
    total = sum(len(stream.times) * stream.bits.total for stream in streams)
    bits_per_s = total * NS_PER_S / log.duration_ns
    if rate is None:
        return BusLoad(bits_per_s)
    taken_ns = sum(len(stream.times) * stream.bits.ns(rate) for stream in streams)
    window_ns = WINDOW_NS
    while log.duration_ns // window_ns > WINDOWS_MAX:
        window_ns *= 10
    busy = np.zeros(log.duration_ns // window_ns + 1)
    for stream in streams:
        busy += np.bincount(stream.times // window_ns, minlength=len(busy)) * stream.bits.ns(rate)
    # A last window that is mostly behind the end of the recording shows nothing.
    whole = busy[: max(1, log.duration_ns // window_ns)]
    at = int(whole.argmax())
    window = min(window_ns, log.duration_ns)
    return BusLoad(bits_per_s, rate, taken_ns / log.duration_ns, float(whole[at]) / window, at * window_ns, window_ns)
