"""Multiplexers: a few bits that say what the others mean.

Between two frames of the same value of a multiplexer the others change little; from one frame to the next, when its value
changes, they change a lot. Counters do the same to nothing but checksums, which are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from gateway.analysis.guess_bits import Field, FieldKind, Octets, Payloads, field_values

FRAMES_MIN: Final = 20
VALUES_MAX: Final = 32
_QUIETER: Final = 0.35
"""So much of the changes may be left between frames of one value."""
_BYTES_OF_COUNTER: Final = 3
"""A counter changes its checksum too, but not so many bytes."""
_BUSY_BITS: Final = 1.5
"""Changed bits a frame, at the least, for there to be something to explain."""


def multiplexer(payloads: Payloads, taken: Sequence[Field]) -> Field | None:
    """The field that explains most of the changes; None where none does. `taken`: counters and checksums.

    A counter may be one: a multiplexer often goes round its values.
    """
    data = payloads.data
    if len(data) < FRAMES_MIN or any(field.kind is FieldKind.MULTIPLEXER for field in taken):
        return None
    best: tuple[float, Field] | None = None
    for field in _candidates(payloads, taken):
        others = _without(data, [field, *(each for each in taken if each.bits != field.bits)])
        values = field_values(data, field)
        different = np.unique(values)
        if not 2 <= len(different) <= min(VALUES_MAX, len(data) // 4):
            continue
        plain = _changes(others)
        spread = int(np.count_nonzero((others != others[0]).any(axis=0)))
        if plain < _BUSY_BITS or spread < (_BYTES_OF_COUNTER if field.kind is FieldKind.COUNTER else 1):
            continue
        order = np.argsort(values, kind="stable")
        same = np.flatnonzero(np.diff(values[order]) == 0)
        quiet = float(_count(others[order][1:] ^ others[order][:-1]).sum(axis=1)[same].mean())
        if quiet < _QUIETER * plain and (best is None or quiet / plain < best[0] * 0.8):
            names = ", ".join(f"{value:#x}" for value in different[:6].tolist())
            note = f"{len(different)} values ({names}{', ...' if len(different) > 6 else ''})"
            best = quiet / plain, Field(FieldKind.MULTIPLEXER, field.start, field.length, note=note)
    return None if best is None else best[1]


def _candidates(payloads: Payloads, taken: Sequence[Field]) -> list[Field]:
    """Bytes and their halves that change often, and counters."""
    used = {bit for field in taken for bit in field.bits}
    found = [field for field in taken if field.kind is FieldKind.COUNTER]
    for byte in range(payloads.width):
        for start, length in ((8 * byte, 8), (8 * byte, 4), (8 * byte + 4, 4)):
            bits = range(start, start + length)
            if not used & set(bits) and payloads.flips[start : start + length].max() > len(payloads) // 4:
                found.append(Field(FieldKind.MULTIPLEXER, start, length))
    return found


def _without(data: Octets, fields: Sequence[Field]) -> Octets:
    """The payloads with those fields at zero."""
    mask = np.full(data.shape[1], 0xFF, np.uint8)
    for field in fields:
        for bit in field.bits:
            mask[bit // 8] &= ~(1 << bit % 8) & 0xFF
    masked: Octets = data & mask
    return masked


def _changes(data: Octets) -> float:
    """Bits that change from one frame to the next, at an average."""
    return float(_count(data[1:] ^ data[:-1]).sum(axis=1).mean())


def _count(octets: Octets) -> Octets:
    """Bits that are 1, of each byte."""
    return _ONES[octets]


_ONES: Final = np.array([value.bit_count() for value in range(256)], np.uint8)
