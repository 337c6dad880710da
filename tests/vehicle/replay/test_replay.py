"""Replaying logs over the buses of a vehicle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.can import BRS, ERROR, FD, Frame
from gateway.database import load as load_database
from gateway.errors import GatewayError
from gateway.sim import Clock, Kernel
from gateway.trace import Recorded, open_reader
from gateway.vehicle import Vehicle, load
from gateway.vehicle.assembly.ad_hoc import vehicle_of_log
from gateway.vehicle.logs.log import LogError, read_log
from gateway.vehicle.logs.replay import ReplayOptions, renamed, replay

MS = 1_000_000
SIGNALS = """{"Vehicle": {"type": "branch", "description": "", "children": {
  "Speed": {"type": "sensor", "datatype": "float", "description": "", "dbc2vss": {"signal": "Speed.Value", "interval_ms": 0}},
  "IsMoving": {"type": "sensor", "datatype": "boolean", "description": "", "dbc2vss": {"signal": "Speed.State",
    "interval_ms": 0, "transform": {"mapping": [{"from": "Still", "to": false}, {"from": "Moving", "to": true}]}}}
}}}"""
VEHICLE = """
vehicle: two-buses
buses:
  drive: {database: small.dbc}
  body: {bitrate: 125k, database: small.dbc, restbus: false}
gateway:
  latency: 1ms
  signals: signals.json
  routes:
    - {from: drive.Speed, to: body}
    - {from: drive.Torque.Actual, to: body.Shown.Speed, send: each}
