"""The payloads of one unknown message as a matrix, and how often each of its bits changes.

Bits are numbered as in DBC files: bit 0 is the lowest of byte 0, bit 15 the highest of byte 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.vehicle.logs.log import Log

FRAMES_MAX: Final = 50_000
"""Of a message, from its first frame on: more of them tell nothing more."""

Octets = NDArray[np.uint8]
Numbers = NDArray[np.int64]


class FieldKind(Enum):
    """What a field of bits seems to be."""

    COUNTER = "counter"
    CHECKSUM = "checksum"
    MULTIPLEXER = "multiplexer"
    SWITCH = "switch"
    STATE = "state"
    ANALOG = "analog"


@dataclass(frozen=True, slots=True)
class Field:
    """Some bits of a message that seem to belong together. `start` as in DBC files: of big endian the highest bit."""

    kind: FieldKind
    start: int
    length: int
    big_endian: bool = False
    signed: bool = False
    note: str = ""

    @property
    def bits(self) -> frozenset[int]:
        """The bits that it covers."""
        if not self.big_endian:
            return frozenset(range(self.start, self.start + self.length))
        first = 8 * (self.start // 8) + 7 - self.start % 8
        return frozenset(8 * (at // 8) + 7 - at % 8 for at in range(first, first + self.length))

    @property
    def span(self) -> tuple[int, int]:
        """The bytes that it begins and ends in."""
        if not self.big_endian:
            return self.start // 8, (self.start + self.length - 1) // 8
        return self.start // 8, (8 * (self.start // 8) + 7 - self.start % 8 + self.length - 1) // 8

    @property
    def shift(self) -> int:
        """How many bits of the lowest of its bytes are below it."""
        if not self.big_endian:
            return self.start % 8
        return -(7 - self.start % 8 + self.length) % 8

    @property
    def order(self) -> int:
        """Where it begins, in the order of the bytes."""
        return min(8 * (bit // 8) + 7 - bit % 8 for bit in self.bits)


@dataclass(frozen=True, slots=True)
class Payloads:
    """The frames of one message that have its usual length. `flips`: of each bit, how often it changed."""

    key: int
    times: Numbers
    data: Octets
    flips: Numbers
    values: tuple[int, ...]
    """How many values each byte had."""
    lowest: bytes
    """The bits that are always 1."""

    @property
    def width(self) -> int:
        return int(self.data.shape[1])

    def __len__(self) -> int:
        return len(self.data)

    def field(self, field: Field) -> Numbers:
        """Its raw value in each frame."""
        return field_values(self.data, field)


def payloads_of(log: Log, key: int, rows: Numbers) -> Payloads:
    """Those of the most frequent length."""
    rows = rows[:FRAMES_MAX]
    lengths = log.length[rows]
    usual = int(np.bincount(lengths).argmax())
    rows = rows[lengths == usual]
    data = log.data[rows, :usual]
    return Payloads(
        key,
        log.times[rows],
        data,
        flips_of(data),
        tuple(len(np.unique(data[:, at])) for at in range(usual)),
        np.bitwise_and.reduce(data, axis=0).tobytes(),
    )


def flips_of(data: Octets) -> Numbers:
    """How often each bit differs from the frame before."""
    if len(data) < 2:
        return np.zeros(8 * data.shape[1], np.int64)
    changed = data[1:] ^ data[:-1]
    counts: Numbers = np.unpackbits(changed, axis=1, bitorder="little").sum(axis=0, dtype=np.int64)
    return counts


def field_values(data: Octets, field: Field) -> Numbers:
    """The raw values of a field of up to 32 bits."""
    first, last = field.span
    values = np.zeros(len(data), np.int64)
    for byte in range(first, last + 1):
        place = last - byte if field.big_endian else byte - first
        values |= data[:, byte].astype(np.int64) << 8 * place
    values = values >> field.shift & (1 << field.length) - 1
    if field.signed:
        values -= (values >> (field.length - 1)) << field.length
    return values


def big_endian_start(last_bit: int, length: int) -> int:
    """The start of a big endian field whose lowest bit is `last_bit`."""
    last = 8 * (last_bit // 8) + 7 - last_bit % 8
    first = last - length + 1
    return 8 * (first // 8) + 7 - first % 8
