"""Payload types as they are written: `uint16`, `string`, `string(20)`, `utf16`, `float32[4]`, `uint8[]`, `Name[]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.errors import nearest
from gateway.someip.errors import PayloadError
from gateway.someip.payload import BASIC, LONGEST, Basic, ByteOrder, Layout
from gateway.someip.payload_compound import Array
from gateway.someip.payload_text import Encoding, Text

_TYPE: Final = re.compile(r"([A-Za-z_]\w*)(?:\((\d{1,7})\))?((?:\[\d{0,7}\])*)")
_DIMENSION: Final = re.compile(r"\[(\d*)\]")
_TEXTS: Final = {"string": Encoding.UTF8, "utf8": Encoding.UTF8, "utf16": Encoding.UTF16}
LENGTH_BYTES: Final = (1, 2, 4)


def parse_type(
    text: str,
    *,
    named: Mapping[str, Layout] | None = None,
    order: ByteOrder = ByteOrder.BIG,
    length_bytes: int = 4,
) -> Layout:
    """The layout of a type. PayloadError, with the nearest name, for one that is none.

    `string(20)` fills 20 bytes; `[4]` is an array of four, `[]` one with a length field of `length_bytes`.
    `named`: structures by name.
    """
    found = _TYPE.fullmatch(text.strip())
    if found is None:
        raise PayloadError(f"{text!r} is no type: write it like uint16, string, string(20), float32[4] or uint8[]")
    name, size, dimensions = found.groups()
    layout = _scalar(name, size, named or {}, order, length_bytes)
    for dimension in _DIMENSION.findall(dimensions):
        count = int(dimension) if dimension else None
        if count is not None and not 1 <= count <= LONGEST:
            raise PayloadError(f"{text!r}: an array has 1 to {LONGEST} elements")
        layout = Array(layout, count, length_bytes=length_bytes, order=order)
    return layout


def _scalar(name: str, size: str | None, named: Mapping[str, Layout], order: ByteOrder, length_bytes: int) -> Layout:
    if name in _TEXTS:
        bytes_ = None if size is None else int(size)
        if bytes_ is not None and not 1 <= bytes_ <= LONGEST:
            raise PayloadError(f"{name}({size}): a string has 1 to {LONGEST} bytes")
        return Text(_TEXTS[name], size=bytes_, length_bytes=length_bytes, order=order)
    if size is not None:
        raise PayloadError(f"{name}({size}): only a string has a size; an array of {size} is {name}[{size}]")
    if name in BASIC:
        return Basic(name, order)
    if name in named:
        return named[name]
    known = [*BASIC, *_TEXTS, *named]
    near = nearest(name, known) or f"; there are {', '.join(known)}"
    raise PayloadError(f"there is no type {name!r}{near}")
