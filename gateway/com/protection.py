"""Counters and checksums that a sender puts into its messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from gateway.com.errors import ComError
from gateway.database import Message, Signal
from gateway.errors import nearest

Checksum = Callable[[bytes | bytearray], int]


def _crc8_table(polynomial: int) -> bytes:
    table = bytearray()
    for value in range(256):
        for _ in range(8):
            value = (value << 1 ^ polynomial) & 0xFF if value & 0x80 else value << 1
        table.append(value)
    return bytes(table)


def _crc8(polynomial: int, start: int, final: int) -> Checksum:
    table = _crc8_table(polynomial)

    def checksum(data: bytes | bytearray) -> int:
        crc = start
        for byte in data:
            crc = table[crc ^ byte]
        return crc ^ final

    return checksum


def _xor8(data: bytes | bytearray) -> int:
    total = 0
    for byte in data:
        total ^= byte
    return total


def _sum8(data: bytes | bytearray) -> int:
    return sum(data) & 0xFF


ALGORITHMS: Final[dict[str, Checksum]] = {
    "crc8-j1850": _crc8(0x1D, 0xFF, 0xFF),
    "crc8-h2f": _crc8(0x2F, 0xFF, 0xFF),
    "xor8": _xor8,
    "sum8": _sum8,
}
"""CRC-8 SAE J1850 and CRC-8 0x2F as AUTOSAR's CRC library has them (SWS_CRCLibrary, 7.2.1); exclusive or; sum."""


class Seal(Protocol):
    """A whole scheme of protection, with a counter of its own (`e2e`)."""

    @property
    def name(self) -> str:
        """As a report calls it, like E2E P01."""

    def advance(self) -> None:
        """The next payload is a new one."""

    def protected(self, data: bytes) -> bytes:
        """The payload, protected; again the same until `advance`."""

    def spoiled(self, data: bytes) -> bytes:
        """A protected payload, with a wrong checksum."""


class Protection:
    """Counter and checksum of one message: which signals they are, and how the checksum is computed. Or a `seal`.

    The checksum is over the whole payload with its own bits at zero. Its low bits are taken where the signal is
    narrower than 8 bits. `stuck` stops the counter and `wrong` spoils the checksum, for tests of receivers.
    """

    def __init__(
        self, message: Message, counter: str | None, checksum: str | None, algorithm: str, seal: Seal | None = None
    ) -> None:
        if algorithm not in ALGORITHMS:
            near = nearest(algorithm, list(ALGORITHMS)) or f" (there are {', '.join(ALGORITHMS)})"
            raise ComError(f"there is no checksum algorithm {algorithm!r}{near}")
        self.counter: str | None = message.signal(counter).name if counter else None
        self.checksum: str | None = message.signal(checksum).name if checksum else None
        if seal is not None:
            self.checksum = seal.name
        self.seal: Seal | None = seal
        self.counts: bool = counter is not None or seal is not None
        """It has a counter, in a signal or in the seal."""
        self.stuck: bool = False
        self.wrong: bool = False
        self._compute = ALGORITHMS[algorithm]
        self._count: int = -1
        self._count_mask: int = 0
        if self.counter is not None:
            self._count_mask = _place(message.signal(self.counter))[2]
        self._byte, self._shift, self._mask = _place(message.signal(checksum)) if checksum else (0, 0, 0)

    def next_count(self) -> int:
        """The counter's value for the frame that is sent now."""
        if not self.stuck:
            self._count = self._count + 1 & self._count_mask
        return max(self._count, 0)

    def expected(self, data: bytes) -> bytes:
        """A received payload with the checksum that would be right (without a seal): for who checks."""
        checked = bytearray(data)
        rest = checked[self._byte] & ~(self._mask << self._shift)
        checked[self._byte] = rest
        checked[self._byte] = rest | (self._compute(checked) & self._mask) << self._shift
        return bytes(checked)

    def sealed(self, data: bytes) -> bytes:
        """The payload with its checksum."""
        seal = self.seal
        if seal is not None:
            if not self.stuck:
                seal.advance()
            whole = seal.protected(data)
            return seal.spoiled(whole) if self.wrong else whole
        sealed = bytearray(data)
        rest = sealed[self._byte] & ~(self._mask << self._shift)
        sealed[self._byte] = rest
        value = self._compute(sealed) & self._mask
        if self.wrong:
            value ^= 1
        sealed[self._byte] = rest | value << self._shift
        return bytes(sealed)


def _place(signal: Signal) -> tuple[int, int, int]:
    """Byte, shift within it and mask of a signal. ComError when it is not within one byte."""
    low_bit = signal.start % 8 if not signal.big_endian else signal.start % 8 - signal.length + 1
    if low_bit < 0 or low_bit + signal.length > 8:
        raise ComError(f"{signal} crosses a byte boundary; a counter or checksum must lie within one byte")
    if signal.message is not None and signal.end_bit > 8 * signal.message.length:
        raise ComError(f"{signal} lies past the end of its message of {signal.message.length} bytes")
    return signal.start // 8, low_bit, (1 << signal.length) - 1
