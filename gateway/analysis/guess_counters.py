"""Message counters: fields that go up by one from frame to frame and wrap.

A recorder that loses frames makes a counter jump, so a field also counts when one is by far its most frequent step, it
hardly ever stands still, and it has had all values about equally often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np

from gateway.analysis.guess_bits import Field, FieldKind, Numbers, Payloads, field_values

FRAMES_MIN: Final = 12
_EXACT: Final = 0.995
_SURE: Final = 0.9
_LIKELY: Final = 0.3
_STILL: Final = 0.1
_STEPS_MAX: Final = 4
"""A recorder that takes every second or third frame makes a counter step by so much."""
_LAYOUTS: Final = tuple((width, shift) for width in (8, 7, 6, 5, 4, 3, 2) for shift in range(9 - width))
"""Width and place within a byte, the widest first."""
_LOSSY_LAYOUTS: Final = (
    (8, 0),
    (4, 0),
    (4, 4),
    *((width, shift) for width, shift in _LAYOUTS if width in {7, 6, 5, 3}),
)
"""The usual ones first: with frames missing, a field with a stranger beside it looks like a wider one."""
_BINS: Final = 16
_LIVELY: Final = 0.1
_ALWAYS: Final = 0.55
"""The lowest bit of a counter changes each time, but where one of three values (0..2) begins anew."""
_RANGE_SHARE: Final = 0.7
"""A counter may wrap before its bits are used up (AUTOSAR's profile 1 counts to 14), but not long before."""


def counters(payloads: Payloads) -> list[Field]:
    """The widest ones that do not overlap; those without a jump before those with a few."""
    found: list[Field] = []
    for share in (_EXACT, _SURE):
        found = _found(payloads, _LAYOUTS, partial(_sure, share=share), found, _ALWAYS)
    return found


def lossy_counters(payloads: Payloads, taken: list[Field]) -> list[Field]:
    """Those of a recorder that lost frames, beside the checksum that is `taken`. To be asked for where there is no other
    counter: a checksum can look like one."""
    return _found(payloads, _LOSSY_LAYOUTS, _lossy, taken, _LIVELY)[len(taken) :]


def _found(
    payloads: Payloads,
    layouts: tuple[tuple[int, int], ...],
    judge: Callable[[Numbers, int], str | None],
    found: list[Field],
    often: float,
) -> list[Field]:
    """What is found, and those that `judge` has something to say about besides; the lowest bit changes so `often`."""
    found = list(found)
    taken = {bit for field in found for bit in field.bits}
    if len(payloads) < FRAMES_MIN:
        return found
    for field, values in _candidates(payloads, layouts, often):
        note = None if taken & field.bits else judge(values, field.length)
        if note is not None and not any(follows(values, payloads.field(other)) for other in found):
            found.append(Field(FieldKind.COUNTER, field.start, field.length, note=note))
            taken |= field.bits
    return found


def follows(values: Numbers, others: Numbers) -> bool:
    """Whether a field says nothing that another one does not: each value of that goes with one of this."""
    pairs = np.unique(np.stack((others, values)), axis=1)
    return len(pairs[0]) == len(np.unique(others))


def followers(payloads: Payloads, counters: list[Field]) -> list[Field]:
    """Bytes, or halves of them, that change with a counter and with nothing else: most likely a checksum over it."""
    found: list[Field] = []
    taken = {bit for counter in counters for bit in counter.bits}
    for counter in counters:
        counts = payloads.field(counter)
        for byte in range(payloads.width - 1, -1, -1):
            for width, shift in ((8, 0), (4, 0), (4, 4)):
                field = Field(FieldKind.CHECKSUM, 8 * byte + shift, width, note="changes with the counter alone")
                if taken & field.bits or not _changes_in_each_half(payloads, field):
                    continue
                if follows(payloads.field(field), counts):
                    found.append(field)
                    taken |= field.bits
    return found


def _changes_in_each_half(payloads: Payloads, field: Field) -> bool:
    """A byte of which one half is constant is no checksum of eight bits; two bits that change are none of four."""
    flips = payloads.flips[field.start : field.start + field.length]
    return bool(np.count_nonzero(flips[: field.length // 2]) and np.count_nonzero(flips[field.length // 2 :]))


def _candidates(
    payloads: Payloads, layouts: tuple[tuple[int, int], ...], often: float
) -> Iterator[tuple[Field, Numbers]]:
    """Fields within a byte of which the lowest bit changes often, and the highest at all."""
    flips = payloads.flips
    least = often * (len(payloads) - 1)
    for width, shift in layouts:
        for byte in range(payloads.width):
            start = 8 * byte + shift
            if flips[start] >= least and flips[start + width - 1] > 0:
                field = Field(FieldKind.COUNTER, start, width)
                yield field, field_values(payloads.data, field)


def _sure(values: Numbers, width: int, share: float) -> str | None:
    """What to say of a counter of which hardly a step is missing; None for what is none."""
    low, high = int(values.min()), int(values.max())
    size = high - low + 1
    if size < _RANGE_SHARE * (1 << width) or size < 3:
        return None
    steps = (values[1:] - values[:-1]) % size
    jumps = int(np.count_nonzero(steps != 1))
    if jumps > (1 - share) * len(steps):
        return None
    return f"{low}..{high}" + (f", {jumps} jumps" if jumps else "")


def _lossy(values: Numbers, width: int) -> str | None:
    """The same of one whose recorder lost frames: all bits are used, one small step leads, and it hardly stands still."""
    size = 1 << width
    if int(values.max()) < size - 2 or len(values) < 2 * size:
        return None
    shares = np.bincount((values[1:] - values[:-1]) % size, minlength=size) / (len(values) - 1)
    step = int(shares.argmax())
    if not 1 <= step <= min(_STEPS_MAX, size // 4) or shares[step] < _LIKELY or shares[0] > _STILL:
        return None
    if not _even(values, size):
        return None
    return f"{int(values.min())}..{int(values.max())}, mostly in steps of {step}: frames are missing"


def _even(values: Numbers, size: int) -> bool:
    """Whether every value came (of many: every stretch of them), none much more often than another."""
    used = size if int(values.max()) == size - 1 else size - 1
    counts = np.bincount(values * min(used, _BINS) // used, minlength=min(used, _BINS))
    mean = len(values) / len(counts)
    return bool(counts.min() > mean / 4 and counts.max() < 3 * mean)
