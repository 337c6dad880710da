"""Checksum bytes and nibbles: which of the schemes of the field fits all payloads of a message.

Start values, final masks and identifiers that go into a checksum do not depend on the payload, so that a scheme fits when
what it computes from the other bytes differs from the checksum by a constant: for a CRC by exclusive or (it is linear),
for a sum by subtraction. The constant then names the variant: J1850's, with the identifier as Toyota and Honda have it, or
one that is not known and stands in the note.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.analysis.guess_bits import Field, FieldKind, Octets, Payloads
from gateway.can import ID_MASK

DISTINCT_MIN: Final = 12
"""Payloads that must fit where the constant may be any: by chance one in 256 does, or one in 16 for four bits."""
EXACT_MIN: Final = 4
"""Where identifier and length say what the constant must be."""
VALUES_MIN: Final = 6
TESTED_MAX: Final = 4000
_FIRST_LOOK: Final = 24
HONDA: Final = "nibbles of bytes and identifier add up to 8, as Honda has it"
UNKNOWN: Final = ", constant"
WITH_ID: Final = ", with the identifier before"
TOYOTA: Final = "sum of bytes, identifier and length, as Toyota has it"
POLYNOMIALS: Final = {
    0x1D: "CRC-8 SAE J1850",
    0x2F: "CRC-8 H2F",
    0x07: "CRC-8",
    0x31: "CRC-8 0x31",
    0xD5: "CRC-8 0xD5",
    0x9B: "CRC-8 0x9B",
}


class _Scheme(NamedTuple):
    """One that fits: its place, and what to say."""

    field: Field
    rank: int


def checksum(payloads: Payloads, counters: Sequence[Field]) -> Field | None:
    """The checksum of a message; None where no scheme fits. `counters` are no checksums, but go into it."""
    data = np.unique(payloads.data, axis=0)
    if len(data) < EXACT_MIN:
        return None
    if len(data) > TESTED_MAX:
        data = data[:: len(data) // TESTED_MAX]
    taken = {bit for counter in counters for bit in counter.bits}
    found = [*_bytes(payloads, data, taken), *_nibbles(payloads, data, taken)]
    return min(found, key=lambda scheme: scheme.rank).field if found else None


# Whole bytes


def _bytes(payloads: Payloads, data: Octets, taken: set[int]) -> Iterator[_Scheme]:
    last = payloads.width - 1
    for at in sorted(range(payloads.width), key=lambda place: (place != last, place != 0, place)):
        bits = set(range(8 * at, 8 * at + 8))
        if payloads.values[at] < EXACT_MIN or bits & taken or _mirrors(data, at):
            continue
        preference = 0 if at == last else 1 if at == 0 else 2
        many = len(data) >= DISTINCT_MIN and payloads.values[at] >= VALUES_MIN
        several = _varying(data, at) > 1
        for rank, note in _byte_schemes(payloads.key & ID_MASK, data, at):
            if rank > 3 and at != last and payloads.values[last] != 1:
                continue  # it fits each byte alike, and the last is the usual one
            if (many and (several or not rank)) or note == TOYOTA:
                yield _Scheme(Field(FieldKind.CHECKSUM, 8 * at, 8, note=note), 10 * rank + preference)


def _varying(data: Octets, at: int) -> int:
    """How many bytes besides `at` change."""
    return int(np.count_nonzero(np.delete(data != data[0], at, axis=1).any(axis=0)))


def _mirrors(data: Octets, at: int) -> bool:
    """Whether the byte is another one, but for a constant: a copy is no checksum."""
    others = np.delete(data, at, axis=1)
    own = data[:, at : at + 1]
    return any(bool((apart == apart[0]).all(axis=0).any()) for apart in (others ^ own, own - others))


def _byte_schemes(identifier: int, data: Octets, at: int) -> Iterator[tuple[int, str]]:
    """Those that fit the byte `at`, with a rank: what is more special comes first."""
    own = data[:, at]
    others = np.delete(data, at, axis=1)
    zeroed = data.copy()
    zeroed[:, at] = 0
    for polynomial, name in POLYNOMIALS.items():
        for covered, what in ((others, ""), (zeroed, ", over its own byte as 0")):
            constant = _crc_constant(covered, own, polynomial)
            if constant is not None:
                variant = _crc_variant(covered.shape[1], polynomial, constant, identifier)
                rank = 2 if variant.startswith(UNKNOWN) else 1 if variant.startswith(WITH_ID) else 0
                yield rank, name + what + variant
    total = others.sum(axis=1, dtype=np.int64)
    difference = _constant((own - total) & 0xFF)
    if difference is not None:
        yield 3, _sum_variant(difference, identifier, data.shape[1])
    added = _constant((own + total) & 0xFF)
    if added is not None:
        yield 4, "negative sum of the bytes" + (f", and 0x{added:02X}" if added else "")
    mixed = _constant(np.bitwise_xor.reduce(others, axis=1) ^ own)
    if mixed is not None:
        yield 5, "exclusive or of the bytes" + (f", and 0x{mixed:02X}" if mixed else "")


def _constant(values: NDArray[np.integer]) -> int | None:
    return int(values[0]) if bool((values == values[0]).all()) else None


def _table(polynomial: int) -> Octets:
    table = np.zeros(256, np.uint8)
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = (crc << 1 ^ polynomial) & 0xFF if crc & 0x80 else crc << 1
        table[value] = crc
    return table


_TABLES: Final = {polynomial: _table(polynomial) for polynomial in POLYNOMIALS}


def _crc(covered: Octets, polynomial: int, start: int = 0) -> Octets:
    table = _TABLES[polynomial]
    crc: Octets = np.full(len(covered), start, np.uint8)
    for column in covered.T:
        crc = table[crc ^ column]
    return crc


def _crc_constant(covered: Octets, own: Octets, polynomial: int) -> int | None:
    """What a CRC that starts at 0 differs from the checksum by, if it is always the same."""
    look = slice(0, _FIRST_LOOK)
    if _constant(_crc(covered[look], polynomial) ^ own[look]) is None:
        return None
    return _constant(_crc(covered, polynomial) ^ own)


def _crc_variant(width: int, polynomial: int, constant: int, identifier: int) -> str:
    """Start value, final mask, and whether the identifier goes in before or after: what makes this constant."""
    zeros = np.zeros((1, width), np.uint8)
    for start, final in ((0xFF, 0xFF), (0, 0), (0xFF, 0), (0, 0xFF)):
        if int(_crc(zeros, polynomial, start)[0]) ^ final == constant:
            usual = polynomial in {0x1D, 0x2F} and (start, final) == (0xFF, 0xFF)
            usual |= polynomial == 0x07 and not start and not final
            return "" if usual else f", start 0x{start:02X}, final 0x{final:02X}"
        low, high = identifier & 0xFF, identifier >> 8 & 0xFF
        for prefix, name in (((low, high), "low byte first"), ((high, low), "high byte first"), ((low,), "low byte")):
            head = np.array([[*prefix, *([0] * width)]], np.uint8)
            if int(_crc(head, polynomial, start)[0]) ^ final == constant:
                return f"{WITH_ID} ({name}), start 0x{start:02X}, final 0x{final:02X}"
    return f"{UNKNOWN} 0x{constant:02X}: another start value or a data id"


def _sum_variant(difference: int, identifier: int, length: int) -> str:
    ids = (identifier & 0xFF) + (identifier >> 8 & 0xFF)
    if difference == 0:
        return "sum of the bytes"
    if difference == ids + length & 0xFF:
        return TOYOTA
    if difference == ids & 0xFF:
        return "sum of bytes and identifier, as Subaru has it"
    return f"sum of the bytes, and 0x{difference:02X}"


# Nibbles


def _nibbles(payloads: Payloads, data: Octets, taken: set[int]) -> Iterator[_Scheme]:
    """Four bits that make the sum of all nibbles a constant. The scheme is the same for each of them: the last that is
    no counter counts, and the higher one of a byte before the lower one but for Honda's identifier."""
    nibbles = np.concatenate((data & 0xF, data >> 4), axis=1).astype(np.int64)
    total, mixed = nibbles.sum(axis=1), np.bitwise_xor.reduce(nibbles, axis=1)
    varying = int(np.count_nonzero((nibbles != nibbles[0]).any(axis=0)))
    last = payloads.width - 1
    for half in (4, 0):
        own = nibbles[:, last + (payloads.width if half else 0)]
        bits = set(range(8 * last + half, 8 * last + half + 4))
        values = len(np.unique(own))
        if bits & taken or values < EXACT_MIN - 1:
            continue
        enough = len(data) >= DISTINCT_MIN and values >= VALUES_MIN and varying > 2 and not _copies(nibbles, own)
        for rank, note in _nibble_schemes(payloads.key & ID_MASK, own, total, mixed):
            if enough or (note == HONDA and half == 0):
                yield _Scheme(Field(FieldKind.CHECKSUM, 8 * last + half, 4, note=note), rank)


def _copies(nibbles: NDArray[np.int64], own: NDArray[np.int64]) -> bool:
    """Whether one of the other nibbles is the same but for a constant; `own` itself is one of them."""
    apart = nibbles ^ own[:, None]
    return int(np.count_nonzero((apart == apart[0]).all(axis=0))) > 1


def _nibble_schemes(
    identifier: int, own: NDArray[np.int64], total: NDArray[np.int64], mixed: NDArray[np.int64]
) -> Iterator[tuple[int, str]]:
    negative, positive = _constant(total & 0xF), _constant((2 * own - total) & 0xF)
    digits = sum(identifier >> shift & 0xF for shift in range(0, 32, 4))
    if negative is not None:
        if negative == (8 - digits + (3 if identifier > 0x7FF else 0)) & 0xF:
            yield 35, HONDA
        yield 40, "nibbles add up to 0, as Hyundai has it" if not negative else f"nibbles add up to 0x{negative:X}"
    if positive is not None:
        yield 45, "sum of the nibbles" + (f", and 0x{positive:X}" if positive else "")
    constant = _constant(mixed)
    if constant is not None:
        yield 50, "exclusive or of the nibbles" + (f", and 0x{constant:X}" if constant else "")
