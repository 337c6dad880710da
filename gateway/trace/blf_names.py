"""What a BLF file says of its channels' names: AppText objects of the kind "channel", as Vector's tools write them and
Wireshark reads them. python-can has none of it.

Behind an object's head: kind (4 bytes), the channel's number in bits 8 to 15 and its bus type in bits 16 to 23 (4), length
of the text (4), reserved (4), all little-endian; then the text, pairs of a database's path and a name, with ; between.
"""

from __future__ import annotations

import struct
from typing import Final

APP_TEXT: Final = 65
_CHANNEL: Final = 1
_CAN: Final = 1
_HEAD: Final = struct.Struct("<LLLL")
_OBJECT: Final = struct.Struct("<4sHHLL")


def channel_text(number: int, name: str) -> bytes:
    """What stands behind the head of an AppText object; filled up, because readers differ in how objects are aligned."""
    text = f";{name.replace(';', ',')}".encode()
    return _HEAD.pack(_CHANNEL, number << 8 | _CAN << 16, len(text), 0) + text + bytes(-len(text) % 4)


def channel_name(data: bytes, position: int) -> tuple[int, str] | None:
    """Number (from 1) and name of a channel, of the object at `position`; None where it tells none, or not whole."""
    _, head, _, size, kind = _OBJECT.unpack_from(data, position)
    start = position + head
    if kind != APP_TEXT or size < head + _HEAD.size or position + size > len(data):
        return None
    what, channel, length, _ = _HEAD.unpack_from(data, start)
    text = data[start + _HEAD.size : min(start + _HEAD.size + length, position + size)]
    names = [name.strip() for name in text.decode(errors="replace").rstrip("\0").split(";")[1::2]]
    name = next(filter(None, names), "")
    return (channel >> 8 & 0xFF, name) if what == _CHANNEL and name else None
