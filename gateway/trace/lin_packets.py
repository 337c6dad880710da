"""A LIN frame as link type 212 has it.

Source: tcpdump.org/linktypes/LINKTYPE_LIN.html. Layout: format revision 1, three reserved bytes; payload length (4 bits),
message type (2), checksum type (2); protected identifier; checksum; error bits; then four bytes of payload, or eight when
there are more than four. A header or response that came to nothing is a packet with error bits; here it is a `Frame`
with the flag ERROR and those bits above its identifier.
"""

from __future__ import annotations

import struct
from enum import IntFlag
from typing import Final

from gateway.can.frame import ERROR, Frame
from gateway.database.lin_wire import PROTECTED, ChecksumModel, checksum
from gateway.trace.socketcan import UnfitError

HEAD: Final = 8
"""Bytes before the payload."""
REVISION: Final = 1
LONGEST: Final = 8
ID_MASK: Final = 0x3F
_ERROR_SHIFT: Final = 8
_TYPES: Final = {ChecksumModel.CLASSIC: 1, ChecksumModel.ENHANCED: 2}
_UNKNOWN_TYPE: Final = 0


class LinFault(IntFlag):
    """The error bits of a packet."""

    NO_RESPONSE = 0x01
    FRAMING = 0x02
    PARITY = 0x04
    CHECKSUM = 0x08
    INVALID_ID = 0x10
    OVERFLOW = 0x20


def fault_frame(frame_id: int, fault: LinFault, data: bytes = b"") -> Frame:
    """What stands in a recording for a header or a response that came to nothing."""
    return Frame(ERROR | fault << _ERROR_SHIFT | frame_id & ID_MASK, data[:LONGEST])


def to_packet(frame: Frame, model: ChecksumModel) -> bytes:
    """The packet of a frame, or of what `fault_frame` made."""
    frame_id, data = frame.header & ID_MASK, frame.data[:LONGEST]
    faults = frame.header >> _ERROR_SHIFT & 0xFF if frame.header & ERROR else 0
    kind = _UNKNOWN_TYPE if faults else _TYPES[model]
    total = 0 if faults else checksum(data, model, frame_id)
    head = struct.pack(">B3xBBBB", REVISION, len(data) << 4 | kind, PROTECTED[frame_id], total, faults)
    return head + data.ljust(4 if len(data) <= 4 else LONGEST, b"\0")


def from_packet(packet: bytes) -> Frame:
    """The frame of a packet. Raises `UnfitError`."""
    if len(packet) < HEAD:
        raise UnfitError("packet too short for a LIN frame")
    revision, lengths, pid, _, faults = struct.unpack_from(">B3xBBBB", packet)
    if revision != REVISION:
        raise UnfitError(f"LIN packet of format revision {revision}")
    if lengths >> 2 & 3:
        raise UnfitError("LIN event (sleep or wake-up)")
    length = lengths >> 4
    data = packet[HEAD : HEAD + length]
    if length > LONGEST or len(data) < length:
        raise UnfitError("LIN frame cut short")
    if faults:
        return Frame(ERROR | faults << _ERROR_SHIFT | pid & ID_MASK, data)
    return Frame(pid & ID_MASK, data)
