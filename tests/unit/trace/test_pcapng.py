"""pcapng: what is written is read again, and every file of others that the format allows is understood."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.can.frame import BRS, EXTENDED, FD, REMOTE, Frame
from gateway.trace import (
    BusInfo,
    CaptureReader,
    CaptureWriter,
    Direction,
    Event,
    Flush,
    Interface,
    LinkType,
    PcapngWriter,
    Recorded,
    Severity,
    TraceError,
)
from gateway.trace.files import Input

BUSES = (BusInfo("powertrain", 500_000), BusInfo("chassis", 500_000, 2_000_000))
FRAME = Frame(0x123, b"\x01\x02\x03")
PACKET = bytes.fromhex("00000123 03000000 010203")


def reader_of(data: bytes) -> CaptureReader:
    return CaptureReader(Input(io.BytesIO(data), "drive.pcapng", len(data)))


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    total = len(body) + 12
    return struct.pack(order + "II", kind, total) + body + struct.pack(order + "I", total)


def section(order: str = "<") -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str = "<", link_type: int = 227, options: bytes = b"", snap_length: int = 0) -> bytes:
    return block(order, 1, struct.pack(order + "HHI", link_type, 0, snap_length) + options)


def packet(ticks: int, data: bytes = PACKET, index: int = 0, order: str = "<", options: bytes = b"") -> bytes:
    head = struct.pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(order, 6, head + data + bytes(-len(data) % 4) + options)


class TestRoundTrip:
    @given(data=st.data())
    def test_frames_come_back_with_time_bus_direction_and_comment(self, seen, data):
        entries = data.draw(seen)
        comments = data.draw(st.lists(st.text(max_size=20), min_size=len(entries), max_size=len(entries)))
        stream = io.BytesIO()
        writer = CaptureWriter(stream, BUSES, "said at the start")
        for (time_ns, bus, frame, direction), comment in zip(entries, comments, strict=True):
            writer.write(time_ns, bus, frame, comment, direction)
        writer.flush()

        reader = reader_of(stream.getvalue())

        assert list(reader) == [
            Recorded(time_ns, BUSES[bus].name, frame, comment, direction)
            for (time_ns, bus, frame, direction), comment in zip(entries, comments, strict=True)
        ]
        assert reader.problem is None
        assert not reader.skipped
        assert reader.comment == "said at the start"

    @given(text=st.text(max_size=200), severity=st.sampled_from(Severity))
    def test_events_come_back_between_the_frames(self, text, severity):
        stream = io.BytesIO()
        writer = CaptureWriter(stream, BUSES)
        writer.write(1, 0, FRAME)
        writer.write_event(2, text, severity)
        writer.write(3, 1, FRAME)
        writer.flush()

        records = list(reader_of(stream.getvalue()).records())

        assert records == [
            Recorded(1, "powertrain", FRAME),
            Event(2, text, severity),
            Recorded(3, "chassis", FRAME),
        ]

    def test_buses_are_known_before_the_first_frame(self):
        stream = io.BytesIO()
        writer = CaptureWriter(stream, BUSES)
        writer.write_event(2, "starts")
        writer.flush()

        assert reader_of(stream.getvalue()).buses == ("powertrain", "chassis")

    def test_more_frame_headers_than_the_writer_remembers(self):
        stream = io.BytesIO()
        writer = CaptureWriter(stream, BUSES)
        for identifier in range(70_000):
            writer.write(identifier, 0, Frame(EXTENDED | identifier, b""))
        writer.flush()

        identifiers = [recorded.frame.arbitration_id for recorded in reader_of(stream.getvalue())]

        assert identifiers == list(range(70_000))


class TestWriter:
    def test_a_frame_is_one_enhanced_packet_with_the_identifier_in_network_order(self):
        stream = io.BytesIO()
        writer = CaptureWriter(stream, BUSES)
        writer.flush()
        start = len(stream.getvalue())

        writer.write(0x1_0000_0002, 1, Frame(FD | BRS | EXTENDED | 0x12345678, bytes(12)))
        writer.flush()

        # Type 6, 60 bytes, interface 1, time high and low, captured and original length, canfd_frame, length again.
        assert stream.getvalue()[start:] == (
            struct.pack("<IIIIIII", 6, 52, 1, 1, 2, 20, 20)
            + bytes.fromhex("92345678 0c 05 0000")
            + bytes(12)
            + struct.pack("<I", 52)
        )

    def test_the_same_calls_give_the_same_bytes(self):
        def written() -> bytes:
            stream = io.BytesIO()
            writer = CaptureWriter(stream, BUSES, '{"seed": 7}')
            for number in range(100):
                writer.write(number, number & 1, FRAME, "first" if number == 0 else "")
            writer.write_event(100, "ends")
            writer.flush()
            return stream.getvalue()

        assert written() == written()

    def test_a_live_stream_has_each_packet_at_once(self):
        stream = io.BytesIO()
        writer = CaptureWriter(stream, BUSES, flush=Flush.EACH_PACKET)
        for number in range(3):
            writer.write(number, 0, FRAME)

            assert len(list(reader_of(stream.getvalue()))) == number + 1

    @pytest.mark.parametrize("comment", ["", "remark"])
    def test_a_time_below_zero_is_refused(self, comment):
        writer = CaptureWriter(io.BytesIO(), BUSES)

        with pytest.raises(TraceError, match="from 0 to"):
            writer.write(-1, 0, FRAME, comment)

    def test_a_bus_that_was_not_described_is_refused(self):
        writer = CaptureWriter(io.BytesIO(), BUSES)
        writer.write_event(0, "the interface of events is no bus")

        with pytest.raises(IndexError):
            writer.write(0, 2, FRAME)

    def test_a_comment_that_is_too_long_is_cut_at_a_character(self):
        stream = io.BytesIO()
        writer = CaptureWriter(stream, BUSES)
        writer.write(0, 0, FRAME, "x" + "é" * 40_000)
        writer.flush()

        (recorded,) = reader_of(stream.getvalue())

        assert recorded.comment == "x" + "é" * 32_767

    def test_a_full_disk_is_a_trace_error(self):
        class Full(io.RawIOBase):
            name = "drive.pcapng"

            def write(self, data: object) -> int:
                raise OSError(28, "No space left on device")

        writer = CaptureWriter(Full(), BUSES)
        writer.write(0, 0, FRAME)

        with pytest.raises(TraceError, match=r"drive\.pcapng: cannot be written: No space left"):
            writer.close()

    def test_closing_twice_is_allowed(self):
        writer = CaptureWriter(io.BytesIO(), BUSES)
        writer.close()
        writer.close()


class TestFilesOfOthers:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize(
        ("resolution", "offset_s", "ticks", "time_ns"),
        [
            (None, None, 1_598_827_794_745_895, 1_598_827_794_745_895_000),
            (6, None, 5, 5_000),
            (9, None, 5, 5),
            (12, None, 5_999, 5),
            (0, None, 5, 5_000_000_000),
            (0x80 | 20, None, 1 << 19, 500_000_000),
            (6, 10, 5, 10_000_005_000),
            (6, -1, 5, -999_995_000),
        ],
    )
    def test_clocks_of_any_resolution(self, order, resolution, offset_s, ticks, time_ns):
        options = b""
        if resolution is not None:
            options += struct.pack(order + "HHB3x", 9, 1, resolution)
        if offset_s is not None:
            options += struct.pack(order + "HHq", 14, 8, offset_s)
        data = section(order) + interface(order, options=options) + packet(ticks, order=order)

        (recorded,) = reader_of(data)

        assert recorded == Recorded(time_ns, "can0", FRAME)

    def test_sections_follow_each_other_with_interfaces_of_their_own(self):
        named = struct.pack(">HH", 2, 4) + b"body"
        data = section("<") + interface("<") + packet(1) + section(">") + interface(">", options=named)
        data += packet(2, order=">")

        reader = reader_of(data)

        assert [(recorded.time_ns, recorded.bus) for recorded in reader] == [(1_000, "can0"), (2_000, "body")]
        assert reader.buses == ("can0", "body")

    def test_a_simple_packet_belongs_to_the_first_interface_and_has_no_time(self):
        data = section() + interface() + block("<", 3, struct.pack("<I", len(PACKET)) + PACKET)

        assert list(reader_of(data)) == [Recorded(0, "can0", FRAME)]

    def test_the_obsolete_packet_block_is_read(self):
        head = struct.pack("<HHIIII", 0, 7, 0, 9, len(PACKET), len(PACKET))
        data = section() + interface() + block("<", 2, head + PACKET)

        assert list(reader_of(data)) == [Recorded(9_000, "can0", FRAME)]

    def test_unknown_blocks_are_passed_over(self):
        data = section() + block("<", 0x0BAD, b"whatever") + interface() + block("<", 5, bytes(12)) + packet(1)

        assert len(list(reader_of(data))) == 1

    def test_other_links_are_counted(self):
        data = section() + interface(link_type=1) + interface() + packet(1, bytes(60)) + packet(2, index=1)
        reader = reader_of(data)

        assert len(list(reader)) == 1
        assert reader.skipped == {"packet of link type 1 (ETHERNET)": 1}

    def test_other_links_are_among_the_packets(self):
        stream = io.BytesIO()
        writer = PcapngWriter(stream, [Interface("eth0", LinkType.ETHERNET), Interface("doors", LinkType.LIN)])
        writer.packet(0, 1, b"ethernet")
        writer.packet(1, 2, b"lin", "remark", Direction.RX)
        writer.flush()

        packets = list(reader_of(stream.getvalue()).packets())

        assert [(packet.time_ns, packet.interface.name, packet.data) for packet in packets] == [
            (1, "eth0", b"ethernet"),
            (2, "doors", b"lin"),
        ]
        assert (packets[1].comment, packets[1].direction) == ("remark", Direction.RX)

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"\0\0\1\x23", "packet too short for a CAN frame"),
            (PACKET[:-1], "CAN frame cut short"),
            (bytes.fromhex("00000123 09040000") + bytes(9), "length that CAN FD does not have"),
            (bytes.fromhex("40000123 00040000"), "remote frame in CAN FD, which has none"),
            (bytes.fromhex("00000123 80000000") + bytes(300), "CAN XL frame"),
        ],
    )
    def test_what_is_no_can_frame_is_counted_by_reason(self, data, reason):
        reader = reader_of(section() + interface() + packet(0, data) + packet(1))

        assert len(list(reader)) == 1
        assert reader.skipped == {reason: 1}

    def test_a_packet_of_more_than_eight_bytes_is_can_fd_even_without_its_flag(self):
        data = section() + interface() + packet(0, bytes.fromhex("00000123 0c000000") + bytes(12))

        (recorded,) = reader_of(data)

        assert recorded.frame == Frame(FD | 0x123, bytes(12))

    def test_a_remote_frame_asks_for_a_length_but_has_no_data(self):
        data = section() + interface() + packet(0, bytes.fromhex("40000123 08000000") + bytes(8))

        (recorded,) = reader_of(data)

        assert recorded.frame == Frame(REMOTE | 0x123, b"")

    @pytest.mark.parametrize(("order", "magic", "factor"), [
        ("<", 0xA1B2C3D4, 1000), (">", 0xA1B2C3D4, 1000), ("<", 0xA1B23C4D, 1), (">", 0xA1B23C4D, 1),
    ])  # fmt: skip
    def test_old_pcap_is_read(self, order, magic, factor):
        head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 227)
        data = head + struct.pack(order + "IIII", 3, 4, len(PACKET), len(PACKET)) + PACKET

        assert list(reader_of(data)) == [Recorded(3_000_000_000 + 4 * factor, "can0", FRAME)]


class TestDamage:
    WHOLE = section() + interface() + packet(1) + packet(2)

    @pytest.mark.parametrize("missing", [1, 4, 20, 43])
    def test_a_file_that_was_cut_gives_its_whole_frames_and_says_where_it_ends(self, missing):
        reader = reader_of(self.WHOLE[:-missing])

        assert len(list(reader)) == 1
        assert reader.problem == f"the file ends within a block that begins at byte {len(self.WHOLE) - 44}"

    def test_a_block_whose_lengths_differ_ends_the_reading(self):
        reader = reader_of(self.WHOLE[:-4] + b"\1\0\0\0" + packet(3))

        assert len(list(reader)) == 1
        assert "its two lengths differ" in reader.problem

    def test_a_file_without_frames_is_an_error(self):
        with pytest.raises(TraceError, match=r"drive\.pcapng: is empty"):
            list(reader_of(section() + interface()))

    def test_a_file_of_other_links_only_says_what_was_there(self):
        with pytest.raises(TraceError, match=r"no CAN frame \(2 skipped: packet of link type 189\)"):
            list(reader_of(section() + interface(link_type=189) + packet(0) + packet(1)))

    def test_garbage_is_an_error(self):
        with pytest.raises(TraceError, match="neither pcapng nor pcap"):
            reader_of(b"Hello, world")

    def test_a_packet_longer_than_its_block_is_counted(self):
        body = struct.pack("<IIIII", 0, 0, 0, 400, 400) + PACKET
        reader = reader_of(section() + interface() + block("<", 6, body) + packet(1))

        assert len(list(reader)) == 1
        assert reader.skipped == {"packet longer than its block": 1}

    def test_an_enormous_block_is_damage_and_not_waited_for(self):
        reader = reader_of(self.WHOLE + struct.pack("<II", 6, 0xFFFFFFF0) + bytes(100))

        assert len(list(reader)) == 2
        assert f"the block at byte {len(self.WHOLE)} is damaged" in reader.problem
