"""Which signals differ between paired frames of one message, from when on, and by how much."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.database import Message, Signal
from gateway.database.arrays import decode_array
from gateway.vehicle.logs.log import Log

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SignalDifference:
    """One signal: in how many frames it differs, the first of them, and the largest distance.

    `first` and `second` are physical values, NaN for a frame that does not have the signal. `marks`: it is a counter or
    a checksum.
    """

    signal: Signal
    frames: int
    time_ns: int
    first: float
    second: float
    largest: float
    marks: bool = False


def signal_differences(
    message: Message, log: Log, rows: Index, other: Log, others: Index, times: Index, marks: Collection[str] = ()
) -> tuple[SignalDifference, ...]:
    """Those that differ, in the order of time. `times`: of the pairs, as they are told; `marks`: counters, checksums."""
    values = decode_array(message, log.data[rows], log.length[rows])
    other_values = decode_array(message, other.data[others], other.length[others])
    found = []
    for signal in message.signals:
        one, two = values[signal.name], other_values[signal.name]
        at = np.flatnonzero((one != two) & ~(np.isnan(one) & np.isnan(two)))
        if len(at):
            apart = np.abs(one[at] - two[at])
            largest = float(np.nanmax(apart)) if not np.isnan(apart).all() else float("nan")
            first = int(at[0])
            values_of_first = float(one[first]), float(two[first])
            marked = signal.name in marks
            found.append(SignalDifference(signal, len(at), int(times[first]), *values_of_first, largest, marked))
    return tuple(sorted(found, key=lambda each: each.time_ns))
