"""Counters and checksums that a sender puts into its messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.com.errors import ComError
from gateway.database import Message, Signal
from gateway.errors import nearest

Checksum = Callable[[bytes], int]


def _crc8_table(polynomial: int) -> bytes:
    table = bytearray()
    for value in range(256):
        for _ in range(8):
            value = (value << 1 ^ polynomial) & 0xFF if value & 0x80 else value << 1
        table.append(value)
    return bytes(table)


def _crc8(polynomial: int, start: int, final: int) -> Checksum:
    table = _crc8_table(polynomial)

    def checksum(data: bytes) -> int:
        crc = start
        for byte in data:
            crc = table[crc ^ byte]
        return crc ^ final

    return checksum


def _xor8(data: bytes) -> int:
    total = 0
    for byte in data:
        total ^= byte
    return total


def _sum8(data: bytes) -> int:
    return sum(data) & 0xFF


ALGORITHMS: Final[dict[str, Checksum]] = {
    "crc8-j1850": _crc8(0x1D, 0xFF, 0xFF),
    "crc8-h2f": _crc8(0x2F, 0xFF, 0xFF),
    "xor8": _xor8,
    "sum8": _sum8,
}
"""CRC-8 SAE J1850 and CRC-8 0x2F as AUTOSAR's CRC library has them (SWS_CRCLibrary, 7.2.1); exclusive or; sum."""


class Protection:
    """Counter and checksum of one message: which signals they are, and how the checksum is computed.

    The checksum is over the whole payload with its own bits at zero. Its low bits are taken where the signal is
    narrower than 8 bits. `stuck` stops the counter and `wrong` spoils the checksum, for tests of receivers.
    """

    def __init__(self, message: Message, counter: str | None, checksum: str | None, algorithm: str) -> None:
        if algorithm not in ALGORITHMS:
            near = nearest(algorithm, list(ALGORITHMS)) or f" (there are {', '.join(ALGORITHMS)})"
            raise ComError(f"there is no checksum algorithm {algorithm!r}{near}")
        self.counter: Signal | None = message.signal(counter) if counter else None
        self.checksum: Signal | None = message.signal(checksum) if checksum else None
        self.stuck: bool = False
        self.wrong: bool = False
        self._compute = ALGORITHMS[algorithm]
        self._count: int = -1
        self._size = message.length
        self._counter_place = _place(self.counter, message.length)
        self._checksum_place = _place(self.checksum, message.length)

    def protect(self, data: bytes) -> bytes:
        """The payload with the next counter value and its checksum."""
        number = int.from_bytes(data, "big")
        if self.counter is not None:
            if not self.stuck:
                self._count = self._count + 1 & (1 << self.counter.length) - 1
            number = self._put(number, self._counter_place, self._count)
        if self.checksum is not None:
            number = self._put(number, self._checksum_place, 0)
            value = self._compute(number.to_bytes(self._size, "big"))
            number = self._put(number, self._checksum_place, value ^ 1 if self.wrong else value)
        return number.to_bytes(self._size, "big")

    @staticmethod
    def _put(number: int, place: tuple[int, int], value: int) -> int:
        shift, mask = place
        return number & ~(mask << shift) | (value & mask) << shift


def _place(signal: Signal | None, length: int) -> tuple[int, int]:
    """Shift and mask of a signal in the payload read as one big-endian integer."""
    if signal is None:
        return 0, 0
    if signal.length > 8 - (signal.start % 8 if not signal.big_endian else 7 - signal.start % 8):
        raise ComError(f"{signal} crosses a byte boundary; a counter or checksum must lie within one byte")
    low_bit = signal.start % 8 if not signal.big_endian else signal.start % 8 - signal.length + 1
    byte = signal.start // 8
    return 8 * (length - 1 - byte) + low_bit, (1 << signal.length) - 1
