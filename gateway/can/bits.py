"""How many bits a frame takes on the wire, exactly (ISO 11898-1:2015, 10.4 and 10.5).

Classic CAN: a bit of opposite level follows every five equal bits from the start of frame to the end of the CRC
sequence. So the length depends on identifier, data and CRC.

CAN FD: that rule ends with the data field; stuff count and CRC have stuff bits at fixed places. So the CRC does not
matter. Where five equal bits end exactly with the data field, the first fixed stuff bit takes the place of the
dynamic one.

Stuffing is a walk through ten states: the last level, and how often it has come in a row (1 to 5, where 5 means that
the stuff bit is owed; it is counted when it is due, before the next bit). Tables take the walk a byte at a time. The
CRC is linear: the CRC of a frame is the exclusive or of what its head and each of its bytes contribute.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.can.frame import BRS, ESI, EXTENDED, FD, ID_MASK, LENGTHS, REMOTE, Frame

INTERMISSION: Final = 3
"""Recessive bits between two frames."""
CLASSIC_TAIL: Final = 10
"""CRC delimiter, ACK slot, ACK delimiter, end of frame."""
FD_TAIL: Final = 9
"""ACK slot, ACK delimiter, end of frame, at the nominal bit rate."""

_CRC15: Final = 0x4599
_FD_CRC_FIELD_SHORT: Final = 4 + 17 + 6 + 1
"""Stuff count, CRC-17, fixed stuff bits, CRC delimiter: up to 16 bytes."""
_FD_CRC_FIELD_LONG: Final = 4 + 21 + 7 + 1
_LEVEL: Final = 8
"""A state is the run length (1 to 5), plus this when the level is recessive (1)."""
_ROW: Final = 256
_ROW_MASK: Final = 0xFFF
_RADIX: Final = 1 << 18
"""A table entry holds the index of the next state's row below this, the stuff bits above; 64 entries may be summed."""


class FrameBits(NamedTuple):
    """Bits of one frame from start of frame to end of frame, without the intermission."""

    nominal: int
    data: int
    """At the data bit rate: from after BRS to the CRC delimiter; 0 without bit rate switch.

    The switch is at the sample points of BRS and CRC delimiter. With the same sample point in both rates, the two
    halves add up to one whole bit of each rate: BRS counts as nominal and the delimiter as data.
    """


def _step(state: int, bit: int) -> tuple[int, int]:
    """The state after one more frame bit, and whether a stuff bit went before it."""
    run, level = state & 7, state >> 3
    if run == 5:
        # The stuff bit has the opposite level, and is the first of the next run.
        return (2 | bit << 3, 1) if bit != level else (1 | bit << 3, 1)
    return (run + 1 | bit << 3, 0) if bit == level else (1 | bit << 3, 0)


def _walk(state: int, value: int, bits: int) -> tuple[int, int]:
    stuffed = 0
    for position in range(bits - 1, -1, -1):
        state, more = _step(state, value >> position & 1)
        stuffed += more
    return state, stuffed


def _stuff_table(bits: int) -> list[int]:
    """For each state and each value of `bits` bits: the row of the next state and the number of stuff bits."""
    table = []
    for state in range(16):
        for value in range(1 << bits):
            after, stuffed = _walk(state, value, bits) if state & 7 else (state, 0)
            table.append(stuffed * _RADIX + after * _ROW)
    return table


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte << 7
        for _ in range(8):
            crc = (crc << 1) ^ _CRC15 if crc & 0x4000 else crc << 1
        table.append(crc & 0x7FFF)
    return table


_STUFF8: Final = _stuff_table(8)
_STUFF7: Final = _stuff_table(7)
_CRC: Final = _crc_table()
_OWED: Final = [1 if state & 7 == 5 else 0 for state in range(16)]
"""The stuff bit that follows when five equal bits end exactly with the CRC, by state."""


def _crc_shares() -> list[list[int]]:
    """For each of eight bytes, counted from the last, and each value: what it contributes to the CRC at the end."""
    shares = [_CRC]
    for _ in range(7):
        shares.append([_CRC[crc >> 7] ^ (crc << 8 & 0x7FFF) for crc in shares[-1]])
    return shares


_S1, _S2, _S3, _S4, _S5, _S6, _S7, _S8 = _crc_shares()


