"""CAN frames and events in captures: pcapng written and read, pcap read."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final

from gateway.can.frame import Frame
from gateway.trace import exported_pdu, lin_packets, socketcan
from gateway.trace.errors import TraceError
from gateway.trace.files import Input
from gateway.trace.packets import PCAP_MAGIC, Packet, PcapngReader, PcapReader
from gateway.trace.pcap_blocks import Run
from gateway.trace.pcapng import (
    ENHANCED_PACKET,
    Flush,
    Interface,
    LinkType,
    PcapngWriter,
    packet_options,
)
from gateway.trace.reader import TraceReader
from gateway.trace.record import BusInfo, Direction, Event, Recorded, Severity
from gateway.trace.writer import TraceWriter

PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
EVENTS: Final = "gateway"
"""Name of the interface that carries events."""
TEMPLATES_MAX: Final = 1 << 16
HIGH_LIMIT: Final = 1 << 31
"""Of the upper half of a nanosecond time stamp: beyond, it does not fit 63 bits."""

_new_tuple = tuple.__new__
_times = struct.Struct("<II").pack


class CaptureWriter(TraceWriter):
    """Frames of `buses` into a pcapng stream, bus i as interface i. TraceError: the stream refuses, time below 0.

    The same calls give the same bytes. The interface for events comes into being with the first event;
    `add_interface` and `packet` write other links beside.
    """

    def __init__(
        self,
        stream: BinaryIO,
        buses: Sequence[BusInfo],
        comment: str = "",
        flush: Flush = Flush.CHUNKS,
    ) -> None:
        super().__init__()
        interfaces = [
            Interface(bus.name, LinkType.LIN if bus.lin else LinkType.CAN_SOCKETCAN, bus.description) for bus in buses
        ]
        self._lin = {index: bus for index, bus in enumerate(buses) if bus.lin}
        self._pcapng = PcapngWriter(stream, interfaces, comment, flush)
        self._append = self._pcapng.append
        self._buses = len(interfaces)
        self._events: int | None = None
        self._segments: dict[str, int] = {}
        self._templates: dict[int, tuple[bytes, bytes, bytes]] = {}
        """What is the same in all blocks of a frame header, length, direction and bus: before the time, between time
        and payload, after the payload."""
        self.add_interface = self._pcapng.add_interface
        self.packet = self._pcapng.packet
        self.flush = self._pcapng.flush

    def write(
        self,
        time_ns: int,
        bus: int,
        frame: Frame,
        comment: str = "",
        direction: Direction = Direction.UNKNOWN,
    ) -> None:
        data = frame.data
        if bus in self._lin:
            model = self._lin[bus].checksum_model(frame.header & lin_packets.ID_MASK)
            self.packet(bus, time_ns, lin_packets.to_packet(frame, model), comment, direction)
            return
        if comment:
            self._known(bus)
            self.packet(bus, time_ns, socketcan.to_packet(frame), comment, direction)
            return
        key = frame.header | len(data) << 35 | direction << 42 | bus << 44
        template = self._templates.get(key)
        if template is None:
            template = self._template(key, bus, frame, direction)
        before, between, after = template
        try:
            self._append(before + _times(time_ns >> 32, time_ns & 0xFFFFFFFF) + between + data + after)
        except struct.error:
            raise TraceError(f"pcapng holds times from 0 to 2^64-1 ns, not {time_ns}") from None

    def write_event(self, time_ns: int, text: str, severity: Severity = Severity.INFO) -> None:
        """Append an event; Wireshark shows it as a syslog message."""
        if self._events is None:
            self._events = self.add_interface(Interface(EVENTS, LinkType.WIRESHARK_UPPER_PDU, "events of the gateway"))
        self.packet(self._events, time_ns, exported_pdu.to_packet(text, severity))

    def write_ethernet(self, time_ns: int, segment: str, data: bytes) -> None:
        """Append an Ethernet frame; a segment's interface comes into being with its first one."""
        interface = self._segments.get(segment)
        if interface is None:
            interface = self.add_interface(Interface(segment, LinkType.ETHERNET, "Ethernet"))
            self._segments[segment] = interface
        self.packet(interface, time_ns, data)

    def close(self) -> None:
        self._pcapng.close()

    def _known(self, bus: int) -> None:
        if not 0 <= bus < self._buses:
            raise IndexError(f"there is no bus {bus}")

    def _template(self, key: int, bus: int, frame: Frame, direction: Direction) -> tuple[bytes, bytes, bytes]:
        self._known(bus)
        length = len(frame.data)
        captured = socketcan.HEAD + length
        options = packet_options("", direction)
        padding = bytes(-length % 4)
        total = 32 + captured + len(padding) + len(options)
        template = (
            struct.pack("<III", ENHANCED_PACKET, total, bus),
            struct.pack("<II", captured, captured) + socketcan.packet_head(frame.header, length),
            padding + options + struct.pack("<I", total),
        )
        if len(self._templates) >= TEMPLATES_MAX:
            self._templates.clear()
        self._templates[key] = template
        return template


