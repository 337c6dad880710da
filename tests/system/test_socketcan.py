"""Real buses: the demo vehicle, floods, trouble and parts of a vehicle on SocketCAN, with real can-utils.

Everything runs inside one boot of a kernel that has SocketCAN (`socketcan_inside.py`); here it is judged what was seen.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cantools
import pytest

ROOT = Path(__file__).parents[2]
INSIDE = Path(__file__).with_name("socketcan_inside.py")
GATEWAY = [sys.executable, "-c", "from gateway.cli import main; main()"]
LIMIT_S = 600.0
Seen = dict[str, Any]
REAL_DRIVE = ROOT.parent / "shared" / "data" / "real-drives" / "genesis-0-64kph.log"


def real_database() -> Path | None:
    """The Hyundai's database, of the package opendbc."""
    package = importlib.util.find_spec("opendbc")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.rglob("hyundai_i30_2014.dbc"), None)


@pytest.fixture(scope="module")
def observed(require_tool: Callable[..., str]) -> Iterator[Callable[[str], Seen]]:
    """What a scenario saw."""
    require_tool("linux.uml", package="user-mode-linux")
    require_tool("ip", package="iproute2")
    for tool in ("candump", "cansend", "cangen", "canplayer"):
        require_tool(tool, package="can-utils")
    drive = {"REAL_DRIVE": str(REAL_DRIVE), "REAL_DATABASE": str(real_database() or "")}
    with tempfile.TemporaryDirectory(prefix="socketcan.", dir="/tmp") as folder:
        done = subprocess.run(
            [*GATEWAY, "vcan", "--buses", "4", "--kernel", "uml", "--", sys.executable, str(INSIDE), folder],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | drive,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stderr

        def of(scenario: str) -> Seen:
            found: Seen = json.loads(Path(folder, f"{scenario}.json").read_text())
            assert "error" not in found, found["error"]
            return found

        yield of


def test_candump_sees_on_each_vcan_what_the_trace_has_of_its_bus(observed: Callable[[str], Seen]) -> None:
    seen = observed("demo")
    for interface, bus in (("vcan0", "powertrain"), ("vcan1", "chassis"), ("vcan2", "body")):
        on_wire = [frame for where, frame in seen["candump"] if where == interface]
        # candump shows the flag of the CAN FD format (4) besides; the trace leaves it to the two signs ##.
        recorded = [frame.replace("##1", "##5") for where, frame in seen["trace"] if where == bus]
        assert len(on_wire) > 100
        assert recorded == on_wire
        assert seen["report"]["buses"][bus]["frames"] == len(on_wire)


def test_the_report_says_that_the_kernel_arbitrates(observed: Callable[[str], Seen]) -> None:
    link = observed("demo")["report"]["buses"]["powertrain"]["link"]
    assert link == {"name": "vcan0", "arbiter": "kernel", "lost": 0, "unconfirmed": 0, "filtered": False}


def test_a_python_can_client_hears_the_chassis(observed: Callable[[str], Seen]) -> None:
    seen = observed("demo")
    heard = {f"{identifier:03X}" for identifier in seen["python_can"]}
    assert len(heard) > 5
    assert heard <= {frame.partition("#")[0] for where, frame in seen["candump"] if where == "vcan1"}


def test_clients_of_all_kinds_at_once_log_what_the_trace_has(observed: Callable[[str], Seen]) -> None:
    """candump, python-can's gateway, socketcand and cannelloni interfaces, and cannelloni over UDP, between two frames
    that cansend sent: the same frames in the same order."""
    seen = observed("clients")
    between = {name: log[log.index("7F0#01") : log.index("7F1#02") + 1] for name, log in seen["logs"].items()}
    assert set(between) == {"trace", "candump", "plugin", "socketcand", "cannelloni TCP", "cannelloni UDP"}
    assert len(between["trace"]) > 200
    for name, log in between.items():
        assert log == between["trace"], name
    assert seen["link"]["lost"] == 0


def test_the_hazard_switch_pressed_by_cansend_lights_both_indicators(observed: Callable[[str], Seen]) -> None:
    """HazardSwitch is 0x200, its only bit says pressed; bits 0 and 1 of LightCommand 0x220 are the indicators."""
    seen = observed("demo")
    body = [frame for where, frame in seen["candump"] if where == "vcan2"]
    pressed = body.index("200#01")
    indicators = [
        [int(f[4:6], 16) & 3 for f in part if f.startswith("220#")] for part in (body[:pressed], body[pressed:])
    ]
    assert set(indicators[0]) == {0}
    assert 3 in indicators[1]
    assert seen["report"]["signals"]["Vehicle.Body.Lights.Hazard.IsSignaling"]["value"] is True


def test_in_a_flood_every_frame_is_accounted_for(observed: Callable[[str], Seen]) -> None:
    """25,000 frames from cangen: read or told as lost; of those read each forwarded, filtered or dropped."""
    seen = observed("flood")
    buses, route = seen["report"]["buses"], seen["report"]["routes"][0]
    assert seen["in"] == 25_000
    assert buses["a"]["frames"] + buses["a"]["link"]["lost"] == 25_000
    assert buses["a"]["link"]["lost"] > 0, "the kernel lost nothing while the gateway slept: the flood was too small"
    assert route["received"] == buses["a"]["frames"]
    assert route["received"] == route["forwarded"] + route["filtered"] + sum(route["dropped"].values())
    assert route["filtered"] >= 100, "the first hundred values of each run of cangen"
    assert route["forwarded"] == seen["out"] == buses["b"]["frames"]


def test_memory_stays_bounded_in_a_flood(observed: Callable[[str], Seen]) -> None:
    assert observed("flood")["peak_kib"] < 200_000


def test_a_route_does_not_time_out_because_the_gateway_was_late(observed: Callable[[str], Seen]) -> None:
    """Its source came every 20 ms; it was the gateway that stood still for longer than the route's timeout of 1 s."""
    *while_it_came, last = observed("late")["shown"]
    assert len(while_it_came) > 90
    assert set(while_it_came) == {"123#07"}
    assert last == "123#FF", "the timeout's value, once the source had ended"


def test_an_interface_that_goes_and_comes_back_does_not_stop_the_drive(observed: Callable[[str], Seen]) -> None:
    report = observed("trouble")["report"]
    events = report["buses"]["powertrain"]["events"]
    assert (events["link down"], events["link up again"]) == (2, 2)
    assert not report["failures"]
    assert report["buses"]["body"]["frames"] > 0


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("absent", "there is no interface vcan77 (there are vcan0, vcan1, vcan2, vcan3)"),
        ("down", "interface vcan3 is down: ip link set vcan3 up"),
        ("no_fd", "interface vcan3 has no CAN FD (its MTU is 16, not 72)"),
    ],
)
def test_a_link_that_cannot_be_gets_a_sentence(observed: Callable[[str], Seen], fault: str, sentence: str) -> None:
    answer = observed("refused")[fault]
    assert answer["code"] == 2
    assert answer["text"].startswith(f"gateway: {sentence}")
    assert len(answer["text"].splitlines()) == 1


