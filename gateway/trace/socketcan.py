"""A CAN frame as link type 227 has it: struct can_frame or canfd_frame with the identifier word in network order.

Sources: tcpdump.org/linktypes/LINKTYPE_CAN_SOCKETCAN.html, linux/can.h. Layout: identifier word (4, big-endian),
payload length, CAN FD flags, two reserved bytes, payload.
"""

from __future__ import annotations

import struct
from typing import Final

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, LENGTHS, REMOTE, WORD_MASK, Frame

HEAD: Final = 8
"""Bytes before the payload."""
FLAG_BRS: Final = 0x01
FLAG_ESI: Final = 0x02
FLAG_FDF: Final = 0x04
FLAG_XL: Final = 0x80
STANDARD_MASK: Final = 0x7FF

_FD_LENGTHS: Final = frozenset(LENGTHS)


class UnfitError(Exception):
    """The bytes are no CAN frame that we know; the text is the reason, to be counted."""


def packet_head(header: int, length: int) -> bytes:
    """The 8 bytes before the payload."""
    flags = 0
    if header & FD:
        flags = FLAG_FDF | (FLAG_BRS if header & BRS else 0) | (FLAG_ESI if header & ESI else 0)
    return struct.pack(">IBBxx", header & WORD_MASK, length, flags)


def to_packet(frame: Frame) -> bytes:
    """The whole packet of a frame."""
    return packet_head(frame.header, len(frame.data)) + frame.data


def clean_header(word: int, flags: int, length: int) -> int:
    """A `Frame.header` from SocketCAN's identifier word, FD flags byte and payload length. Raises `UnfitError`."""
    if word & ERROR:
        return ERROR | (word & ID_MASK)
    header = word if word & EXTENDED else word & ~(ID_MASK & ~STANDARD_MASK)
    if flags & FLAG_FDF or length > 8:
        if header & REMOTE:
            raise UnfitError("remote frame in CAN FD, which has none")
        if length not in _FD_LENGTHS:
            raise UnfitError("length that CAN FD does not have")
        return header | FD | (BRS if flags & FLAG_BRS else 0) | (ESI if flags & FLAG_ESI else 0)
    return header


def from_packet(packet: bytes) -> Frame:
    """The frame of a packet. Raises `UnfitError`."""
    if len(packet) < HEAD:
        raise UnfitError("packet too short for a CAN frame")
    word, length, flags = struct.unpack_from(">IBB", packet)
    if packet[4] & FLAG_XL:
        raise UnfitError("CAN XL frame")
    data = packet[HEAD : HEAD + length]
    if len(data) < length:
        raise UnfitError("CAN frame cut short")
    if word & ERROR and length > 8:
        raise UnfitError("error frame of more than 8 bytes")
    header = clean_header(word, flags, length)
    return Frame(header, b"" if header & REMOTE else data)