class CaptureReader(TraceReader):
    """The frames and events of a pcapng or pcap file, told apart by their first bytes."""

    def __init__(self, source: Input) -> None:
        super().__init__(source)
        magic = source.peek(4)
        if magic == PCAPNG_MAGIC:
            self.capture: PcapngReader | PcapReader = PcapngReader(source, self.skipped)
            self.comment = self.capture.blocks.comment
        elif magic in PCAP_MAGIC:
            self.capture = PcapReader(source)
        else:
            raise TraceError("is neither pcapng nor pcap: it begins with other bytes", file=source.name)

    @property
    def buses(self) -> tuple[str, ...]:
        if isinstance(self.capture, PcapReader):
            interfaces = [self.capture.interface]
        else:
            interfaces = self.capture.blocks.all_interfaces
        names = [interface.name for interface in interfaces if interface.link_type in _FRAMES]
        return tuple(dict.fromkeys(names))

    def packets(self) -> Iterator[Packet]:
        """All packets, of whatever link type. Iterate either these or the records."""
        yield from self.capture.packets()
        self.problem = self.capture.problem

    def _records(self) -> Iterator[Recorded | Event]:
        found = False
        for record in self._decoded():
            found = True
            yield record
        self.problem = self.capture.problem
        if not found:
            raise self.nothing()

    def _decoded(self) -> Iterator[Recorded | Event]:
        if isinstance(self.capture, PcapngReader):
            for run in self.capture.runs():
                yield from self._of_run(self.capture, run)
            return
        for packet in self.capture.packets():
            record = self.record(packet)
            if record is not None:
                yield record

    def _of_run(self, capture: PcapngReader, run: Run) -> Iterator[Recorded | Event]:
        """The records of a run. Blocks that are plain and differ from one seen before in time and payload only are
        decoded in one step; all others with `record`."""
        data = run.data
        times = struct.Struct(run.order + "II").unpack_from
        plain: dict[bytes, tuple[str, int, int]] = {}
        for position in run.offsets:
            same = data[position : position + 12] + data[position + 20 : position + 36]
            known = plain.get(same)
            if known is not None:
                high, low = times(data, position + 12)
                if high < HIGH_LIMIT:
                    name, header, end = known
                    frame = Frame(header, data[position + 36 : position + end])
                    yield _new_tuple(Recorded, (high << 32 | low, name, frame, "", Direction.UNKNOWN))
                    continue
            packet = capture.packet(run, position)
            record = None if packet is None else self.record(packet)
            if packet is None or record is None:
                continue
            yield record
            can = packet.interface.link_type == LinkType.CAN_SOCKETCAN
            if can and isinstance(record, Recorded) and _is_plain(run, position, packet):
                plain[same] = (record.bus, record.frame.header, 36 + len(record.frame.data))

    def record(self, packet: Packet) -> Recorded | Event | None:
        """What a packet holds; None (and counted in `skipped`) when that is no frame and no event."""
        time_ns, interface, data, comment, direction = packet
        decode = _FRAMES.get(interface.link_type)
        if decode is not None:
            try:
                frame = decode(data)
            except socketcan.UnfitError as reason:
                self.skipped[str(reason)] += 1
                return None
            return Recorded(time_ns, interface.name, frame, comment, direction)
        if interface.link_type == LinkType.WIRESHARK_UPPER_PDU:
            event = exported_pdu.from_packet(time_ns, data)
            if event is not None:
                return event
        self.skipped[_link_name(interface.link_type)] += 1
        return None


_FRAMES: Final[dict[int, Callable[[bytes], Frame]]] = {
    LinkType.CAN_SOCKETCAN: socketcan.from_packet,
    LinkType.LIN: lin_packets.from_packet,
}
"""Link types that have frames."""


def _is_plain(run: Run, position: int, packet: Packet) -> bool:
    """Whether the block is an enhanced packet of a nanosecond clock without options."""
    kind, total = struct.unpack_from(run.order + "II", run.data, position)
    captured, clock = len(packet.data), packet.interface
    fills = total == 32 + captured + (-captured & 3)
    return kind == ENHANCED_PACKET and fills and clock.per_second == 1_000_000_000 and not clock.offset_s


def _link_name(link_type: int) -> str:
    try:
        return f"packet of link type {link_type} ({LinkType(link_type).name})"
    except ValueError:
        return f"packet of link type {link_type}"