def test_a_vehicle_in_ten_processes_ends_its_drive_as_in_one(observed: Callable[[str], Seen]) -> None:
    """Truths and words alike, numbers within 5 %; but what heats or charges goes by how long its ECU was awake before."""
    seen = observed("parts")
    slow = ("Vehicle.Cabin.HVAC.", "Vehicle.Powertrain.TractionBattery.", "Vehicle.Powertrain.Range")
    assert seen["single"]["Vehicle.Cabin.Door.Row1.DriverSide.IsLocked"]["value"] is True, "it never drove"
    for path, whole in seen["single"].items():
        value, quality = seen["parts"][path]
        assert quality == whole["quality"], path
        if path.startswith(slow):
            continue
        if isinstance(whole["value"], float | int) and not isinstance(whole["value"], bool):
            assert value == pytest.approx(whole["value"], rel=0.05, abs=0.5), path
        else:
            assert value == whole["value"], path


def test_no_part_failed_and_each_took_only_its_own_frames(observed: Callable[[str], Seen]) -> None:
    for name, report in observed("parts")["reports"].items():
        assert report.get("failures") == [], (name, report)
        assert all(bus["link"]["filtered"] for bus in report["buses"].values() if bus["link"]), name
        assert report["routes"] == [] and report["signals"] == {}, name


def test_a_killed_ecu_makes_its_signals_stale_until_it_is_back(observed: Callable[[str], Seen]) -> None:
    seen = observed("parts")
    angle = "Vehicle.Chassis.SteeringWheel.Angle"
    assert [seen[when][angle][1] for when in ("parts", "stale", "back")] == ["good", "stale", "good"]
    assert not [path for path, (_, quality) in seen["back"].items() if quality == "stale"]
    assert seen["back"][angle][0] == pytest.approx(seen["parts"][angle][0], abs=1.0)


def test_a_drive_played_by_canplayer_gives_the_signals_of_its_replay(observed: Callable[[str], Seen]) -> None:
    seen = observed("replayed")
    live, replay = seen["live"]["signals"], seen["replay"]["signals"]
    assert set(live) == set(replay)
    for path, signal in replay.items():
        # A rule with an interval leaves out other frames when its first came a little later.
        exact = isinstance(signal["value"], bool | str | None)
        expected = signal["value"] if exact else pytest.approx(signal["value"], rel=0.02, abs=0.3)
        assert live[path]["value"] == expected, path
    assert replay["Vehicle.Body.Lights.Beam.Low.IsOn"]["value"] is True


def test_a_real_cars_drive_played_by_canplayer_has_the_speeds_of_its_log(observed: Callable[[str], Seen]) -> None:
    if not REAL_DRIVE.is_file():
        pytest.skip(f"needs the real drive {REAL_DRIVE.name}, which is not in this checkout")
    database = real_database()
    if database is None:
        pytest.skip("needs opendbc: pip install 'vehicle-gateway[test]'")
    message = cantools.database.load_file(database, strict=False).get_message_by_name("EMS1")
    frames = [line.split()[2].partition("#") for line in REAL_DRIVE.read_text().splitlines()]
    logged = [message.decode(bytes.fromhex(data))["VS"] for key, _, data in frames if int(key, 16) == message.frame_id]
    seen = observed("real_drive")
    assert len(logged) > 1000 and max(logged) == 64
    assert seen["speeds"] == logged
    assert seen["report"]["buses"]["can0"]["frames"] == len(frames)
