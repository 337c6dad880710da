"""cannelloni's datagrams: CAN frames over UDP (github.com/mguentner/cannelloni, doc/udp_format.md, version 2).

A datagram is version, operation, sequence number (a byte each) and the number of its frames (2 bytes, big-endian); a
frame is SocketCAN's identifier word (4 bytes, big-endian), its length, with the top bit set and a byte of flags behind
it when it is CAN FD, and its data, which a remote frame has none of. Knows no socket.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, LENGTHS, REMOTE, WORD_MASK, Frame
from gateway.links.errors import RecordError

VERSION: Final = 2
DATA: Final = 0
LARGEST: Final = 1472
"""Bytes of UDP in an Ethernet frame of 1500, as cannelloni has it."""
_HEAD: Final = struct.Struct(">BBBH")
_FRAME: Final = struct.Struct(">IB")
_FD_BIT: Final = 0x80
_FLAG_BRS: Final = 0x01
_FLAG_ESI: Final = 0x02
_STANDARD_MASK: Final = 0x7FF
_FD_LENGTHS: Final = frozenset(LENGTHS)


class Datagram(NamedTuple):
    """What one datagram carries."""

    sequence: int
    frames: tuple[Frame, ...]


def encode_frame(frame: Frame) -> bytes:
    """A frame as it stands in a datagram."""
    header, data = frame.header, frame.data
    if header & FD:
        flags = (_FLAG_BRS if header & BRS else 0) | (_FLAG_ESI if header & ESI else 0)
        return _FRAME.pack(header & WORD_MASK, len(data) | _FD_BIT) + bytes([flags]) + data
    return _FRAME.pack(header & WORD_MASK, len(data)) + data


def datagrams(frames: Iterable[Frame], sequence: int) -> Iterator[bytes]:
    """Datagrams that carry the frames in their order; the first has this sequence number, modulo 256."""
    parts: list[bytes] = []
    size = _HEAD.size
    for frame in frames:
        part = encode_frame(frame)
        if size + len(part) > LARGEST:
            yield _HEAD.pack(VERSION, DATA, sequence & 0xFF, len(parts)) + b"".join(parts)
            parts, size, sequence = [], _HEAD.size, sequence + 1
        parts.append(part)
        size += len(part)
    if parts:
        yield _HEAD.pack(VERSION, DATA, sequence & 0xFF, len(parts)) + b"".join(parts)


def decode(data: bytes) -> Datagram:
    """What a datagram carries. Raises `RecordError` for one that is not whole and right."""
    if len(data) < _HEAD.size:
        raise RecordError("a datagram shorter than its head")
    version, operation, sequence, count = _HEAD.unpack_from(data)
    if version != VERSION:
        raise RecordError(f"version {version} of cannelloni; this is {VERSION}")
    if operation != DATA:
        raise RecordError(f"operation {operation}, which is not DATA")
    frames = []
    at = _HEAD.size
    for _ in range(count):
        frame, at = decode_frame(data, at)
        frames.append(frame)
    if at != len(data):
        raise RecordError("bytes after the last frame")
    return Datagram(sequence, tuple(frames))


def frame_size(data: bytes | bytearray) -> int | None:
    """Bytes of the frame that `data` begins with; None while they are too few to tell."""
    if len(data) < _FRAME.size:
        return None
    word, length = _FRAME.unpack_from(data)
    return _FRAME.size + (1 if length & _FD_BIT else 0) + (0 if word & REMOTE else length & ~_FD_BIT)


def decode_frame(data: bytes, at: int) -> tuple[Frame, int]:
    """The frame at a place, and the place behind it. Raises `RecordError`."""
    if at + _FRAME.size > len(data):
        raise RecordError("a datagram that ends before its last frame")
    word, length = _FRAME.unpack_from(data, at)
    at += _FRAME.size
    flags = 0
    if length & _FD_BIT:
        if at >= len(data):
            raise RecordError("a datagram that ends before its last frame")
        flags = data[at]
        at += 1
    header = _header(word, length, flags)
    if header & REMOTE:
        return Frame(header, b""), at
    end = at + (length & ~_FD_BIT)
    if end > len(data):
        raise RecordError("a datagram that ends before its last frame")
    return Frame(header, data[at:end]), end


def _header(word: int, length: int, flags: int) -> int:
    if not word & (EXTENDED | ERROR) and word & ID_MASK > _STANDARD_MASK:
        raise RecordError("an identifier of more than 11 bits in a frame that is not extended")
    if not length & _FD_BIT:
        if length > 8:
            raise RecordError(f"a classic frame of {length} bytes")
        return word
    if length & ~_FD_BIT not in _FD_LENGTHS or word & (REMOTE | ERROR):
        raise RecordError("a CAN FD frame that cannot be")
    return word | FD | (BRS if flags & _FLAG_BRS else 0) | (ESI if flags & _FLAG_ESI else 0)
