"""A CAN frame as the string of its bits, built bit by bit as ISO 11898-1 tells it: slow, and independent of the program.

Nothing here imports `gateway`. A bit is "0" (dominant) or "1" (recessive).
"""

from __future__ import annotations

from typing import NamedTuple

CRC15 = (15, 0x4599)
CRC17 = (17, 0x1685B)
CRC21 = (21, 0x102899)
DLC_LENGTHS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)
TAIL = "1" + "0" + "1" + "1" * 7
"""CRC delimiter, ACK slot (somebody acknowledges), ACK delimiter, end of frame."""


class Wire(NamedTuple):
    """The bits on the wire from start of frame to end of frame, and which of them go at the data bit rate."""

    bits: str
    fast: str
    """For each bit "d" when it is sent at the data bit rate, "n" otherwise."""

    @property
    def nominal(self) -> int:
        return self.fast.count("n")

    @property
    def data(self) -> int:
        return self.fast.count("d")


def number(value: int, width: int) -> str:
    return format(value, f"0{width}b") if width else ""


def crc(bits: str, polynomial: tuple[int, int], initial: int = 0) -> str:
    """The remainder after long division, a bit at a time."""
    width, divisor = polynomial
    register = initial
    for bit in bits:
        feedback = (register >> (width - 1)) ^ int(bit)
        register = (register << 1) & ((1 << width) - 1)
        if feedback:
            register ^= divisor
    return number(register, width)


def stuffed(bits: str) -> list[str]:
    """Each bit, followed by its stuff bit where it is the fifth of one level (so the list has an entry a bit)."""
    result = []
    level, run = "", 0
    for bit in bits:
        run = run + 1 if bit == level else 1
        level = bit
        if run == 5:
            level, run = ("1" if bit == "0" else "0"), 1
            result.append(bit + level)
        else:
            result.append(bit)
    return result


def arbitration(identifier: int, *, extended: bool, remote: bool) -> str:
    """What decides who goes on sending: identifier, RTR (SRR) and IDE, up to the last RTR."""
    rtr = "1" if remote else "0"
    if not extended:
        return number(identifier, 11) + rtr + "0"
    return number(identifier >> 18, 11) + "1" + "1" + number(identifier & 0x3FFFF, 18) + rtr


def classic(identifier: int, data: bytes, *, extended: bool = False, remote: bool = False) -> Wire:
    reserved = "00" if extended else "0"
    body = "0" + arbitration(identifier, extended=extended, remote=remote) + reserved + number(len(data), 4)
    body += "".join(number(byte, 8) for byte in data)
    bits = "".join(stuffed(body + crc(body, CRC15))) + TAIL
    return Wire(bits, "n" * len(bits))


def flexible(identifier: int, data: bytes, *, extended: bool = False, brs: bool = False, esi: bool = False) -> Wire:
    """A CAN FD frame (ISO format, with stuff count)."""
    slow = "0" + arbitration(identifier, extended=extended, remote=False)
    slow += "1" + "0" + ("1" if brs else "0")  # FDF, res, BRS
    rest = ("1" if esi else "0") + number(DLC_LENGTHS.index(len(data)), 4) + "".join(number(b, 8) for b in data)
    pieces = stuffed(slow + rest)
    pieces[-1] = pieces[-1][0]  # the fixed stuff bit that follows takes the place of a stuff bit here
    head, body = "".join(pieces[: len(slow)]), "".join(pieces[len(slow) :])
    stuff_bits = len(head + body) - len(slow + rest)
    count = stuff_bits % 8
    gray = number(count ^ (count >> 1), 3)
    stuff_count = gray + str(gray.count("1") % 2)
    polynomial = CRC17 if len(data) <= 16 else CRC21
    check = crc(head + body + stuff_count, polynomial, initial=1 << (polynomial[0] - 1))
    protected = stuff_count + check
    field = ""
    for start in range(0, len(protected), 4):
        before = (body + field)[-1]
        field += ("1" if before == "0" else "0") + protected[start : start + 4]
    fast = body + field + "1"  # to the CRC delimiter
    rate = "d" if brs else "n"
    return Wire(head + fast + TAIL[1:], "n" * len(head) + rate * len(fast) + "n" * (len(TAIL) - 1))