class Head(NamedTuple):
    """What header and length fix: the bits before the data and the states after them."""

    nominal: int
    """All bits of the nominal rate that do not depend on data: head with its stuff bits, tail."""
    data: int
    row: int
    """Index of the row of the stuffing state before the first data bit."""
    crc: int
    """Before the first data bit."""
    crc_after_eight: int
    """What it contributes to the CRC after eight bytes."""


def _crc_bits(crc: int, value: int, bits: int) -> int:
    for position in range(bits - 1, -1, -1):
        if (crc >> 14 & 1) != (value >> position & 1):
            crc = (crc << 1 ^ _CRC15) & 0x7FFF
        else:
            crc = crc << 1 & 0x7FFF
    return crc


def arbitration_field(header: int) -> tuple[int, int]:
    """The bits that arbitrate, start of frame excluded, as a value and its width: up to IDE, or to the last RTR."""
    identifier = header & ID_MASK
    remote = 1 if header & REMOTE else 0
    if header & EXTENDED:
        return (identifier >> 18) << 21 | 0b11 << 19 | (identifier & 0x3FFFF) << 1 | remote, 32
    return (identifier & 0x7FF) << 2 | remote << 1, 13


def priority(header: int) -> int:
    """A number that is lower for the frame that wins arbitration."""
    value, width = arbitration_field(header)
    return value << (32 - width)


def _classic_head(header: int, length: int) -> Head:
    value, width = arbitration_field(header)
    # A classic base frame has r0 after IDE, an extended one r1 and r0; then the DLC.
    reserved = 2 if header & EXTENDED else 1
    bits = 1 + width + reserved + 4
    value = value << (reserved + 4) | length
    # Before the start of frame the bus is recessive: as if a run of one had come.
    state, stuffed = _walk(1 | _LEVEL, value, bits)
    crc = _crc_bits(0, value, bits)
    return Head(bits + 15 + stuffed + CLASSIC_TAIL, 0, state * _ROW, crc, _crc_bits(crc, 0, 64))


def _fd_head(header: int, length: int) -> Head:
    value, width = arbitration_field(header)
    # RRS and IDE are in the arbitration field; FDF is recessive, res dominant, then BRS.
    brs = 1 if header & BRS else 0
    value = value << 3 | 0b100 | brs
    bits = 1 + width + 3
    state, stuffed = _walk(1 | _LEVEL, value, bits)
    tail = (1 if header & ESI else 0) << 4 | LENGTHS.index(length)
    state, tail_stuffed = _walk(state, tail, 5)
    crc_field = _FD_CRC_FIELD_SHORT if length <= 16 else _FD_CRC_FIELD_LONG
    return Head(bits + stuffed + FD_TAIL, 5 + tail_stuffed + crc_field, state * _ROW, 0, 0)


def _frame_bits(head: Head, header: int, data: bytes) -> FrameBits:
    if header & FD:
        row = head.row
        total = 0
        for byte in data:
            entry = _STUFF8[row + byte]
            row = entry & _ROW_MASK
            total += entry
        changing = head.data + 8 * len(data) + total // _RADIX
        return FrameBits(head.nominal, changing) if header & BRS else FrameBits(head.nominal + changing, 0)
    if len(data) == 8:
        return FrameBits(head.nominal + eight_bytes_bits(head.row, head.crc_after_eight, data), 0)
    return FrameBits(head.nominal + _classic_data_bits(head, data), 0)


def _classic_data_bits(head: Head, data: bytes) -> int:
    """The data's bits, with all stuff bits from the first data bit to the end of the CRC."""
    row = head.row
    crc = head.crc
    total = 0
    for byte in data:
        entry = _STUFF8[row + byte]
        row = entry & _ROW_MASK
        total += entry
        crc = _CRC[crc >> 7 ^ byte] ^ (crc << 8 & 0x7FFF)
    return 8 * len(data) + _crc_stuffed(row, crc, total)


def _crc_stuffed(row: int, crc: int, total: int) -> int:
    """All stuff bits of a classic frame from the data on: those summed in `total` and those of the CRC."""
    entry = _STUFF8[row + (crc >> 7)]
    total += entry
    entry = _STUFF7[((entry & _ROW_MASK) >> 1) + (crc & 0x7F)]
    return (total + entry >> 18) + _OWED[entry >> 8 & 0xF]


