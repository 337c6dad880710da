"""The blocks of a pcapng file, a large piece at a time: framing, sections and interfaces, but not the packets.

Both byte orders, several sections and interfaces of any resolution are understood. A `Run` is a piece of one section
that holds whole blocks only; what reads frames one by one and what reads a whole log with NumPy share it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.trace.files import Input
from gateway.trace.pcapng import (
    BYTE_ORDER,
    IF_NAME,
    IF_TSOFFSET,
    IF_TSRESOL,
    INTERFACE_DESCRIPTION,
    OPT_COMMENT,
    OPT_END,
    SECTION_HEADER,
)

READ_SIZE: Final = 1 << 20
BLOCK_MAX: Final = 1 << 26
"""A block that claims more than 64 MiB is damage, not data."""

ByteOrder = Literal["<", ">"]


@dataclass(frozen=True, slots=True)
class SourceInterface:
    """An interface as a file describes it; `per_second` ticks of its clock, times `offset_s` seconds later."""

    name: str
    link_type: int
    snap_length: int
    per_second: int
    offset_s: int

    def time_ns(self, ticks: int) -> int:
        """Nanoseconds of a time stamp, rounded down where the clock is finer."""
        return ticks * 1_000_000_000 // self.per_second + self.offset_s * 1_000_000_000


@dataclass(slots=True)
class Run:
    """Whole blocks of one section: where each begins in `data`. Section and interface blocks are left out."""

    order: ByteOrder
    data: bytes
    interfaces: list[SourceInterface]
    offsets: list[int] = field(default_factory=list)
    base: int = 0
    """Where `data` begins in the file."""


def options(data: bytes, order: ByteOrder) -> Iterator[tuple[int, bytes]]:
    """Code and value of each option; ends quietly where they are damaged."""
    head = struct.Struct(order + "HH")
    position = 0
    while position + 4 <= len(data):
        code, length = head.unpack_from(data, position)
        position += 4
        if code == OPT_END or position + length > len(data):
            return
        yield code, data[position : position + length]
        position += length + (-length % 4)


class BlockReader:
    """Walks the blocks of one file. `problem` tells what ended it before the file's end."""

    def __init__(self, source: Input) -> None:
        self.source = source
        self._order: ByteOrder = "<"
        self._base = 0
        self.interfaces: list[SourceInterface] = []
        self.all_interfaces: list[SourceInterface] = []
        """Those of all sections."""
        self.comment = ""
        self.problem: str | None = None

    def runs(self) -> Iterator[Run]:
        """All whole blocks of the file."""
        held = b""
        while self.problem is None:
            more = self.source.read(READ_SIZE)
            data = held + more if held else more
            position = 0
            while True:
                run = Run(self._order, data, self.interfaces, base=self._base)
                position, section_ends = self._walk(run, position)
                if run.offsets:
                    yield run
                if not section_ends:
                    break
            held = data[position:]
            self._base += position
            if not more:
                if self.problem is None:
                    self._ended(held)
                return

    def _ended(self, held: bytes) -> None:
        if self.source.damage is not None:
            self.problem = f"{self.source.damage}; what came before was read"
        elif held:
            self.problem = f"the file ends within a block that begins at byte {self._base}"

    def _walk(self, run: Run, position: int) -> tuple[int, bool]:
        """Note blocks of `run` until its data or its section ends; gives the position and whether it was the section.

        A section header that opens the data is taken in, and the run's byte order with it.
        """
        data, offsets, end = run.data, run.offsets, len(run.data)
        head, tail = _STRUCTS[run.order]
        while position + 12 <= end:
            kind, total = head(data, position)
            if kind == SECTION_HEADER:
                if offsets:
                    return position, True
                length = self._section(run, position)
                if length == 0:
                    return position, False
                position += length
                head, tail = _STRUCTS[run.order]
                continue
            if total < 12 or total & 3 or total > BLOCK_MAX:
                self.problem = f"the block at byte {self._base + position} is damaged (it claims {total} bytes)"
                return position, False
            following = position + total
            if following > end:
                return position, False
            if tail(data, following - 4)[0] != total:
                self.problem = f"the block at byte {self._base + position} is damaged (its two lengths differ)"
                return position, False
            if kind == INTERFACE_DESCRIPTION:
                self._interface(data[position + 8 : following - 4])
            else:
                offsets.append(position)
            position = following
        return position, False

    def _section(self, run: Run, position: int) -> int:
        """Take in a section header; gives its length, or 0 when it is not whole or damaged."""
        data = run.data
        magic = data[position + 8 : position + 12]
        for order in _ORDERS:
            if struct.unpack(order + "I", magic)[0] == BYTE_ORDER:
                break
        else:
            self.problem = f"the section header at byte {self._base + position} has no byte order mark"
            return 0
        total = int(struct.unpack_from(order + "I", data, position + 4)[0])
        if total < 28 or total & 3 or total > BLOCK_MAX:
            self.problem = f"the section header at byte {self._base + position} is damaged"
            return 0
        if position + total > len(data):
            return 0
        if not self.all_interfaces:
            texts = options(data[position + 24 : position + total - 4], order)
            comments = [value.decode("utf-8", "replace") for code, value in texts if code == OPT_COMMENT]
            self.comment = self.comment or "\n".join(comments)
        self._order = run.order = order
        self.interfaces = run.interfaces = []
        return total

    def _interface(self, body: bytes) -> None:
        order = self._order
        if len(body) < 8:
            self.problem = "an interface description is too short"
            return
        link_type, _, snap_length = struct.unpack_from(order + "HHI", body)
        name = f"can{len(self.interfaces)}"
        per_second, offset_s = 1_000_000, 0
        for code, value in options(body[8:], order):
            if code == IF_NAME and value:
                name = value.rstrip(b"\0").decode("utf-8", "replace")
            elif code == IF_TSRESOL and value:
                per_second = 1 << (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
            elif code == IF_TSOFFSET and len(value) == 8:
                offset_s = struct.unpack(order + "q", value)[0]
        interface = SourceInterface(name, link_type, snap_length, per_second, offset_s)
        self.interfaces.append(interface)
        self.all_interfaces.append(interface)


_ORDERS: Final[tuple[ByteOrder, ByteOrder]] = ("<", ">")
_STRUCTS: Final = {
    order: (struct.Struct(order + "II").unpack_from, struct.Struct(order + "I").unpack_from) for order in _ORDERS
}
