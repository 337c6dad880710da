"""Two series of frames of one message, paired: which frame of the second run is which of the first.

Where both have the same payloads in the same order, they are paired one by one, whatever their times. Otherwise time
decides: from both ends inwards as long as frames are near enough, and in the middle each frame with the nearest of the
other run, if that has none nearer. What is not paired is missing in one of them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
LONE_WINDOW_NS: Final = 500_000_000
"""How far apart frames of a message that came once may be and still be the same."""


class Pairs(NamedTuple):
    """Places in both series: `first[i]` is paired with `second[i]`; `missing` has none in the second, `extra` none in the
    first."""

    first: Index
    second: Index
    missing: Index
    extra: Index


def one_by_one(count: int) -> Pairs:
    """The pairs of two series that hold the same."""
    everything = np.arange(count, dtype=np.int64)
    return Pairs(everything, everything, _none(), _none())


def align(first_ns: Index, second_ns: Index, least_window_ns: int) -> Pairs:
    """Pair two series by their times. Frames further apart than half a period are not paired, unless `least_window_ns`
    is more."""
    window_ns = max(least_window_ns, _half_period(first_ns, second_ns))
    head = _run(first_ns, second_ns, window_ns)
    tail = _run(first_ns[head:][::-1], second_ns[head:][::-1], window_ns)
    first_end, second_end = len(first_ns) - tail, len(second_ns) - tail
    middle = _nearest(first_ns[head:first_end], second_ns[head:second_end], window_ns)
    before, behind = np.arange(head, dtype=np.int64), np.arange(tail, dtype=np.int64)
    return Pairs(
        np.concatenate((before, middle.first + head, behind + first_end)),
        np.concatenate((before, middle.second + head, behind + second_end)),
        middle.missing + head,
        middle.extra + head,
    )


def _none() -> Index:
    return np.empty(0, np.int64)


def _half_period(first_ns: Index, second_ns: Index) -> int:
    between = np.concatenate((np.diff(first_ns), np.diff(second_ns)))
    return int(np.median(between)) // 2 if len(between) else LONE_WINDOW_NS


def _run(first_ns: Index, second_ns: Index, window_ns: int) -> int:
    """How many frames from the beginning on are near to each other one by one."""
    shorter = min(len(first_ns), len(second_ns))
    far = np.flatnonzero(np.abs(first_ns[:shorter] - second_ns[:shorter]) > window_ns)
    return int(far[0]) if len(far) else shorter


def _nearest(first_ns: Index, second_ns: Index, window_ns: int) -> Pairs:
    if not len(first_ns) or not len(second_ns):
        return Pairs(_none(), _none(), _all(first_ns), _all(second_ns))
    to_second, to_first = _nearest_of(first_ns, second_ns), _nearest_of(second_ns, first_ns)
    places = _all(first_ns)
    near = (to_first[to_second] == places) & (np.abs(first_ns - second_ns[to_second]) <= window_ns)
    first, second = places[near], to_second[near]
    extra = np.ones(len(second_ns), np.bool_)
    extra[second] = False
    return Pairs(first, second, places[~near], np.flatnonzero(extra))


def _nearest_of(times: Index, others: Index) -> Index:
    """For each time the place of the nearest of the others; of two equally near ones the earlier."""
    right = np.minimum(np.searchsorted(others, times), len(others) - 1)
    left = np.maximum(right - 1, 0)
    nearest: Index = np.where(times - others[left] <= others[right] - times, left, right)
    return nearest


def _all(times: Index) -> Index:
    return np.arange(len(times), dtype=np.int64)