def eight_bytes_bits(row: int, crc_after_eight: int, data: bytes) -> int:
    """As `_classic_data_bits`, for the most frequent length, without its loop: row and CRC of a `Head`."""
    a, b, c, d, e, f, g, h = data
    crc = crc_after_eight ^ _S8[a] ^ _S7[b] ^ _S6[c] ^ _S5[d] ^ _S4[e] ^ _S3[f] ^ _S2[g] ^ _S1[h]
    total = entry = _STUFF8[row + a]
    entry = _STUFF8[(entry & 0xFFF) + b]
    total += entry
    entry = _STUFF8[(entry & 0xFFF) + c]
    total += entry
    entry = _STUFF8[(entry & 0xFFF) + d]
    total += entry
    entry = _STUFF8[(entry & 0xFFF) + e]
    total += entry
    entry = _STUFF8[(entry & 0xFFF) + f]
    total += entry
    entry = _STUFF8[(entry & 0xFFF) + g]
    total += entry
    entry = _STUFF8[(entry & 0xFFF) + h]
    total += entry
    entry = _STUFF8[(entry & 0xFFF) + (crc >> 7)]
    total += entry
    entry = _STUFF7[((entry & 0xFFF) >> 1) + (crc & 0x7F)]
    return 64 + (total + entry >> 18) + _OWED[entry >> 8 & 0xF]


def leading_sequence(frame: Frame) -> str:
    """The levels on the wire ("0" dominant) from start of frame to the end of the data, stuff bits included."""
    header, data = frame.header, frame.data
    value, width = arbitration_field(header)
    bits = f"0{value:0{width}b}"
    if header & FD:
        flags = 0b100 | (1 if header & BRS else 0)
        bits += f"{flags:03b}{1 if header & ESI else 0}{LENGTHS.index(len(data)):04b}"
    else:
        bits += ("00" if header & EXTENDED else "0") + f"{len(data):04b}"
    bits += "".join(f"{byte:08b}" for byte in data)
    levels = []
    state = 1 | _LEVEL
    for bit in map(int, bits):
        if state & 7 == 5:
            levels.append("0" if state & _LEVEL else "1")
        levels.append(str(bit))
        state, _ = _step(state, bit)
    return "".join(levels)


class FrameLengths:
    """Exact lengths of frames, remembering the part that identifier and length fix."""

    def __init__(self) -> None:
        self._heads: dict[tuple[int, int], Head] = {}

    def bits(self, frame: Frame) -> FrameBits:
        """The bits of `frame`. ValueError for a length that its format does not have."""
        header, data = frame.header, frame.data
        head = self._heads.get((header, len(data)))
        if head is None:
            head = self.head(header, len(data))
        return _frame_bits(head, header, data)

    def head(self, header: int, length: int) -> Head:
        """What `header` and `length` fix. ValueError for a length that the format does not have."""
        if header & FD:
            if length not in LENGTHS:
                raise ValueError(f"a CAN FD frame has no length of {length} bytes")
            head = _fd_head(header, length)
        else:
            if length > 8:
                raise ValueError(f"a classic CAN frame holds 8 bytes at most, not {length}")
            head = _classic_head(header, length)
        if len(self._heads) > 10_000:
            self._heads.clear()
        self._heads[header, length] = head
        return head


def longest_bits(header: int, length: int) -> FrameBits:
    """The most bits that a frame with this header and payload length can have, whatever its payload.

    Of a classic frame its CRC is counted as if it were free to choose: an upper bound by a bit or two.
    """
    head = FrameLengths().head(header, length)
    free = 8 * length + (0 if header & FD else 15)
    stuffed = {head.row // _ROW: 0}
    for _ in range(free):
        after: dict[int, int] = {}
        for state, count in stuffed.items():
            for bit in (0, 1):
                then, more = _step(state, bit)
                after[then] = max(after.get(then, 0), count + more)
        stuffed = after
    if header & FD:
        most = 8 * length + max(stuffed.values())
        return (
            FrameBits(head.nominal, head.data + most) if header & BRS else FrameBits(head.nominal + head.data + most, 0)
        )
    return FrameBits(head.nominal + 8 * length + max(count + _OWED[state] for state, count in stuffed.items()), 0)


def shortest_bits(header: int, length: int) -> FrameBits:
    """As `longest_bits`, the other way: no stuff bit behind the head."""
    head = FrameLengths().head(header, length)
    if header & FD and header & BRS:
        return FrameBits(head.nominal, head.data + 8 * length)
    return FrameBits(head.nominal + head.data + 8 * length, 0)


def frame_bits(frame: Frame) -> FrameBits:
    """The bits of one frame; `FrameLengths` is faster for many."""
    return FrameLengths().bits(frame)
