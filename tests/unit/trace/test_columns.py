"""Whole recordings as arrays: the same frames as one by one."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.can.frame import FD, Frame
from gateway.trace import BusInfo, CandumpReader, CandumpWriter, CaptureReader, CaptureWriter, TraceError
from gateway.trace.columns import Columns, load
from gateway.trace.files import Input

BUSES = (BusInfo("powertrain"), BusInfo("chassis"))


def source_of(data: bytes) -> Input:
    return Input(io.BytesIO(data), "drive", len(data))


def rows(columns: Columns) -> list[tuple[int, str, Frame]]:
    return [
        (time_ns, columns.buses[bus], Frame(header, data[:length].tobytes()))
        for time_ns, bus, header, length, data in zip(
            *(columns.times.tolist(), columns.bus.tolist(), columns.header.tolist(), columns.length.tolist()),
            columns.data,
            strict=True,
        )
    ]


@pytest.mark.parametrize("repeats", [1, 40])
@given(data=st.data())
def test_a_capture_gives_the_frames_that_were_written(seen, repeats, data):
    entries = data.draw(seen) * repeats
    stream = io.BytesIO()
    writer = CaptureWriter(stream, BUSES)
    for time_ns, bus, frame, direction in entries:
        writer.write(time_ns, bus, frame, "", direction)
    writer.flush()

    columns = load(CaptureReader(source_of(stream.getvalue())))

    assert rows(columns) == [(time_ns, BUSES[bus].name, frame) for time_ns, bus, frame, _ in entries]
    assert columns.data.shape[1] == (64 if any(len(frame.data) > 8 for _, _, frame, _ in entries) else 8)


@pytest.mark.parametrize("repeats", [1, 40])
@given(data=st.data())
def test_a_candump_log_gives_the_frames_that_were_written(seen, repeats, data):
    entries = data.draw(seen) * repeats
    stream = io.BytesIO()
    writer = CandumpWriter(stream, BUSES)
    for time_ns, bus, frame, direction in entries:
        writer.write(time_ns, bus, frame, "", direction)
    writer.flush()

    columns = load(CandumpReader(source_of(stream.getvalue())))

    assert rows(columns) == [(time_ns // 1000 * 1000, BUSES[bus].name, frame) for time_ns, bus, frame, _ in entries]


def test_buses_are_numbered_as_they_appear():
    text = b"".join(b"(0.000001) body 123#%02X\n" % number for number in range(20))
    text = b"(0.0) chassis 123##100\n" + text + b"(1.0) doors 123#R\n"

    columns = load(CandumpReader(source_of(text)))

    assert columns.buses == ("chassis", "body", "doors")
    assert columns.bus.tolist() == [0] + [1] * 20 + [2]


def test_bad_lines_are_told_as_when_reading_one_by_one():
    text = b"(0.000001) can0 123#00\nno\n\n" * 30

    columns = load(CandumpReader(source_of(text)))
    reader = CandumpReader(source_of(text))

    assert len(columns) == len(list(reader)) == 30
    assert columns.problem == reader.problem
    assert columns.problem.startswith("30 lines were not understood and left out: line 2: ")


def test_coarse_clocks_and_large_files_of_several_reads():
    stream = io.BytesIO()
    writer = CaptureWriter(stream, BUSES)
    for number in range(60_000):
        writer.write(number, number & 1, Frame(number & 0x7FF, bytes(number % 9)))
    writer.flush()
    assert len(stream.getvalue()) > 2 << 20

    columns = load(CaptureReader(source_of(stream.getvalue())))

    assert columns.times.tolist() == list(range(60_000))
    assert columns.length.tolist() == [number % 9 for number in range(60_000)]


def test_time_stamps_in_microseconds_become_nanoseconds():
    def block(kind: int, body: bytes) -> bytes:
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 227, 0, 0))
    data += block(6, struct.pack("<IIIII", 0, 1, 5, 8, 8) + bytes.fromhex("00000123 00040000"))

    columns = load(CaptureReader(source_of(data)))

    assert columns.times.tolist() == [((1 << 32) + 5) * 1000]
    assert columns.header.tolist() == [FD | 0x123]


@pytest.mark.parametrize("text", [b"\n", b"no\n"])
def test_nothing_is_an_error(text):
    with pytest.raises(TraceError):
        load(CandumpReader(source_of(text)))


@pytest.mark.parametrize("bus", ["can0", "b", "powertrain"])
@pytest.mark.parametrize("frame", ["123#0011", "00000123#0011", "123##1" + "00" * 12, "123#0011223344556677 R"])
def test_ordinary_lines_are_decoded_together(monkeypatch, bus, frame):
    text = f"(1598827794.745895) {bus} {frame}\n".encode() * 20
    one_by_one = list(CandumpReader(source_of(text)))
    monkeypatch.setattr("gateway.trace.candump_columns.parse_line", lambda line: pytest.fail("read by hand"))

    columns = load(CandumpReader(source_of(text)))

    assert rows(columns) == [(item.time_ns, item.bus, item.frame) for item in one_by_one]
