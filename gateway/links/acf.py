"""CAN and LIN frames in IEEE 1722 AVTPDUs: the AVTP control format (ACF) in NTSCF, and TSCF as it is received.

Source: IEEE 1722-2016, 9.2 to 9.4 and annex J (over UDP a counter of 4 bytes stands before the AVTPDU). All numbers
are big-endian. Knows no socket.

    NTSCF   subtype 0x82, sv 1 bit, version 3, r 1, data length 11, sequence 8, stream identifier 64
    ACF     type 7 bits, length in quadlets with this header 9, then by type:
    CAN     pad 2, mtv 1, rtr 1, eff 1, brs 1, fdf 1, esi 1, rsv 3, bus 5, timestamp 64 (not in the brief form),
            rsv 3, identifier 29, data
    LIN     pad 2, mtv 1, bus 5, identifier 8, timestamp 64, data
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from gateway.can.frame import BRS, ESI, EXTENDED, FD, ID_MASK, LENGTHS, REMOTE, Frame
from gateway.links.errors import RecordError

ETHERTYPE: Final = 0x22F0
UDP_PORT: Final = 17220
TSCF: Final = 0x05
NTSCF: Final = 0x82
LARGEST: Final = 1400
"""Bytes of ACF messages in one AVTPDU: with all headers it fits an Ethernet frame of 1500."""
_CAN, _CAN_BRIEF, _LIN = 1, 2, 3
_NTSCF_HEAD: Final = struct.Struct(">BHB8s")
_TSCF_HEAD: Final = struct.Struct(">BBBB8sIIHH")
_ACF_HEAD: Final = struct.Struct(">HBB")
_STREAM_VALID: Final = 0x8000
_VERSION_MASK: Final = 0x7000
_LENGTH_MASK: Final = 0x7FF
_MTV, _RTR, _EFF, _BRS, _FDF, _ESI = 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
_STANDARD_MASK: Final = 0x7FF
_BUS_MASK: Final = 0x1F
_FD_LENGTHS: Final = frozenset(LENGTHS)


class Form(Enum):
    """With or without the message's timestamp."""

    FULL = "full"
    BRIEF = "brief"


class CanMessage(NamedTuple):
    """A CAN frame of one of 32 buses. `time_ns` 0: no valid timestamp."""

    bus: int
    frame: Frame
    time_ns: int = 0


class LinMessage(NamedTuple):
    """A LIN frame of one of 32 buses. `identifier`: the 6-bit identifier with its parity bits, as on the wire."""

    bus: int
    identifier: int
    data: bytes
    time_ns: int = 0


class Avtpdu(NamedTuple):
    """What one AVTPDU carries. `others`: messages of types that are not known here."""

    sequence: int
    stream: bytes
    messages: tuple[CanMessage | LinMessage, ...]
    others: int


def encode_can(message: CanMessage, form: Form = Form.FULL) -> bytes:
    """An ACF message. A remote frame has no data."""
    header, data = message.frame.header, message.frame.data
    flags = (_RTR if header & REMOTE else 0) | (_EFF if header & EXTENDED else 0)
    if header & FD:
        flags |= _FDF | (_BRS if header & BRS else 0) | (_ESI if header & ESI else 0)
    identifier = (header & ID_MASK).to_bytes(4, "big")
    if form is Form.BRIEF:
        return _acf(_CAN_BRIEF, flags, message.bus & _BUS_MASK, identifier, data)
    flags |= _MTV if message.time_ns else 0
    return _acf(_CAN, flags, message.bus & _BUS_MASK, message.time_ns.to_bytes(8, "big") + identifier, data)


def encode_lin(message: LinMessage) -> bytes:
    """An ACF message."""
    flags = (_MTV if message.time_ns else 0) | message.bus & _BUS_MASK
    return _acf(_LIN, flags, message.identifier, message.time_ns.to_bytes(8, "big"), message.data)


def _acf(kind: int, flags: int, last: int, head: bytes, data: bytes) -> bytes:
    pad = -len(data) % 4
    quadlets = (_ACF_HEAD.size + len(head) + len(data) + pad) // 4
    return _ACF_HEAD.pack(kind << 9 | quadlets, pad << 6 | flags, last) + head + data + bytes(pad)


def ntscf(parts: Sequence[bytes], sequence: int, stream: bytes) -> bytes:
    """An AVTPDU with these ACF messages. `stream`: 8 bytes."""
    data = b"".join(parts)
    return _NTSCF_HEAD.pack(NTSCF, _STREAM_VALID | len(data), sequence & 0xFF, stream) + data


