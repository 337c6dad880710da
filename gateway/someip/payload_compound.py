"""Arrays and structures in payloads; where their elements are numbers, all at once."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from gateway.someip.errors import PayloadError
from gateway.someip.payload import READ, Basic, ByteOrder, Layout, Sized, Tree


class Array(Sized):
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
        self._form = (element.order.value, READ[element.name]) if isinstance(element, Basic) else None

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
        found = struct.unpack_from(f"{order}{count}{sign}", data, position)
        return [bool(each & 1) for each in found] if self.element.name == "bool" else list(found), after


class Struct(Sized):
    """Members by name, one after the other; neighbours that are numbers of one byte order are read at once."""

    __slots__ = ("_bools", "_form", "_names", "members")

    def __init__(
        self, members: Sequence[tuple[str, Layout]], *, length_bytes: int = 0, order: ByteOrder = ByteOrder.BIG
    ) -> None:
        super().__init__(length_bytes, order)
        self.members = tuple(members)
        self._names = tuple(name for name, _ in members)
        basics = [layout for _, layout in members if isinstance(layout, Basic)]
        orders = {layout.order for layout in basics}
        self._bools = [name for name, layout in members if isinstance(layout, Basic) and layout.name == "bool"]
        self._form: struct.Struct | None = None
        if basics and len(basics) == len(self.members) and len(orders) == 1:
            self._form = struct.Struct(basics[0].order.value + "".join(READ[layout.name] for layout in basics))

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
            found = dict(zip(self._names, form.unpack_from(data, position), strict=True))
            for name in self._bools:
                found[name] = bool(found[name] & 1)
            return found, position + form.size
        values: dict[str, Tree] = {}
        for name, layout in self.members:
            try:
                values[name], position = layout.get(data, position, end)
            except PayloadError as error:
                raise PayloadError(f"{name}: {error.sentence}") from None
        return values, position


EMPTY: Final = Struct(())
"""The payload without any bytes."""
