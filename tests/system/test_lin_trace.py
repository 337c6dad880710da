"""Recordings with LIN in them: what tshark dissects, and what comes back out of them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import gateway
from gateway.hil import faults
from gateway.lin import ChecksumModel, checksum, protected
from gateway.trace import Event, Recorded, load_columns, open_reader
from gateway.vehicle import RunOptions, drive, read_vehicle

VEHICLE = Path(__file__).parents[2] / "vehicle.yaml"
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def trace(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lin") / "drive.pcapng"
    drive(read_vehicle(VEHICLE), RunOptions(for_ns=5 * SECOND, trace=path))
    return path


@pytest.fixture(scope="module")
def packets(trace, request) -> list[dict[str, list[str]]]:
    require_tool: Callable[..., str] = request.getfixturevalue("require_tool")
    tshark = require_tool("tshark", package="tshark")
    fields = ("lin.frame_id", "lin.protected_id", "lin.checksum", "lin.length", "lin.checksum_type", "lin.errors")
    wanted = [word for field in ("frame.interface_name", "_ws.malformed", *fields) for word in ("-e", field)]
    command = [tshark, "-r", str(trace), "-T", "json", "-Y", "lin", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def lin_frames(path: Path) -> list[Recorded]:
    with open_reader(path) as reader:
        return [record for record in reader if record.bus == "doors"]


def test_tshark_dissects_each_frame_and_none_is_malformed(trace, packets):
    assert len(packets) == len(lin_frames(trace)) == 400
    assert not [packet for packet in packets if "_ws.malformed" in packet]
    assert {packet["frame.interface_name"][0] for packet in packets} == {"doors"}


def test_the_whole_recording_has_nothing_malformed(trace, require_tool):
    tshark = require_tool("tshark", package="tshark")

    done = subprocess.run([tshark, "-r", str(trace), "-Y", "_ws.malformed"], capture_output=True, text=True, check=True)

    assert done.stdout == ""


def test_tshark_sees_the_fields_that_the_bus_had(trace, packets):
    for packet, recorded in zip(packets, lin_frames(trace), strict=True):
        frame_id, data = recorded.frame.header, recorded.frame.data
        assert int(packet["lin.frame_id"][0], 0) == frame_id
        assert int(packet["lin.checksum"][0], 0) == checksum(data, ChecksumModel.ENHANCED, frame_id)
        assert int(packet["lin.length"][0]) == len(data)
        assert int(packet["lin.checksum_type"][0]) == 2  # enhanced
        assert int(packet["lin.errors"][0], 0) == 0
        assert int(packet["lin.protected_id"][0], 0) == protected(frame_id)


def test_frames_know_who_sent_them(trace):
    senders = {recorded.comment for recorded in lin_frames(trace)}

    assert senders == {"BCM", "WLM", "DSP", "RLS"}


def test_all_at_once_is_the_same_as_one_by_one(trace):
    columns = load_columns(trace)

    rows = [row for row in range(len(columns)) if columns.buses[columns.bus[row]] == "doors"]
    frames = lin_frames(trace)
    assert [int(columns.header[row]) for row in rows] == [recorded.frame.header for recorded in frames]
    assert [columns.data[row, : columns.length[row]].tobytes() for row in rows] == [each.frame.data for each in frames]


def test_as_text_the_frames_have_their_identifiers(tmp_path):
    path = tmp_path / "drive.log"
    drive(read_vehicle(VEHICLE), RunOptions(for_ns=SECOND // 10, trace=path))

    lines = [line for line in path.read_text().splitlines() if " doors " in line]

    assert lines[0].split()[1:] == ["doors", "020#0000"]
    assert len(lines) == 8


def test_what_came_to_nothing_is_a_packet_with_its_error(tmp_path, require_tool):
    text = VEHICLE.read_text().replace("  WLM: {on: [doors], behaviour: ecus/wlm.py:Wlm}\n", "")
    text = text.replace("dbc/", f"{VEHICLE.parent}/dbc/").replace("ecus/", f"{VEHICLE.parent}/ecus/")
    text = text.replace("schedule: Normal, commander: BCM", "schedule: Normal, commander: BCM, restbus: false")
    vehicle = tmp_path / "vehicle.yaml"
    vehicle.write_text(text)
    path = tmp_path / "drive.pcapng"
    drive(read_vehicle(vehicle), RunOptions(for_ns=SECOND, trace=path))
    tshark = require_tool("tshark", package="tshark")

    filtered = "lin.errors.no_slave_response == 1 && lin.frame_id == 0x21"
    done = subprocess.run([tshark, "-r", str(path), "-Y", filtered], capture_output=True, text=True, check=True)
    with open_reader(path) as reader:
        events = [record.text for record in reader.records() if isinstance(record, Event)]

    assert len(done.stdout.splitlines()) == 20
    assert len([text for text in events if text.startswith("doors: no response")]) == 20


async def test_sleep_and_diagnostics_are_lin_frames_when_iso_15765_leaves_them(tmp_path, require_tool):
    tshark = require_tool("tshark", package="tshark")
    path = tmp_path / "sleep.pcapng"
    async with gateway.load(VEHICLE) as vehicle:
        await vehicle.run_for("500ms")
        with vehicle.fault(faults.NoResponse("doors.WindowState")):
            await vehicle.run_for("100ms")
        doors = vehicle["doors"]
        doors.schedule("Diagnostic")
        doors.send_raw(0x3C, bytes.fromhex("2106B200FF7FFFFF"))
        await doors.expect("SlaveResp", within="200ms")
        doors.bus.commander.go_to_sleep()
        await vehicle.run_for("500ms")
        vehicle.save_trace(path)

    def packets(shown: str) -> list[str]:
        command = [tshark, "-r", str(path), "-o", "iso15765.lin_diag:FALSE", "-Y", shown, "-T", "fields"]
        command += ["-e", "lin.frame_id", "-e", "data.data"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert packets("_ws.malformed") == []
    assert packets("lin.frame_id >= 0x3c")[:2] == ["0x3c", "2106b200ff7fffff"]
    assert packets("lin.frame_id >= 0x3c")[-2:] == ["0x3c", "00ffffffffffffff"]
    assert packets("lin.errors.no_slave_response == 1") == ["0x21", "0x21"]
