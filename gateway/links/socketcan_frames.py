"""Frames as SocketCAN's raw sockets have them: struct can_frame (16 bytes) and canfd_frame (72), in the machine's byte
order. Sources: linux/can.h, linux/can/error.h.

Both begin with the identifier word (4), the length (1), the CAN FD flags (1, reserved in classic frames) and two bytes
that we leave zero; then the data, 8 or 64 bytes whatever the length.
"""

from __future__ import annotations

import struct
from typing import Final

from gateway.can import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, LENGTHS, REMOTE, BusEventKind, Frame

CAN_MTU: Final = 16
CANFD_MTU: Final = 72
STANDARD_MASK: Final = 0x7FF

_WORD: Final = 0xFFFFFFFF
_CLASSIC: Final = struct.Struct("=IBxxx8s")
_FD: Final = struct.Struct("=IBBxx64s")
_HEAD: Final = struct.Struct("=IBB")
_FLAG_BRS: Final = 1
_FLAG_ESI: Final = 2
_FLAG_FDF: Final = 4
_FD_LENGTHS: Final = frozenset(LENGTHS)
_NOT_STANDARD: Final = ID_MASK & ~STANDARD_MASK


def to_socket(frame: Frame) -> bytes:
    """The bytes to write to a raw socket."""
    header = frame.header
    data = frame.data
    if header & FD:
        flags = _FLAG_FDF
        if header & BRS:
            flags |= _FLAG_BRS
        if header & ESI:
            flags |= _FLAG_ESI
        return _FD.pack(header & _WORD, len(data), flags, data)
    return _CLASSIC.pack(header & _WORD, len(data), data)


def from_socket(packet: bytes) -> Frame | None:
    """The frame of one read from a raw socket; None for what is no CAN or CAN FD frame (CAN XL, damaged)."""
    size = len(packet)
    if size == CAN_MTU:
        word, length, _ = _HEAD.unpack_from(packet)
        if length > 8:
            return None
        flags = 0
    elif size == CANFD_MTU:
        word, length, flags = _HEAD.unpack_from(packet)
        if length not in _FD_LENGTHS or word & (REMOTE | ERROR):
            return None
    else:
        return None
    if word & ERROR:
        return Frame(ERROR | word & ID_MASK, packet[8 : 8 + length])
    header = word if word & EXTENDED else word & ~_NOT_STANDARD
    if size == CANFD_MTU:
        header |= FD
        if flags & _FLAG_BRS:
            header |= BRS
        if flags & _FLAG_ESI:
            header |= ESI
    return Frame(header, b"" if header & REMOTE else packet[8 : 8 + length])


# Error frames: the class is a bit set in the identifier, details are in the data

_ARBITRATION_LOST: Final = 0x002
_CONTROLLER: Final = 0x004
_PROTOCOL: Final = 0x008
_NO_ACK: Final = 0x020
_BUS_OFF: Final = 0x040
_BUS_ERROR: Final = 0x080
_RESTARTED: Final = 0x100
_OVERFLOWS: Final = 0x01 | 0x02
_WARNING: Final = 0x04 | 0x08
_PASSIVE: Final = 0x10 | 0x20
_ACTIVE_AGAIN: Final = 0x40


def trouble(frame: Frame) -> tuple[BusEventKind, str]:
    """What an error frame of the kernel tells."""
    code = frame.header & ID_MASK
    detail = frame.data[1] if len(frame.data) > 1 else 0
    counters = ""
    if len(frame.data) == 8 and frame.data[6] | frame.data[7]:
        counters = f" (TEC {frame.data[6]}, REC {frame.data[7]})"
    if code & _BUS_OFF:
        return BusEventKind.BUS_OFF, f"the interface is bus-off{counters}"
    if code & _RESTARTED:
        return BusEventKind.RECOVERED, "the controller was restarted"
    if code & _CONTROLLER and detail & _PASSIVE:
        return BusEventKind.ERROR_PASSIVE, f"the interface is error-passive{counters}"
    if code & _CONTROLLER and detail & _ACTIVE_AGAIN:
        return BusEventKind.RECOVERED, "the interface is error-active again"
    if code & _NO_ACK:
        return BusEventKind.NO_ACK, f"nobody acknowledged{counters}"
    return BusEventKind.ERROR, f"{_error(code, detail)}{counters}"


def _error(code: int, detail: int) -> str:
    if code & _CONTROLLER and detail & _OVERFLOWS:
        return "the controller's buffer overflowed"
    if code & _CONTROLLER and detail & _WARNING:
        return "the interface is at its error warning limit"
    names = {_ARBITRATION_LOST: "arbitration lost", _PROTOCOL: "protocol violation", _BUS_ERROR: "bus error"}
    told = [name for bit, name in names.items() if code & bit]
    return ", ".join(told) or f"error class 0x{code:X}"
