"""candump: its log format written and read, its screen format read."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, Frame
from gateway.trace import BusInfo, CandumpReader, CandumpWriter, Direction, Recorded, TraceError
from gateway.trace.files import Input

BUSES = (BusInfo("can0"), BusInfo("chassis 2"))


def reader_of(data: bytes) -> CandumpReader:
    return CandumpReader(Input(io.BytesIO(data), "drive.log", len(data)))


def frame_of(line: bytes) -> Frame:
    (recorded,) = reader_of(line)
    return recorded.frame


class TestLogLines:
    @pytest.mark.parametrize(
        ("text", "frame"),
        [
            (b"316#451B780C1B1F0071", Frame(0x316, bytes.fromhex("451B780C1B1F0071"))),
            (b"316#", Frame(0x316, b"")),
            (b"0001F334#11", Frame(EXTENDED | 0x1F334, b"\x11")),
            (b"316#R", Frame(REMOTE | 0x316, b"")),
            (b"00000316#R8", Frame(REMOTE | EXTENDED | 0x316, b"")),
            (b"316##0", Frame(FD | 0x316, b"")),
            (b"316##1aabb", Frame(FD | BRS | 0x316, b"\xaa\xbb")),
            (b"316##3" + b"00" * 12, Frame(FD | BRS | ESI | 0x316, bytes(12))),
            (b"316##5" + b"00" * 64, Frame(FD | BRS | 0x316, bytes(64))),
            (b"20000088#0000000000000000", Frame(ERROR | 0x88, bytes(8))),
        ],
    )
    def test_frames_of_every_kind(self, text, frame):
        assert frame_of(b"(0.0) can0 " + text) == frame

    @pytest.mark.parametrize(
        ("stamp", "time_ns"),
        [
            (b"1598827794.745895", 1_598_827_794_745_895_000),
            (b"1598827794.745895123", 1_598_827_794_745_895_123),
            (b"0000000000.000001", 1_000),
            (b"0.5", 500_000_000),
        ],
    )
    def test_times_are_exact(self, stamp, time_ns):
        (recorded,) = reader_of(b"(" + stamp + b") can0 316#")

        assert recorded.time_ns == time_ns

    @pytest.mark.parametrize(
        ("ending", "direction"), [(b"", Direction.UNKNOWN), (b" R", Direction.RX), (b" T", Direction.TX)]
    )
    def test_directions(self, ending, direction):
        (recorded,) = reader_of(b"(0.0) can0 316#11" + ending)

        assert recorded.direction is direction

    @pytest.mark.parametrize("end", [b"\n", b"\r\n"])
    def test_line_ends_of_both_kinds_and_empty_lines(self, end):
        reader = reader_of(end.join([b"(0.0) can0 316#11", b"", b"(1.0) can1 316#12", b""]))

        assert [recorded.bus for recorded in reader] == ["can0", "can1"]
        assert reader.problem is None


class TestScreenLines:
    @pytest.mark.parametrize(
        ("line", "recorded"),
        [
            (
                b" (000.001000)  vcan0  123   [8]  11 22 33 44 55 66 77 88",
                Recorded(1_000_000, "vcan0", Frame(0x123, bytes.fromhex("1122334455667788"))),
            ),
            (b" (000.000000)  vcan0  123   [0]", Recorded(0, "vcan0", Frame(0x123, b""))),
            (
                b" (000.000000)  vcan0  0001F334   [2]  41 42   'AB'",
                Recorded(0, "vcan0", Frame(EXTENDED | 0x1F334, b"AB")),
            ),
            (b" (000.000000)  vcan0  123   [3]  remote request", Recorded(0, "vcan0", Frame(REMOTE | 0x123, b""))),
            (
                b" (000.000000)  vcan0  RX B -  123  [08]  11 22 33 44 55 66 77 88",
                Recorded(0, "vcan0", Frame(FD | BRS | 0x123, bytes.fromhex("1122334455667788")), "", Direction.RX),
            ),
            (
                b" (2020-08-30 22:49:54.745895)  can0  TX - -  123   [1]  FF",
                Recorded(1_598_827_794_745_895_000, "can0", Frame(0x123, b"\xff"), "", Direction.TX),
            ),
            (
                b" (000.000000)  can0  20000088   [8]  00 00 00 00 00 00 00 00   ERRORFRAME",
                Recorded(0, "can0", Frame(ERROR | 0x88, bytes(8))),
            ),
        ],
    )
    def test_lines_as_the_screen_shows_them(self, line, recorded):
        assert list(reader_of(line)) == [recorded]


class TestBadLines:
    @pytest.mark.parametrize(
        "line",
        [
            b"(0.0) can0 316#1",
            b"(0.0) can0 316#1G",
            b"(0.0) can0 16#11",
            b"(0.0) can0 316#112233445566778899",
            b"(0.0) can0 316##1112233445566778899",
            b"(0.0) can0 FFF#",
            b"(-1.0) can0 316#11",
            b"(1_0.0) can0 316#11",
            b"(99999999999.0) can0 316#11",
            b"can0 316#11",
            b" (000.000000)  vcan0  123   [8]  11 22",
            b" (2020-13-30 22:49:54.745895)  can0  123   [1]  FF",
            b"\xff\xfe\x00",
        ],
    )
    def test_a_bad_line_is_told_with_its_number_and_the_rest_is_read(self, line):
        reader = reader_of(b"(0.0) can0 123#\n" + line + b"\n(1.0) can0 124#\n")

        assert [recorded.frame.arbitration_id for recorded in reader] == [0x123, 0x124]
        assert reader.problem.startswith("1 line was not understood and left out: line 2: ")
        assert reader.skipped.total() == 1

    def test_only_the_first_of_many_bad_lines_are_shown(self):
        reader = reader_of(b"(0.0) can0 123#\n" + b"no\n" * 1000)

        assert len(list(reader)) == 1
        assert reader.problem.startswith("1000 lines were not understood and left out: line 2: ")
        assert reader.problem.endswith(" and 995 more")

    def test_a_file_without_a_good_line_is_an_error(self):
        with pytest.raises(TraceError, match=r"drive\.log: 2 lines were not understood .*line 1: .*'Hello,'"):
            list(reader_of(b"Hello,\nworld\n"))

    def test_a_file_without_line_ends_is_read_in_pieces(self):
        with pytest.raises(TraceError, match="not understood"):
            list(reader_of(b"x" * 3_000_000))


class TestWriter:
    @given(data=st.data())
    def test_frames_come_back_to_the_microsecond(self, seen, data):
        entries = data.draw(seen)
        stream = io.BytesIO()
        writer = CandumpWriter(stream, BUSES)
        for time_ns, bus, frame, direction in entries:
            writer.write(time_ns, bus, frame, "", direction)
        writer.flush()

        names = ("can0", "chassis_2")

        assert list(reader_of(stream.getvalue())) == [
            Recorded(time_ns // 1000 * 1000, names[bus], frame, "", direction)
            for time_ns, bus, frame, direction in entries
        ]

    def test_lines_look_like_those_of_candump(self):
        stream = io.BytesIO()
        writer = CandumpWriter(stream, BUSES)
        writer.write(1_598_827_794_745_895_999, 0, Frame(0x316, b"\x45\x1b"))
        writer.write(1_000, 0, Frame(FD | BRS | EXTENDED | 0x316, b"\x45"), "", Direction.TX)
        writer.flush()

        assert stream.getvalue() == b"(1598827794.745895) can0 316#451B\n(0000000000.000001) can0 00000316##145 T\n"

    def test_what_the_format_cannot_hold_is_counted(self):
        writer = CandumpWriter(io.BytesIO(), BUSES)
        writer.write(0, 0, Frame(1, b""), "remark")
        writer.write_event(0, "starts")

        assert writer.skipped.total() == 2

    def test_a_time_below_zero_is_refused(self):
        with pytest.raises(TraceError, match="below 0"):
            CandumpWriter(io.BytesIO(), BUSES).write(-1, 0, Frame(1, b""))
