"""Strings in payloads: UTF-8 or UTF-16, with byte order mark and terminating zero (PRS_SOMEIPProtocol, 4.1.4.4)."""

from __future__ import annotations

from enum import Enum

from gateway.someip.errors import PayloadError
from gateway.someip.payload import ByteOrder, Sized, Tree


class Encoding(Enum):
    """How text is written; the value is its byte order mark in big-endian order."""

    UTF8 = b"\xef\xbb\xbf"
    UTF16 = b"\xfe\xff"


class Text(Sized):
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
