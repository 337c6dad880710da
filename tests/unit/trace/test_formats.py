"""Every format by its file ending: what is written is read again, as exactly as the format allows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.can.frame import BRS, ERROR, EXTENDED, FD, REMOTE, Frame
from gateway.trace import (
    READ_ENDINGS,
    BusInfo,
    Direction,
    Recorded,
    TraceError,
    load_columns,
    open_reader,
    open_writer,
)

BUSES = (BusInfo("powertrain", 500_000), BusInfo("chassis", 500_000, 2_000_000))
TODAY_NS = 1_598_827_794_745_895_123
KINDS = (
    Frame(0x123, b"\x01\x02\x03"),
    Frame(0x124, b""),
    Frame(EXTENDED | 0x123, b"12345678"),
    Frame(REMOTE | 0x55, b""),
    Frame(REMOTE | EXTENDED | 0x55, b""),
    Frame(FD | BRS | 0x321, bytes(range(64))),
    Frame(FD | 0x7, b""),
    Frame(FD | 0x8, b"\x01"),
    Frame(ERROR, b""),
)
WRITABLE = (".pcapng", ".pcapng.gz", ".log", ".log.gz", ".asc", ".asc.gz", ".blf", ".trc", ".trc.gz", ".csv", ".csv.gz")


def write(path: Path, entries: list[tuple[int, int, Frame, Direction]]) -> None:
    with open_writer(path, BUSES) as writer:
        for time_ns, bus, frame, direction in entries:
            writer.write(time_ns, bus, frame, "", direction)


def some(start_ns: int, frames: tuple[Frame, ...] = KINDS) -> list[tuple[int, int, Frame, Direction]]:
    return [
        (start_ns + number * 1_234_567, number & 1, frame, Direction(1 + number % 2))
        for number, frame in enumerate(frames)
    ]


@pytest.mark.parametrize("start_ns", [0, 5_000, TODAY_NS])
@pytest.mark.parametrize(
    ("ending", "resolution_ns"), [(".pcapng", 1), (".log", 1000), (".asc", 1000), (".blf", 1), (".mf4", 1000)]
)
def test_frames_of_all_kinds_come_back(tmp_path, ending, resolution_ns, start_ns):
    if ending == ".mf4":
        pytest.importorskip("asammdf", reason="needs asammdf: pip install 'vehicle-gateway[mf4]'")
    path = tmp_path / f"drive{ending}"
    entries = some(start_ns)
    write(path, entries)

    read = list(open_reader(path))

    names = ("powertrain", "chassis")
    assert [(item.bus, item.frame, item.direction) for item in read if not item.frame.header & ERROR] == [
        (names[bus], frame, direction) for _, bus, frame, direction in entries if not frame.header & ERROR
    ]
    assert [item.frame.header & ERROR for item in read] == [frame.header & ERROR for _, _, frame, _ in entries]
    for item, (time_ns, *_) in zip(read, entries, strict=True):
        assert abs(item.time_ns - time_ns) < resolution_ns


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_blf_keeps_every_frame_and_nanosecond(tmp_path, seen, data):
    path = tmp_path / "drive.blf"
    entries = data.draw(seen)
    write(path, entries)

    assert list(open_reader(path)) == [
        Recorded(time_ns, ("powertrain", "chassis")[bus], frame, "", direction_in_blf(frame, direction))
        for time_ns, bus, frame, direction in entries
    ]


def direction_in_blf(frame: Frame, direction: Direction) -> Direction:
    """BLF knows sent and received, and no direction of error frames."""
    return Direction.TX if direction == Direction.TX and not frame.header & ERROR else Direction.RX


@pytest.mark.parametrize("start_ns", [0, 5_000, TODAY_NS])
@pytest.mark.parametrize(("ending", "names"), [(".trc", ("powertrain", "chassis")), (".csv", ("can1", "can1"))])
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_classic_frames_come_back_from_formats_that_have_only_those(
    tmp_path, classic_frames, ending, names, start_ns, data
):
    path = tmp_path / f"drive{ending}"
    entries = some(start_ns, tuple(data.draw(st.lists(classic_frames, min_size=1, max_size=20))))
    write(path, entries)

    read = list(open_reader(path))

    assert [(item.bus, item.frame) for item in read] == [(names[bus], frame) for _, bus, frame, _ in entries]
    for item, (time_ns, *_) in zip(read, entries, strict=True):
        assert abs(item.time_ns - time_ns) < 1000


@pytest.mark.parametrize(("ending", "left_out"), [(".trc", 6), (".csv", 3)])
def test_what_a_format_cannot_hold_is_counted(tmp_path, ending, left_out):
    path = tmp_path / f"drive{ending}"
    with open_writer(path, BUSES) as writer:
        for time_ns, bus, frame, _ in some(0):
            writer.write(time_ns, bus, frame)

    assert writer.skipped.total() == left_out
    assert len(list(open_reader(path))) == len(KINDS) - left_out


@pytest.mark.parametrize("ending", WRITABLE)
def test_the_same_frames_give_the_same_bytes(tmp_path, ending):
    (tmp_path / "again").mkdir()
    first, second = tmp_path / f"drive{ending}", tmp_path / "again" / f"drive{ending}"
    write(first, some(TODAY_NS))
    write(second, some(TODAY_NS))

    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("ending", WRITABLE)
def test_columns_hold_the_same_frames(tmp_path, ending):
    path = tmp_path / f"drive{ending}"
    write(path, some(0))

    columns = load_columns(path)
    read = list(open_reader(path))

    assert [(item.time_ns, item.bus, item.frame.header, len(item.frame.data)) for item in read] == [
        (time_ns, columns.buses[bus], header, length)
        for time_ns, bus, header, length in zip(
            *(columns.times.tolist(), columns.bus.tolist(), columns.header.tolist(), columns.length.tolist()),
            strict=True,
        )
    ]


@pytest.mark.parametrize("ending", WRITABLE)
def test_progress_ends_with_the_file(tmp_path, ending):
    path = tmp_path / f"drive{ending}"
    write(path, some(0))

    with open_reader(path) as reader:
        list(reader)

        assert reader.size == path.stat().st_size
        assert reader.position == reader.size


@pytest.mark.parametrize("ending", READ_ENDINGS)
class TestBadFiles:
    def test_an_empty_file_is_an_error(self, tmp_path, ending):
        path = tmp_path / f"drive{ending}"
        path.touch()

        with pytest.raises(TraceError, match="is empty") as fault:
            open_reader(path)

        assert fault.value.file == str(path)

    def test_a_missing_file_is_an_error(self, tmp_path, ending):
        with pytest.raises(TraceError, match="cannot be opened: No such file"):
            open_reader(tmp_path / f"drive{ending}")

    def test_a_folder_is_an_error(self, tmp_path, ending):
        path = tmp_path / f"drive{ending}"
        path.mkdir()

        with pytest.raises(TraceError, match="cannot be opened: Is a directory"):
            open_reader(path)

    def test_garbage_is_an_error_that_names_the_file(self, tmp_path, ending):
        if ending == ".mf4":
            pytest.importorskip("asammdf", reason="needs asammdf: pip install 'vehicle-gateway[mf4]'")
        path = tmp_path / f"drive{ending}"
        path.write_bytes(bytes(range(256)) * 20)

        with pytest.raises(TraceError) as fault:
            list(open_reader(path))

        assert fault.value.file == str(path)


def test_bad_lines_of_an_asc_file_are_told_and_the_rest_is_read(tmp_path):
    path = tmp_path / "drive.asc"
    write(path, some(0, KINDS[:3]))
    lines = path.read_text().splitlines(keepends=True)
    lines[7:7] = [" 0.000500 1  XYZ             Rx   d 1 00\n"]
    path.write_text("".join(lines))

    reader = open_reader(path)

    assert [item.frame for item in reader] == list(KINDS[:3])
    assert reader.problem.startswith("1 line was not understood and left out: line 8: ValueError")


def test_an_unknown_ending_names_the_known_ones(tmp_path):
    with pytest.raises(TraceError, match=r"'\.pcapn' cannot be read \(did you mean '\.pcapng'\?\); the formats are"):
        open_reader(tmp_path / "drive.pcapn")
    with pytest.raises(TraceError, match=r"write \.pcapng instead"):
        open_writer(tmp_path / "drive.pcap", BUSES)
    with pytest.raises(TraceError, match="without a file ending"):
        open_reader(tmp_path / "drive")


@pytest.mark.parametrize("ending", [".blf.gz", ".mf4.gz"])
def test_a_compressed_format_is_not_compressed_again(tmp_path, ending):
    with pytest.raises(TraceError, match=r"leave out \.gz|needs the package asammdf"):
        open_writer(tmp_path / f"drive{ending}", BUSES)


@pytest.mark.parametrize("ending", WRITABLE)
def test_a_folder_that_does_not_exist_is_an_error(tmp_path, ending):
    with pytest.raises(TraceError, match="cannot be written: No such file"):
        open_writer(tmp_path / "missing" / f"drive{ending}", BUSES)


@pytest.mark.parametrize("ending", [".asc", ".blf", ".trc", ".csv", ".log"])
def test_bus_indices_and_times_are_checked(tmp_path, ending):
    with open_writer(tmp_path / f"drive{ending}", BUSES) as writer:
        with pytest.raises(IndexError):
            writer.write(0, 2, KINDS[0])
        with pytest.raises(TraceError, match="below 0"):
            writer.write(-1, 0, KINDS[0])


def test_a_compressed_file_that_was_cut_gives_its_frames(tmp_path):
    path = tmp_path / "drive.log.gz"
    write(path, some(0, KINDS * 200))
    path.write_bytes(path.read_bytes()[:-20])

    reader = open_reader(path)

    assert len(list(reader)) > 0
    assert "gzip data is damaged or ends early" in reader.problem


def test_without_asammdf_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    path = tmp_path / "drive.mf4"
    path.write_bytes(b"MDF ")

    with pytest.raises(TraceError, match=r"pip install 'vehicle-gateway\[mf4\]'"):
        open_reader(path)


def test_importing_the_room_loads_neither_python_can_nor_numpy():
    code = "import sys, gateway.trace; print(sorted({'can', 'numpy', 'gzip'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_blf_object_of_no_length_ends_the_reading(tmp_path):
    import struct

    path = tmp_path / "drive.blf"
    write(path, some(0))
    head = path.read_bytes()[:144]
    frame = struct.pack("<4sHHLL", b"LOBJ", 32, 1, 48, 1) + struct.pack("<LHHQ", 2, 0, 0, 5)
    frame += struct.pack("<HBBL8s", 1, 0, 2, 0x123, b"\x01\x02")
    endless = struct.pack("<4sHHLL", b"LOBJ", 32, 9, 0, 0) + bytes(32)

    def container(data: bytes) -> bytes:
        return struct.pack("<4sHHLL", b"LOBJ", 16, 1, 32 + len(data), 10) + struct.pack("<H6xL4x", 0, len(data)) + data

    path.write_bytes(head + container(frame) + container(frame + endless))

    reader = open_reader(path)

    assert [item.frame for item in reader] == [Frame(0x123, b"\x01\x02")]
    assert "reading stopped after frame 1" in reader.problem
    assert "an object claims to be 0 bytes long" in reader.problem


def test_a_damaged_head_of_ours_counts_as_none(tmp_path):
    path = tmp_path / "drive.asc"
    write(path, some(0, KINDS[:2]))
    path.write_text(path.read_text().replace('"start_ns": 0', '"start_ns": 1e999'))

    assert [(item.bus, item.frame) for item in open_reader(path)] == [("can1", KINDS[0]), ("can2", KINDS[1])]