def decode(data: bytes) -> Avtpdu:
    """What an AVTPDU carries, padding of Ethernet behind it left out. Raises `RecordError` for one that is not right."""
    if not data:
        raise RecordError("an empty AVTPDU")
    if data[0] == NTSCF:
        return _decode_ntscf(data)
    if data[0] == TSCF:
        return _decode_tscf(data)
    raise RecordError(f"AVTP subtype 0x{data[0]:02X}, which is neither NTSCF nor TSCF")


def _decode_ntscf(data: bytes) -> Avtpdu:
    if len(data) < _NTSCF_HEAD.size:
        raise RecordError("an AVTPDU shorter than its head")
    _, word, sequence, stream = _NTSCF_HEAD.unpack_from(data)
    if word & _VERSION_MASK:
        raise RecordError(f"AVTP version {(word & _VERSION_MASK) >> 12}; this is 0")
    return _avtpdu(data, _NTSCF_HEAD.size, word & _LENGTH_MASK, sequence, stream)


def _decode_tscf(data: bytes) -> Avtpdu:
    if len(data) < _TSCF_HEAD.size:
        raise RecordError("an AVTPDU shorter than its head")
    _, flags, sequence, _, stream, _, _, length, _ = _TSCF_HEAD.unpack_from(data)
    if flags & 0x70:
        raise RecordError(f"AVTP version {(flags & 0x70) >> 4}; this is 0")
    return _avtpdu(data, _TSCF_HEAD.size, length, sequence, stream)


def _avtpdu(data: bytes, at: int, length: int, sequence: int, stream: bytes) -> Avtpdu:
    end = at + length
    if end > len(data):
        raise RecordError("an AVTPDU that ends before its last message")
    messages = []
    others = 0
    for message in _messages(data, at, end):
        if message is None:
            others += 1
        else:
            messages.append(message)
    return Avtpdu(sequence, stream, tuple(messages), others)


def _messages(data: bytes, at: int, end: int) -> Iterator[CanMessage | LinMessage | None]:
    while at < end:
        if at + _ACF_HEAD.size > end:
            raise RecordError("an ACF message shorter than its head")
        word, flags, last = _ACF_HEAD.unpack_from(data, at)
        size = 4 * (word & 0x1FF)
        if size < _ACF_HEAD.size or at + size > end:
            raise RecordError(f"an ACF message of {size} bytes where there are {end - at}")
        yield _message(word >> 9, flags, last, data[at + _ACF_HEAD.size : at + size])
        at += size


def _message(kind: int, flags: int, last: int, body: bytes) -> CanMessage | LinMessage | None:
    """One message, from what stands behind its head; None for a type that is not known here."""
    if kind == _CAN:
        return _can(flags, last, *_timed(flags, body))
    if kind == _CAN_BRIEF:
        return _can(flags, last, 0, body)
    if kind == _LIN:
        time_ns, body = _timed(flags, body)
        data = _unpadded(flags, body)
        if len(data) > 8:
            raise RecordError(f"a LIN frame of {len(data)} bytes")
        return LinMessage(flags & _BUS_MASK, last, data, time_ns)
    return None


def _timed(flags: int, body: bytes) -> tuple[int, bytes]:
    if len(body) < 8:
        raise RecordError("an ACF message that ends in its timestamp")
    return (int.from_bytes(body[:8], "big") if flags & _MTV else 0), body[8:]


def _can(flags: int, last: int, time_ns: int, body: bytes) -> CanMessage:
    if len(body) < 4:
        raise RecordError("an ACF message that ends in its identifier")
    identifier = int.from_bytes(body[:4], "big") & ID_MASK
    data = _unpadded(flags, body[4:])
    if not flags & _EFF and identifier > _STANDARD_MASK:
        raise RecordError("an identifier of more than 11 bits in a frame that is not extended")
    header = identifier | (EXTENDED if flags & _EFF else 0)
    if flags & _FDF:
        if len(data) not in _FD_LENGTHS or flags & _RTR:
            raise RecordError("a CAN FD frame that cannot be")
        header |= FD | (BRS if flags & _BRS else 0) | (ESI if flags & _ESI else 0)
    elif flags & _RTR:
        header, data = header | REMOTE, b""
    elif len(data) > 8:
        raise RecordError(f"a classic frame of {len(data)} bytes")
    return CanMessage(last & _BUS_MASK, Frame(header, data), time_ns)


def _unpadded(flags: int, data: bytes) -> bytes:
    pad = flags >> 6
    if pad > len(data):
        raise RecordError("an ACF message with more padding than data")
    return data[: len(data) - pad]
