"""Recordings against the tools of the field: Wireshark, can-utils, python-can; and recordings of real cars."""

from __future__ import annotations

import csv
import io
import random
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import can
import pytest

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, LENGTHS, REMOTE, Frame
from gateway.trace import (
    BusInfo,
    CaptureWriter,
    Direction,
    Flush,
    Interface,
    LinkType,
    Severity,
    load_columns,
    open_reader,
    open_writer,
)

BUSES = (BusInfo("powertrain", 500_000), BusInfo("chassis", 500_000, 2_000_000))
DRIVES = Path(__file__).parents[2].parent / "shared" / "data" / "real-drives"
START_NS = 1_598_827_794_745_895_123
Entry = tuple[int, int, Frame, Direction]


def random_frames(count: int, seed: int) -> list[Entry]:
    """Frames of every kind on two buses, 1.000001 ms apart."""
    chance = random.Random(seed)
    entries = []
    for number in range(count):
        identifier = chance.choice((chance.randrange(0x800), EXTENDED | chance.randrange(1 << 29)))
        kind = chance.randrange(4)
        if kind == 0:
            frame = Frame(identifier | REMOTE, b"")
        elif kind == 1:
            frame = Frame(ERROR | chance.randrange(0x200), chance.randbytes(8))
        elif kind == 2:
            frame = Frame(
                identifier | FD | chance.choice((0, BRS, ESI, BRS | ESI)), chance.randbytes(chance.choice(LENGTHS))
            )
        else:
            frame = Frame(identifier, chance.randbytes(chance.randrange(9)))
        entries.append((START_NS + number * 1_000_001, chance.randrange(2), frame, Direction(chance.randrange(3))))
    return entries


def write(path: Path, entries: list[Entry]) -> None:
    with open_writer(path, BUSES, '{"seed": 7}') as writer:
        for time_ns, bus, frame, direction in entries:
            writer.write(time_ns, bus, frame, "", direction)


def fields_of(tshark: str, path: Path, *names: str) -> list[dict[str, str]]:
    """One dictionary a packet, with the values of these fields as tshark shows them."""
    command = [tshark, "-r", str(path), "-T", "fields", "-E", "header=y", "-E", "separator=,", "-E", "quote=d"]
    for name in names:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return list(csv.DictReader(io.StringIO(done.stdout)))


