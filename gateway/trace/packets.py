"""The packets of a pcapng or pcap file, of any link type, one by one."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from gateway.trace.errors import TraceError
from gateway.trace.files import Input
from gateway.trace.pcap_blocks import BlockReader, ByteOrder, Run, SourceInterface, options
from gateway.trace.pcapng import (
    ENHANCED_PACKET,
    EPB_FLAGS,
    OBSOLETE_PACKET,
    OPT_COMMENT,
    SIMPLE_PACKET,
)
from gateway.trace.record import Direction

PCAP_MAGIC: Final[dict[bytes, tuple[ByteOrder, int]]] = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}
"""First four bytes of a pcap file: byte order and ticks a second."""
PCAP_HEAD: Final = 24
PCAP_PACKET_MAX: Final = 1 << 26

TIME_LIMIT: Final = 1 << 63
DIRECTIONS: Final = (Direction.UNKNOWN, Direction.RX, Direction.TX, Direction.UNKNOWN)


class Packet(NamedTuple):
    """One packet as it was captured, on whatever link."""

    time_ns: int
    interface: SourceInterface
    data: bytes
    comment: str = ""
    direction: Direction = Direction.UNKNOWN


class PacketDecoder:
    """Makes packets of the blocks of a run; counts in `skipped` what is none."""

    def __init__(self, skipped: Counter[str]) -> None:
        self.skipped = skipped

    def packets(self, run: Run) -> Iterator[Packet]:
        for position in run.offsets:
            packet = self.packet(run, position)
            if packet is not None:
                yield packet

    def packet(self, run: Run, position: int) -> Packet | None:
        """The packet of the block at `position`; None when it is another kind of block or damaged."""
        data = run.data
        if position + 24 > len(data):
            return self._short(run, position)
        kind, total, index, high, low, captured = _PACKET_HEAD[run.order](data, position)
        if kind == OBSOLETE_PACKET:
            index = struct.unpack_from(run.order + "H", data, position + 8)[0]
        elif kind != ENHANCED_PACKET:
            return self._short(run, position)
        start = position + 28
        end = start + captured
        block_end = position + total - 4
        if end > block_end:
            self.skipped["packet longer than its block"] += 1
            return None
        if index >= len(run.interfaces):
            self.skipped["packet of an interface that is not described"] += 1
            return None
        interface = run.interfaces[index]
        ticks = high << 32 | low
        time_ns = (
            ticks if interface.per_second == 1_000_000_000 and not interface.offset_s else interface.time_ns(ticks)
        )
        if not -TIME_LIMIT <= time_ns < TIME_LIMIT:
            self.skipped["time stamp beyond the year 2262"] += 1
            return None
        first_option = end + (-captured & 3)
        if first_option < block_end:
            comment, direction = _said(data[first_option:block_end], run.order)
            return Packet(time_ns, interface, data[start:end], comment, direction)
        return Packet(time_ns, interface, data[start:end])

    def _short(self, run: Run, position: int) -> Packet | None:
        """The packet of a simple packet block, which knows no time: it is 0."""
        kind, total = struct.unpack_from(run.order + "II", run.data, position)
        if kind != SIMPLE_PACKET:
            return None
        if total < 16 or not run.interfaces:
            self.skipped["packet of an interface that is not described"] += 1
            return None
        interface = run.interfaces[0]
        length = min(struct.unpack_from(run.order + "I", run.data, position + 8)[0], total - 16)
        if interface.snap_length:
            length = min(length, interface.snap_length)
        return Packet(0, interface, run.data[position + 12 : position + 12 + length])


_PACKET_HEAD: Final = {order: struct.Struct(order + "IIIIII").unpack_from for order in ("<", ">")}


def _said(data: bytes, order: ByteOrder) -> tuple[str, Direction]:
    comments = []
    direction = Direction.UNKNOWN
    for code, value in options(data, order):
        if code == OPT_COMMENT:
            comments.append(value.decode("utf-8", "replace"))
        elif code == EPB_FLAGS and len(value) == 4:
            direction = DIRECTIONS[struct.unpack(order + "I", value)[0] & 3]
    return "\n".join(comments), direction


class PcapReader:
    """The packets of an old pcap file (draft-ietf-opsawg-pcap); its one interface is called `can0`."""

    def __init__(self, source: Input) -> None:
        self.source = source
        head = source.read(PCAP_HEAD)
        if len(head) < PCAP_HEAD:
            raise TraceError("ends within its header", file=source.name)
        self._order, per_second = PCAP_MAGIC[head[:4]]
        offset_s, _, snap_length, link_type = struct.unpack(self._order + "iIII", head[8:])
        self.interface = SourceInterface("can0", link_type & 0xFFFF, snap_length, per_second, -offset_s)
        self.problem: str | None = None

    def packets(self) -> Iterator[Packet]:
        source, interface = self.source, self.interface
        head = struct.Struct(self._order + "IIII")
        position = PCAP_HEAD
        while len(start := source.read(head.size)) == head.size:
            seconds, fraction, captured, _ = head.unpack(start)
            if captured > PCAP_PACKET_MAX:
                self.problem = f"the packet at byte {position} is damaged (it claims {captured} bytes)"
                return
            data = source.read(captured)
            if len(data) < captured:
                break
            yield Packet(interface.time_ns(seconds * interface.per_second + fraction), interface, data)
            position += head.size + captured
        else:
            if not start and source.damage is None:
                return
        self.problem = source.damage or f"the file ends within a packet that begins at byte {position}"


class PcapngReader:
    """The packets of a pcapng file. The head of the file is read at once, so that its interfaces are known."""

    def __init__(self, source: Input, skipped: Counter[str]) -> None:
        self.blocks = BlockReader(source)
        self._decoder = PacketDecoder(skipped)
        self._runs = self.blocks.runs()
        self._first = next(self._runs, None)

    def runs(self) -> Iterator[Run]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
            yield from self._runs

    def packets(self) -> Iterator[Packet]:
        for run in self.runs():
            yield from self._decoder.packets(run)

    def packet(self, run: Run, position: int) -> Packet | None:
        return self._decoder.packet(run, position)

    @property
    def problem(self) -> str | None:
        return self.blocks.problem
