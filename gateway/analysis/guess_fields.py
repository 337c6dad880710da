"""Which bits belong together, and in which byte order.

The lowest bit of a number changes most, the next one at most as often, and so on: where a bit changes clearly more often
than the one below it, another field begins (the idea of READ, Marchetti and Stabili, 2018). Fields of neighbouring bytes
are one number when its steps then stay small where the higher part changes; in which of the two orders, tells the byte
order. A number whose steps get much smaller when its highest bit counts as a sign is signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from gateway.analysis.guess_bits import Field, FieldKind, Numbers, Payloads, big_endian_start, field_values

RARE: Final = 0.05
"""Of the frames: what changes less often, and has one bit, is a switch."""
STATES_MAX: Final = 8
_MORE: Final = 1.3
"""A bit that changes so much more often than the one below begins another field."""
_SMOOTH: Final = 0.7
_SIGNED_GAIN: Final = 0.5
_BITS_MAX: Final = 32


def fields(payloads: Payloads, taken: Sequence[Field]) -> list[Field]:
    """The fields of what changes and is not taken, in the order of the bytes."""
    used = {bit for field in taken for bit in field.bits}
    pieces = [piece for byte in range(payloads.width) for piece in _pieces(payloads, byte, used)]
    joined = _joined(payloads, pieces)
    return sorted((_judged(payloads, field) for field in joined), key=lambda field: field.order)


def _pieces(payloads: Payloads, byte: int, used: set[int]) -> Iterator[Field]:
    """The runs of changing bits within a byte, from the lowest bit up."""
    start: int | None = None
    for bit in range(8 * byte, 8 * byte + 8):
        flips = int(payloads.flips[bit])
        silent = bit in used or not flips
        begins = start is not None and not silent and flips > _MORE * int(payloads.flips[bit - 1]) + 1
        if start is not None and (silent or begins):
            yield Field(FieldKind.ANALOG, start, bit - start)
            start = None
        if start is None and not silent:
            start = bit
    if start is not None:
        yield Field(FieldKind.ANALOG, start, 8 * byte + 8 - start)


def _joined(payloads: Payloads, pieces: list[Field]) -> list[Field]:
    """Pieces of neighbouring bytes put together where that makes one smooth number."""
    found: list[Field] = []
    left = list(pieces)
    while left:
        field = left.pop(0)
        while left:
            whole = _one_number(payloads, field, left)
            if whole is None:
                break
            field, partner = whole
            left.remove(partner)
        found.append(field)
    return found


def _one_number(payloads: Payloads, field: Field, others: Sequence[Field]) -> tuple[Field, Field] | None:
    """The field with a piece of a neighbouring byte as one number, and that piece: the smoothest of all ways."""
    found = [
        (_roughness(payloads, whole, low, high), order, whole, other)
        for order, other in enumerate(others)
        if field.length + other.length <= _BITS_MAX
        for whole, low, high in _ways(field, other)
    ]
    best = min(found, key=lambda each: each[:2], default=None)
    return None if best is None or best[0] >= _SMOOTH else (best[2], best[3])


def _ways(field: Field, other: Field) -> Iterator[tuple[Field, Field, Field]]:
    """The number that both would be, its lower and its higher part; big endian first."""
    length = field.length + other.length
    # Big endian: the lower byte has the higher part, which ends at its bit 0, and the next begins at its bit 7.
    lowest = min(field.bits, key=lambda bit: (-(bit // 8), bit % 8))
    single = field.length <= 8 and not field.big_endian
    if (single or field.big_endian) and lowest % 8 == 0 and other.start + other.length == 8 * (lowest // 8 + 2):
        yield Field(FieldKind.ANALOG, big_endian_start(other.start, length), length, True), other, field
    if not field.big_endian and field.start + field.length == other.start:
        yield Field(FieldKind.ANALOG, field.start, length), field, other


def _roughness(payloads: Payloads, whole: Field, low: Field, high: Field) -> float:
    """How far the whole moves, in units of the lower part's range, where its higher part moves by one.

    A number that goes over the edge moves little; two fields that have nothing to do with each other, by 1 at an average.
    Infinite where the higher part is livelier than the lower, as no number is.
    """
    values = field_values(payloads.data, whole)
    above = values >> low.length
    by_one = np.abs(np.diff(above)) == 1
    lowest, highest = int(payloads.flips[_lowest(high)]), int(payloads.flips[_highest(low)])
    if not by_one.any() or lowest > _MORE * highest + 1:
        return float("inf")
    return float(np.mean(np.abs(np.diff(values))[by_one])) / (1 << low.length)


def _lowest(field: Field) -> int:
    return field.start if not field.big_endian else min(field.bits, key=lambda bit: (-(bit // 8), bit % 8))


def _highest(field: Field) -> int:
    return field.start if field.big_endian else field.start + field.length - 1


def _judged(payloads: Payloads, field: Field) -> Field:
    """The field with what it seems to be."""
    values = field_values(payloads.data, field)
    changes = int(np.count_nonzero(np.diff(values)))
    different = len(np.unique(values))
    if field.length == 1:
        often = changes > RARE * len(values)
        note = f"changes {changes} times"
        return Field(FieldKind.STATE if often else FieldKind.SWITCH, field.start, 1, note=note)
    if field.length <= 4 and different <= STATES_MAX and changes <= RARE * len(values):
        note = f"{different} values, changes {changes} times"
        return Field(FieldKind.STATE, field.start, field.length, field.big_endian, note=note)
    signed = _is_signed(values, field.length)
    if signed:
        values = values - ((values >> (field.length - 1)) << field.length)
    note = f"{int(values.min())}..{int(values.max())}, {different} values"
    return Field(FieldKind.ANALOG, field.start, field.length, field.big_endian, signed, note)


def _is_signed(values: Numbers, length: int) -> bool:
    top = values >> (length - 1)
    if length < 4 or not top.any() or top.all():
        return False
    as_signed = values - (top << length)
    plain, signed = np.abs(np.diff(values)).sum(), np.abs(np.diff(as_signed)).sum()
    return bool(signed < _SIGNED_GAIN * plain)
