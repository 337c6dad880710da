"""The CAN frame: what one controller hands to the bus and all others get.

The identity of a frame is one integer, its `header`, laid out as the 32-bit identifier word of SocketCAN with the
CAN FD flags above it. So a frame is looked up, filtered and compared with one integer operation.
"""

from __future__ import annotations

from typing import Final

EXTENDED: Final = 1 << 31
"""29-bit identifier (CAN_EFF_FLAG)."""
REMOTE: Final = 1 << 30
"""Remote frame (CAN_RTR_FLAG); its data is empty, its requested length is not kept."""
ERROR: Final = 1 << 29
"""Error frame as SocketCAN reports one (CAN_ERR_FLAG); never on a simulated wire."""
FD: Final = 1 << 32
"""CAN FD format."""
BRS: Final = 1 << 33
"""Bit rate switch: data phase at the data bit rate."""
ESI: Final = 1 << 34
"""Error state indicator: the sender is error-passive."""

ID_MASK: Final = 0x1FFFFFFF
WORD_MASK: Final = 0xFFFFFFFF
"""The part of a header that SocketCAN knows as can_id."""
KEY_MASK: Final = EXTENDED | REMOTE | ERROR | ID_MASK
"""What tells one message from another: the header without the CAN FD flags."""

LENGTHS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)
"""Payload length of each DLC in CAN FD (ISO 11898-1, table 5)."""


class Frame:
    """One CAN frame, classic or FD. Immutable; equal when header and data are equal.

    `header`: identifier and flags (see the constants of this module); `data`: 0 to 8 bytes, in CAN FD one of `LENGTHS`.
    """

    __slots__ = ("data", "header")

    def __init__(self, header: int, data: bytes) -> None:
        self.header: Final = header
        self.data: Final = data

    @property
    def arbitration_id(self) -> int:
        """The 11-bit or 29-bit identifier."""
        return self.header & ID_MASK

    @property
    def extended(self) -> bool:
        return self.header & EXTENDED != 0

    @property
    def remote(self) -> bool:
        return self.header & REMOTE != 0

    @property
    def fd(self) -> bool:
        return self.header & FD != 0

    @property
    def brs(self) -> bool:
        return self.header & BRS != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frame) and self.header == other.header and self.data == other.data

    def __hash__(self) -> int:
        return hash((self.header, self.data))

    def __repr__(self) -> str:
        return f"Frame({self})"

    def __str__(self) -> str:
        """As can-utils write it: `123#DEADBEEF`, `00000123#R`, `123##1DEADBEEF`."""
        header = self.header
        name = f"{header & ID_MASK:08X}" if header & EXTENDED else f"{header & ID_MASK:03X}"
        if header & REMOTE:
            return f"{name}#R"
        if header & FD:
            flags = (1 if header & BRS else 0) | (2 if header & ESI else 0)
            return f"{name}##{flags:X}{self.data.hex().upper()}"
        return f"{name}#{self.data.hex().upper()}"


def padded_length(length: int) -> int:
    """The shortest length a CAN FD frame can have that holds `length` bytes; ValueError above 64."""
    for possible in LENGTHS:
        if possible >= length:
            return possible
    raise ValueError(f"{length} bytes do not fit in a CAN FD frame (64 at most)")