"""


def speed(kmh: float, state: int = 0) -> Frame:
    return Frame(0x100, round(kmh * 100).to_bytes(2, "little") + bytes([state]) + bytes(5))


def torque(raw: int) -> Frame:
    return Frame(0x101, raw.to_bytes(2, "little", signed=True) + bytes(2))


@pytest.fixture
def vehicle(tmp_path: Path, small_dbc: Path) -> Vehicle:
    """`drive` (500 kbit/s) with its ECUs VCU and ESP, `body` (125 kbit/s), and a gateway that routes to body."""
    (tmp_path / "signals.json").write_text(
        SIGNALS.replace("Speed.Value", "drive.Speed.Value").replace("Speed.State", "drive.Speed.State")
    )
    path = tmp_path / "vehicle.yaml"
    path.write_text(VEHICLE)
    return load(path, Kernel())


@pytest.fixture
def signals(tmp_path: Path) -> Path:
    path = tmp_path / "map.json"
    path.write_text(SIGNALS)
    return path


def test_the_log_alone_is_a_car(write_log: Callable[..., Path], small_dbc: Path, signals: Path) -> None:
    path = write_log("a.log", [(1_000 * MS, "can0", speed(10)), (1_500 * MS, "can0", speed(62.5, 1))])
    log = read_log([path])
    car = vehicle_of_log(log, {"can0": load_database(small_dbc)}, signals)
    result = replay(car, log)
    assert result.run.signals["Vehicle.Speed"].value == 62.5
    assert result.run.signals["Vehicle.IsMoving"].value is True
    assert result.run.signals["Vehicle.Speed"].time_s == 0.5
    assert (result.run.simulated_s, result.run.frames) == (0.5, 2)
    assert (result.unknown_frames, result.findings) == (0, ())


def test_the_json_has_the_keys_of_a_run_and_two_more(
    write_log: Callable[..., Path], small_dbc: Path, vehicle: Vehicle
) -> None:
    log = read_log([write_log("a.log", [(0, "drive", Frame(0x7, b"")), (MS, "drive", Frame(0x100, bytes(3)))])])
    result = replay(vehicle, log)
    document = result.as_json()
    assert set(document) - set(result.run.as_json()) == {"unknown_frames", "diagnostics"}
    assert document["unknown_frames"] == 1
    assert document["diagnostics"] == [
        {
            "file": log.name,
            "line": None,
            "severity": "warning",
            "text": "Speed (0x100): 1 frame of 3 bytes instead of 8, decoded as far as they reach",
        }
    ]


def test_routes_forward_what_the_log_has_and_nothing_else_is_sent(
    write_log: Callable[..., Path], vehicle: Vehicle, tmp_path: Path
) -> None:
    log = read_log(
        [write_log("a.log", [(0, "drive", speed(50)), (20 * MS, "drive", torque(84)), (40 * MS, "drive", speed(51))])]
    )
    result = replay(vehicle, log, ReplayOptions(trace=tmp_path / "out.pcapng"))
    with open_reader(tmp_path / "out.pcapng") as reader:
        records = [record for record in reader.records() if isinstance(record, Recorded)]
    of_body = [(record.time_ns, record.frame) for record in records if record.bus == "body"]
    body = vehicle.buses["body"]
    shown = Frame(0x102, bytes([42, 0]))
    assert of_body == [
        (1 * MS + body.times.duration_ns(speed(50)), speed(50)),
        (21 * MS + body.times.duration_ns(shown), shown),
    ]
    assert [record.frame for record in records if record.bus == "drive"] == [speed(50), torque(84), speed(51)]
    assert [route.received for route in result.run.routes] == [2, 1]


def test_what_the_gateway_sends_itself_is_left_out_of_the_log(write_log: Callable[..., Path], vehicle: Vehicle) -> None:
    recorded = [
        (0, "drive", speed(50)),
        (2 * MS, "body", speed(50)),
        (3 * MS, "body", Frame(0x102, b"\x2a\x00")),
        (4 * MS, "body", torque(3)),
        (9 * MS, "drive", torque(1)),
    ]
    result = replay(vehicle, read_log([write_log("a.log", recorded)]))
    assert [finding.text for finding in result.findings] == [
        "2 frames on body that are sent here, not by the log, were left out: Speed, Shown"
    ]
    assert vehicle.buses["body"].frames == 2  # the forwarded Speed and the log's Torque


def test_an_ecu_that_lives_sends_in_place_of_the_log(write_log: Callable[..., Path], vehicle: Vehicle) -> None:
    entries = [(at * MS, "drive", frame) for at in range(0, 100, 10) for frame in (speed(50), torque(2))]
    result = replay(vehicle, read_log([write_log("a.log", entries)]), ReplayOptions(ecus=("VCU",)))
    assert any("10 frames on drive" in finding.text and "Torque" in finding.text for finding in result.findings)
    assert vehicle.buses["drive"].frames == 10  # VCU's Torque has no cycle: nothing asks for it


def test_channels_are_named_as_buses(write_log: Callable[..., Path], vehicle: Vehicle) -> None:
    log = read_log([write_log("a.log", [(0, "can0", speed(70))])])
    with pytest.raises(LogError, match=r"has the buses can0, and two-buses has drive, body: .*--map can0=drive"):
        replay(vehicle, log)
    result = replay(vehicle, renamed(log, {"can0": "drive"}))
    assert result.run.signals["Vehicle.Speed"].value == 70


def test_a_channel_that_the_vehicle_does_not_have_is_left_out_and_told(
    write_log: Callable[..., Path], vehicle: Vehicle
) -> None:
    log = read_log([write_log("a.log", [(0, "drive", speed(70)), (MS, "other", speed(1)), (MS, "other", speed(2))])])
    result = replay(vehicle, log)
    assert result.run.frames == 1
    assert "has no bus other; its 2 frames were left out" in result.findings[0].text


def test_fd_frames_on_a_classic_bus_are_left_out_and_told(write_log: Callable[..., Path], vehicle: Vehicle) -> None:
    log = read_log([write_log("a.log", [(0, "drive", speed(70)), (MS, "drive", Frame(0x100 | FD | BRS, bytes(12)))])])
    result = replay(vehicle, log)
    assert result.run.frames == 1
    assert "1 CAN FD frames on drive" in result.findings[0].text


def test_error_frames_are_counted_and_not_delivered(write_log: Callable[..., Path], vehicle: Vehicle) -> None:
    log = read_log([write_log("a.log", [(0, "drive", speed(70)), (MS, "drive", Frame(ERROR | 4, bytes(8)))])])
    result = replay(vehicle, log)
    assert (result.run.buses["drive"].frames, result.run.buses["drive"].errors) == (1, 1)
    assert "1 error frames on drive" in [finding.text for finding in result.findings]


def test_only_so_much_of_the_log(write_log: Callable[..., Path], vehicle: Vehicle) -> None:
    log = read_log([write_log("a.log", [(at * MS, "drive", speed(at)) for at in range(100)])])
    result = replay(vehicle, log, ReplayOptions(for_ns=30 * MS))
    assert result.run.signals["Vehicle.Speed"].value == 30
    assert result.run.simulated_s == 0.03


@pytest.mark.parametrize("speed_up", [1.0, 0.7, 250.0])
def test_wall_time_at_any_speed_gives_what_virtual_time_gives(
    write_log: Callable[..., Path], small_dbc: Path, signals: Path, speed_up: float
) -> None:
    log = read_log([write_log("a.log", [(at * MS + at, "can0", speed(at, at % 2)) for at in range(40)])])
    databases = {"can0": load_database(small_dbc)}
    results = []
    for options in (ReplayOptions(), ReplayOptions(clock=Clock.WALL, speed=speed_up)):
        run = replay(vehicle_of_log(log, databases, signals), log, options).run
        results.append((run.signals, run.buses["can0"].frames, run.simulated_s))
    assert results[0] == results[1]


def test_one_database_for_several_buses_is_shared_out_by_what_the_log_has(
    write_log: Callable[..., Path], small_dbc: Path, signals: Path
) -> None:
    log = read_log([write_log("a.log", [(0, "can0", torque(4)), (MS, "can1", speed(33))])])
    database = load_database(small_dbc)
    car = vehicle_of_log(log, {"can0": database, "can1": database}, signals)
    result = replay(car, log)
    assert result.run.signals["Vehicle.Speed"].value == 33
    assert [message.name for message in car.databases["can0"].messages] == ["Torque", "Shown"]
    assert [message.name for message in car.databases["can1"].messages] == ["Speed"]


def test_values_that_the_mapping_refuses_are_told(
    write_log: Callable[..., Path], small_dbc: Path, signals: Path
) -> None:
    log = read_log([write_log("a.log", [(0, "can0", speed(33, 3)), (MS, "can0", speed(320))])])
    result = replay(vehicle_of_log(log, {"can0": load_database(small_dbc)}, signals), log)
    assert [finding.text.partition(":")[0] for finding in result.findings] == ["Vehicle.Speed", "Vehicle.IsMoving"]
    assert "1 of 2 values were not published: outside the signal's range in the database" in result.findings[0].text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (ReplayOptions(ecus=("VCX",)), r"no ECU 'VCX'.*did you mean 'VCU'"),
        (ReplayOptions(speed=0), "not above 0"),
    ],
)
def test_impossible_wishes_are_told(
    write_log: Callable[..., Path], vehicle: Vehicle, options: ReplayOptions, sentence: str
) -> None:
    log = read_log([write_log("a.log", [(0, "drive", speed(1))])])
    with pytest.raises(GatewayError, match=sentence):
        replay(vehicle, log, options)


def test_a_bus_that_the_log_does_not_have_cannot_be_renamed(write_log: Callable[..., Path]) -> None:
    log = read_log([write_log("a.log", [(0, "drive", speed(1))])])
    with pytest.raises(LogError, match=r"no bus 'driv' \(did you mean 'drive'\?\)"):
        renamed(log, {"driv": "x"})