class TestWireshark:
    def test_shows_every_frame_as_it_was_written(self, require_tool: Callable[..., str], tmp_path):
        tshark = require_tool("tshark", package="tshark")
        path = tmp_path / "drive.pcapng"
        entries = random_frames(400, seed=1)
        write(path, entries)

        shown = fields_of(
            *(tshark, path, "frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction"),
            *("can.id", "can.flags.xtd", "can.flags.rtr", "can.flags.err", "can.len"),
            *("canfd.flags.brs", "canfd.flags.esi", "data.data", "_ws.malformed"),
        )

        assert len(shown) == len(entries)
        for packet, (time_ns, bus, frame, direction) in zip(shown, entries, strict=True):
            assert packet["frame.time_epoch"] == f"{time_ns // 10**9}.{time_ns % 10**9:09d}"
            assert packet["frame.interface_name"] == BUSES[bus].name
            assert int(packet["frame.packet_flags_direction"] or "0", 16) == direction
            assert packet["_ws.malformed"] == ""
            if frame.header & ERROR:
                assert packet["can.flags.err"] == "1"
                continue
            assert int(packet["can.id"]) == frame.arbitration_id
            assert packet["can.flags.xtd"] == ("1" if frame.extended else "0")
            if frame.remote:
                assert packet["can.flags.rtr"] == "1"
                continue
            assert packet["can.len"] == str(len(frame.data))
            assert bytes.fromhex(packet["data.data"]) == frame.data
            if frame.fd:
                assert packet["canfd.flags.brs"] == ("1" if frame.brs else "0")
                assert packet["canfd.flags.esi"] == ("1" if frame.header & ESI else "0")
            else:
                assert packet["canfd.flags.brs"] == ""

    def test_shows_events_as_syslog_messages_and_comments_on_frames(self, require_tool, tmp_path):
        tshark = require_tool("tshark", package="tshark")
        path = tmp_path / "drive.pcapng"
        with open_writer(path, BUSES) as writer:
            writer.write(1, 0, Frame(0x123, b"\x01"), "why: the route's filter")
            writer.write_event(2, "route powertrain.VehicleSpeed: dropped, queue full – é", Severity.WARNING)

        frame, event = fields_of(
            *(tshark, path, "frame.comment", "frame.interface_name", "frame.protocols"),
            *("syslog.msg", "syslog.level", "_ws.malformed"),
        )

        assert frame["frame.comment"] == "why: the route's filter"
        assert event["frame.interface_name"] == "gateway"
        assert event["frame.protocols"] == "exported_pdu:syslog"
        assert event["syslog.msg"] == "route powertrain.VehicleSpeed: dropped, queue full – é"
        assert event["syslog.level"] == "4"
        assert frame["_ws.malformed"] == event["_ws.malformed"] == ""

    def test_dissects_other_links_beside_can(self, require_tool, tmp_path):
        tshark = require_tool("tshark", package="tshark")
        path = tmp_path / "drive.pcapng"
        with path.open("wb") as stream, CaptureWriter(stream, BUSES) as writer:
            writer.write(1, 0, Frame(0x123, b"\x01"))
            ethernet = writer.add_interface(Interface("eth0", LinkType.ETHERNET))
            doors = writer.add_interface(Interface("doors", LinkType.LIN))
            writer.packet(ethernet, 2, bytes.fromhex("ffffffffffff 0200000000010806") + bytes(46))
            # LINKTYPE_LIN: format revision 1, length 2 in the upper bits, protected id, checksum, errors, payload.
            writer.packet(doors, 3, bytes.fromhex("01000000 20 50 00 00 aabb"))

        shown = fields_of(tshark, path, "frame.interface_name", "frame.protocols", "_ws.malformed")

        assert [(packet["frame.interface_name"], packet["frame.protocols"].split(":")[0]) for packet in shown] == [
            ("powertrain", "can"),
            ("eth0", "eth"),
            ("doors", "lin"),
        ]
        assert not any(packet["_ws.malformed"] for packet in shown)

    def test_follows_a_live_stream(self, require_tool):
        tshark = require_tool("tshark", package="tshark")
        command = [tshark, "-l", "-r", "-", "-T", "fields", "-e", "can.id"]
        viewer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with viewer, CaptureWriter(viewer.stdin, BUSES, flush=Flush.EACH_PACKET) as writer:
            # tshark reads ahead before it shows the first; the stream stays open until that was seen.
            for number in range(2000):
                writer.write(number, 0, Frame(0x100 + number % 8, b""))

            assert viewer.stdout.readline() == b"256\n"

    def test_capinfos_knows_the_writer_and_the_interfaces(self, require_tool, tmp_path):
        capinfos = require_tool("capinfos", package="tshark")
        path = tmp_path / "drive.pcapng"
        write(path, random_frames(50, seed=2))

        said = subprocess.run([capinfos, str(path)], capture_output=True, text=True, check=True, timeout=120).stdout

        assert "Number of packets:   50\n" in said
        assert "Capture application: vehicle-gateway" in said
        assert 'Capture comment:     {"seed": 7}' in said
        assert "Name = chassis" in said
        assert "Time precision = nanoseconds (9)" in said

    @pytest.mark.parametrize("kind", ["pcapng", "nsecpcap", "pcap"])
    def test_what_wireshark_writes_is_read(self, require_tool, tmp_path, kind):
        editcap = require_tool("editcap", package="tshark")
        ours, theirs = tmp_path / "drive.pcapng", tmp_path / "theirs.pcapng"
        entries = random_frames(200, seed=3)
        write(ours, entries)
        subprocess.run([editcap, "-F", kind, str(ours), str(theirs)], check=True, timeout=120, capture_output=True)

        read = list(open_reader(theirs))

        finest = 1000 if kind == "pcap" else 1
        assert [(item.time_ns, item.frame) for item in read] == [
            (time_ns // finest * finest, frame) for time_ns, _, frame, _ in entries
        ]


class TestCanUtils:
    def test_log2asc_reads_our_log_and_we_read_its_asc(self, require_tool, tmp_path):
        log2asc = require_tool("log2asc", package="can-utils")
        log, asc = tmp_path / "drive.log", tmp_path / "drive.asc"
        entries = [entry for entry in random_frames(300, seed=4) if len(entry[2].data) and not entry[2].remote]
        write(log, entries)
        subprocess.run([log2asc, "-I", str(log), "-O", str(asc), "powertrain", "chassis"], check=True, timeout=120)

        read = list(open_reader(asc))

        assert [(item.bus, item.frame) for item in read if not item.frame.header & ERROR] == [
            (f"can{bus + 1}", frame) for _, bus, frame, _ in entries if not frame.header & ERROR
        ]
        first = entries[0][0] // 1000
        assert [round(item.time_ns / 1000) for item in read] == [time_ns // 1000 - first for time_ns, *_ in entries]

    def test_asc2log_reads_our_asc(self, require_tool, tmp_path):
        asc2log = require_tool("asc2log", package="can-utils")
        log, asc = tmp_path / "drive.log", tmp_path / "drive.asc"
        entries = [entry for entry in random_frames(300, seed=5) if not entry[2].header & (ERROR | REMOTE)]
        write(asc, entries)
        subprocess.run([asc2log, "-I", str(asc), "-O", str(log)], check=True, timeout=120)

        read = list(open_reader(log))

        assert [item.frame for item in read] == [frame for _, _, frame, _ in entries]

    def test_canplayer_plays_our_log(self, require_tool, tmp_path):
        canplayer = require_tool("canplayer", package="can-utils")
        try:
            socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW).close()
        except OSError:
            pytest.skip("needs a kernel with CAN sockets (module can-raw)")
        path = tmp_path / "drive.log"
        entries = random_frames(50, seed=6)
        write(path, entries)

        command = [canplayer, "-t", "-I", str(path), "stdout=powertrain", "stdout=chassis"]
        played = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

        again = tmp_path / "played.log"
        again.write_text(played)
        assert [item.frame for item in open_reader(again)] == [frame for _, _, frame, _ in entries]


@pytest.mark.parametrize("ending", [".log", ".asc", ".blf"])
def test_python_can_reads_what_we_write(tmp_path, ending):
    path = tmp_path / f"drive{ending}"
    entries = [entry for entry in random_frames(300, seed=7) if not entry[2].header & ERROR]
    write(path, entries)

    with can.LogReader(path) as reader:
        read = list(reader)

    assert len(read) == len(entries)
    for message, (_, bus, frame, direction) in zip(read, entries, strict=True):
        assert message.arbitration_id == frame.arbitration_id
        assert message.is_extended_id == frame.extended
        assert message.bitrate_switch == frame.brs
        assert bytes(message.data) == frame.data
        assert message.channel == (BUSES[bus].name if ending == ".log" else bus)
        assert message.is_rx == (direction != Direction.TX)


@pytest.mark.parametrize("name", ["genesis-0-64kph", "gt350-engine-running", "icsim-honda"])
class TestRealDrives:
    @pytest.fixture
    def drive(self, name: str) -> Path:
        path = DRIVES / f"{name}.log"
        if not path.exists():
            pytest.skip(f"the recording {name} is not there")
        return path

    def test_every_line_is_a_frame_in_both_ways_of_reading(self, drive):
        lines = drive.read_bytes().splitlines()
        reader = open_reader(drive)

        frames = list(reader)
        columns = load_columns(drive)

        assert len(frames) == len(columns) == len(lines)
        assert reader.problem is None
        assert columns.header.tolist() == [item.frame.header for item in frames]
        assert columns.times.tolist() == [item.time_ns for item in frames]

    def test_writing_it_again_gives_the_same_file(self, drive, tmp_path):
        path = tmp_path / "again.log"
        frames = list(open_reader(drive))
        buses = list(dict.fromkeys(item.bus for item in frames))
        with open_writer(path, [BusInfo(bus) for bus in buses]) as writer:
            for item in frames:
                writer.write(item.time_ns, buses.index(item.bus), item.frame, "", item.direction)

        assert path.read_bytes().splitlines() == drive.read_bytes().splitlines()

    @pytest.mark.parametrize("ending", [".pcapng", ".blf", ".asc", ".trc"])
    def test_it_goes_through_other_formats_unchanged(self, drive, tmp_path, ending):
        path = tmp_path / f"drive{ending}"
        frames = list(open_reader(drive))
        with open_writer(path, [BusInfo("can1")]) as writer:
            for item in frames:
                writer.write(item.time_ns, 0, item.frame)

        read = list(open_reader(path))

        assert [(item.time_ns, item.frame) for item in read] == [(item.time_ns, item.frame) for item in frames]
