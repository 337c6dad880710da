"""Payload layouts: values to bytes and back (AUTOSAR PRS_SOMEIPProtocol, 4.1.4).

Basic types of either byte order; strings (UTF-8 or UTF-16 with byte order mark and terminating zero) and arrays, of a
fixed size or with a length field that counts bytes; structures of all of these. Bytes after a known layout are passed
over, so that a peer may have a newer one; too few are a PayloadError.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
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


class Encoding(Enum):
    """How text is written; the value is its byte order mark in big-endian order."""

    UTF8 = b"\xef\xbb\xbf"
    UTF16 = b"\xfe\xff"


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
        self._unpack = form.unpack_from

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


class _Sized(Layout):
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


class Text(_Sized):
    """A string; with `size` it fills exactly so many bytes, otherwise its length field says how many."""

    __slots__ = ("_codec", "_mark", "_zero", "encoding", "size")

    def __init__(
        self,
        encoding: Encoding = Encoding.UTF8,
        *,
        size: int | None = None,
        length_bytes: int = 4,
        order: ByteOrder = ByteOrder.BIG,
    ) -> None:
        super().__init__(0 if size is not None else length_bytes, order)
        self.encoding = encoding
        self.size = size
        wide = encoding is Encoding.UTF16
        self._codec = ("utf-16-be" if order is ByteOrder.BIG else "utf-16-le") if wide else "utf-8"
        self._mark = encoding.value if order is ByteOrder.BIG or not wide else encoding.value[::-1]
        self._zero = b"\0\0" if wide else b"\0"

    def put_body(self, value: Tree, out: bytearray) -> None:
        if not isinstance(value, str):
            raise PayloadError(f"{value!r:.60} is no text")
        try:
            body = self._mark + value.encode(self._codec) + self._zero
        except UnicodeEncodeError:
            raise PayloadError(f"{value!r:.60} cannot be written as {self.encoding.name}") from None
        if self.size is not None:
            if len(body) > self.size:
                raise PayloadError(f"{value!r:.60} needs {len(body)} bytes, and its string has {self.size}")
            body = body.ljust(self.size, b"\0")
        out += body

    def get_body(self, data: bytes, position: int, end: int) -> tuple[Tree, int]:
        if self.size is not None:
            if position + self.size > end:
                raise PayloadError(f"the string at byte {position} needs {self.size} bytes; {end - position} are left")
            end = position + self.size
        body, codec = data[position:end], self._codec
        if body.startswith(self.encoding.value):
            codec = "utf-16-be" if self.encoding is Encoding.UTF16 else "utf-8"
            body = body[len(self.encoding.value) :]
        elif self.encoding is Encoding.UTF16 and body.startswith(b"\xff\xfe"):
            codec, body = "utf-16-le", body[2:]
        try:
            text, zero, _ = body.decode(codec).partition("\0")
        except UnicodeDecodeError:
            raise PayloadError(f"the string at byte {position} is not {self.encoding.name}") from None
        if not zero:
            raise PayloadError(f"the string at byte {position} does not end with a zero")
        return text, end


class Array(_Sized):
    """Elements of one layout: exactly `count` of them, or as many as there are in the length field's bytes."""

    __slots__ = ("_form", "count", "element")

    def __init__(
        self,
        element: Layout,
        count: int | None = None,
        *,
        length_bytes: int = 4,
        order: ByteOrder = ByteOrder.BIG,
    ) -> None:
        super().__init__(0 if count is not None else length_bytes, order)
        self.element = element
        self.count = count
        self._form = (element.order.value, BASIC[element.name]) if isinstance(element, Basic) else None

    def put_body(self, value: Tree, out: bytearray) -> None:
        if not isinstance(value, list | tuple):
            raise PayloadError(f"{value!r:.60} is no list")
        if self.count is not None and len(value) != self.count:
            raise PayloadError(f"an array of {self.count} elements cannot have {len(value)}")
        for item in value:
            self.element.put(item, out)

    def get_body(self, data: bytes, position: int, end: int) -> tuple[Tree, int]:
        if self._form is not None:
            return self._basics(data, position, end)
        values: list[Tree] = []
        while position < end if self.count is None else len(values) < self.count:
            value, after = self.element.get(data, position, end)
            if after == position and self.count is None:
                raise PayloadError(f"the array at byte {position} has elements without bytes")
            values.append(value)
            position = after
        return values, position

    def _basics(self, data: bytes, position: int, end: int) -> tuple[Tree, int]:
        """All elements at once: they are numbers."""
        assert isinstance(self.element, Basic) and self._form is not None
        size = self.element.size
        count = self.count
        if count is None:
            count, rest = divmod(end - position, size)
            if rest:
                raise PayloadError(f"the array at byte {position} has {end - position} bytes, no multiple of {size}")
        after = position + count * size
        if after > end:
            raise PayloadError(f"the array at byte {position} needs {count * size} bytes; {end - position} are left")
        order, sign = self._form
        return list(struct.unpack_from(f"{order}{count}{sign}", data, position)), after


class Struct(_Sized):
    """Members by name, one after the other; neighbours that are numbers of one byte order are read at once."""

    __slots__ = ("_form", "_names", "members")

    def __init__(
        self, members: Sequence[tuple[str, Layout]], *, length_bytes: int = 0, order: ByteOrder = ByteOrder.BIG
    ) -> None:
        super().__init__(length_bytes, order)
        self.members = tuple(members)
        self._names = tuple(name for name, _ in members)
        basics = [layout for _, layout in members if isinstance(layout, Basic)]
        orders = {layout.order for layout in basics}
        self._form: struct.Struct | None = None
        if basics and len(basics) == len(self.members) and len(orders) == 1:
            self._form = struct.Struct(basics[0].order.value + "".join(BASIC[layout.name] for layout in basics))

    def put_body(self, value: Tree, out: bytearray) -> None:
        if not isinstance(value, dict):
            raise PayloadError(f"{value!r:.60} is no structure; it takes {', '.join(self._names)}")
        for name, layout in self.members:
            if name not in value:
                raise PayloadError(f"the structure lacks its member {name!r}")
            try:
                layout.put(value[name], out)
            except PayloadError as error:
                raise PayloadError(f"{name}: {error.sentence}") from None

    def get_body(self, data: bytes, position: int, end: int) -> tuple[Tree, int]:
        form = self._form
        if form is not None and position + form.size <= end:
            return dict(zip(self._names, form.unpack_from(data, position), strict=True)), position + form.size
        values: dict[str, Tree] = {}
        for name, layout in self.members:
            try:
                values[name], position = layout.get(data, position, end)
            except PayloadError as error:
                raise PayloadError(f"{name}: {error.sentence}") from None
        return values, position


EMPTY: Final = Struct(())
"""The payload without any bytes."""
