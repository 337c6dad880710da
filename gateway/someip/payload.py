"""Payload layouts: values to bytes and back (AUTOSAR PRS_SOMEIPProtocol, 4.1.4).

Here: basic types of either byte order, and what has a length field before it that counts bytes. Beside it: strings
(`payload_text`), arrays and structures of all of these (`payload_compound`). Bytes after a known layout are passed over, so
that a peer may have a newer one; too few are a PayloadError.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, Final

from gateway.someip.errors import PayloadError

Tree = bool | int | float | str | list[Any] | dict[str, Any]
"""What a payload holds: lists for arrays, dictionaries by member for structures."""
LONGEST: Final = 1 << 20
"""Elements of one array, bytes of one string."""


class ByteOrder(Enum):
    """The order of bytes; the value is struct's sign for it."""

    BIG = ">"
    LITTLE = "<"


BASIC: Final = {
    "bool": "?",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "float32": "f",
    "float64": "d",
}
"""The basic types and how struct writes them."""
READ: Final = {**BASIC, "bool": "B"}
"""And how it reads them: of a boolean only the lowest bit counts, the others are passed over (PRS_SOMEIP_00615)."""
_LENGTHS: Final = {1: "B", 2: "H", 4: "I"}


class Layout(ABC):
    """How a value lies in a payload."""

    __slots__ = ()

    @abstractmethod
    def put(self, value: Tree, out: bytearray) -> None:
        """Append a value. PayloadError when the layout cannot hold it."""

    @abstractmethod
    def get(self, data: bytes, position: int, end: int) -> tuple[Tree, int]:
        """The value at a position and where it ends. PayloadError when there are too few bytes before `end`."""

    def encode(self, value: Tree) -> bytes:
        """The payload of a value. PayloadError when the layout cannot hold it."""
        out = bytearray()
        self.put(value, out)
        return bytes(out)

    def decode(self, data: bytes) -> Tree:
        """The value of a payload. PayloadError when it is too short or damaged."""
        return self.get(data, 0, len(data))[0]


class Basic(Layout):
    """A number or a boolean."""

    __slots__ = ("_pack", "_unpack", "name", "order", "size")

    def __init__(self, name: str, order: ByteOrder = ByteOrder.BIG) -> None:
        form = struct.Struct(order.value + BASIC[name])
        self.name = name
        self.order = order
        self.size = form.size
        self._pack = form.pack
        self._unpack = _bool_at if name == "bool" else form.unpack_from

    @property
    def whole(self) -> bool:
        """It holds whole numbers only."""
        return not self.name.startswith(("float", "bool"))

    def put(self, value: Tree, out: bytearray) -> None:
        out += self.encode(value)

    def encode(self, value: Tree) -> bytes:
        if value.__class__ is str:
            raise PayloadError(f"{value!r:.60} does not fit into {self.name}")
        try:
            return self._pack(value)
        except (struct.error, OverflowError, TypeError):
            raise PayloadError(f"{value!r:.60} does not fit into {self.name}") from None

    def get(self, data: bytes, position: int, end: int) -> tuple[Tree, int]:
        after = position + self.size
        if after > end:
            raise PayloadError(f"{self.name} at byte {position} needs {self.size} bytes, and {end - position} are left")
        return self._unpack(data, position)[0], after


def _bool_at(data: bytes, position: int) -> tuple[bool]:
    return (bool(data[position] & 1),)


class Sized(Layout):
    """What has a length field of 0 (none), 1, 2 or 4 bytes before it, which counts bytes."""

    __slots__ = ("_length_form",)

    def __init__(self, length_bytes: int, order: ByteOrder) -> None:
        self._length_form = struct.Struct(order.value + _LENGTHS[length_bytes]) if length_bytes else None

    def put(self, value: Tree, out: bytearray) -> None:
        if self._length_form is None:
            self.put_body(value, out)
            return
        body = bytearray()
        self.put_body(value, body)
        try:
            out += self._length_form.pack(len(body))
        except struct.error:
            raise PayloadError(
                f"{len(body)} bytes are too long for a length field of {self._length_form.size} bytes"
            ) from None
        out += body

    def get(self, data: bytes, position: int, end: int) -> tuple[Tree, int]:
        form = self._length_form
        if form is None:
            return self.get_body(data, position, end)
        if position + form.size > end:
            raise PayloadError(f"the length field at byte {position} is cut short")
        start = position + form.size
        after = start + form.unpack_from(data, position)[0]
        if after > end:
            raise PayloadError(
                f"the length field at byte {position} claims {after - start} bytes; {end - start} follow"
            )
        return self.get_body(data, start, after)[0], after

    @abstractmethod
    def put_body(self, value: Tree, out: bytearray) -> None:
        """Append what comes after the length field."""

    @abstractmethod
    def get_body(self, data: bytes, position: int, end: int) -> tuple[Tree, int]:
        """The value, and where it ends where there is no length field."""
