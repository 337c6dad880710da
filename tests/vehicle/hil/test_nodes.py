"""Nodes and units in test scripts, on the demo vehicle with a zone controller and an SDV computer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import gateway
from gateway.hil import ExpectationError, HilError, VehicleUnderTest, faults
from gateway.trace import Event, open_reader
from gateway.vehicle import RunOptions, drive, read_vehicle
from gateway.vehicle.file.source import read

ROOT = Path(__file__).parents[3]
S = 1_000_000_000
NODES = {
    "sdv": {"depends_on": "*", "units": {"app": {"binds_to": "bluechi-proxy@zone-left_lights.service"}}},
    "zone-left": {"units": {"lights": {"run": "/bin/lights"}, "weak": {"run": "/bin/weak", "exit_after": "3s"}}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    spec = json.loads(json.dumps(read(ROOT / "vehicle.yaml").data))
    text = json.dumps({**spec, "domains": {"nodes": NODES}}, indent=1)
    for folder in ("dbc/", "ecus/"):
        text = text.replace(f'"{folder}', f'"{ROOT}/{folder}')
    path = tmp_path / "vehicle.yaml"
    path.write_text(text)
    return path


@pytest.fixture
async def vehicle(file: Path) -> AsyncIterator[VehicleUnderTest]:
    async with gateway.load(file, seed=1) as found:
        yield found


async def test_a_unit_that_is_killed_fails_and_takes_along_what_is_bound_to_it(vehicle: VehicleUnderTest) -> None:
    lights = vehicle.node("zone-left").unit("lights")
    app = vehicle.node("sdv").unit("app.service")
    await lights.becomes("active", within="2s")
    await app.becomes("active", within="8s")

    lights.kill(9)

    event = await lights.becomes("failed", within="100ms")
    assert event is not None
    assert (lights.result, event.text) == ("signal", "signal")
    await app.becomes("inactive", within="1s")
    lights.start()
    await lights.becomes("active", within="1s")


async def test_a_state_that_is_there_already_needs_no_event_and_one_that_stays_is_seen(
    vehicle: VehicleUnderTest,
) -> None:
    weak = vehicle.node("zone-left").unit("weak")
    await weak.becomes("active", within="1s")
    assert await weak.becomes("active", within="1ms") is None
    await weak.stays("active", during="1s")

    with pytest.raises(ExpectationError, match=r"it is deactivating|it is inactive") as caught:
        await weak.stays("active", during="5s")

    assert "unit weak.service on zone-left stays active during 5s" in str(caught.value)
    assert "what node zone-left has told:" in str(caught.value)


async def test_what_does_not_come_is_told_with_what_came(vehicle: VehicleUnderTest) -> None:
    lights = vehicle.node("zone-left").unit("lights")

    with pytest.raises(ExpectationError) as caught:
        await lights.becomes("failed", within="2s")

    assert "it is active after 2 s" in str(caught.value)
    assert "unit lights.service on zone-left: active: running" in str(caught.value)


async def test_a_cut_cable_and_a_node_without_power_are_seen_by_the_controller(vehicle: VehicleUnderTest) -> None:
    zone = vehicle.node("zone-left")
    await zone.becomes("online", within="5s")
    with vehicle.fault(faults.NodeCut("zone-left")):
        await zone.becomes("offline", within="9s")
        assert zone.unit("lights").state == "active"
    await zone.becomes("online", within="5s")
    with vehicle.fault(faults.NodeOff("zone-left")):
        assert zone.unit("lights").state == "inactive"
        await zone.becomes("offline", within="9s")
    await zone.unit("lights").becomes("active", within="1s")
    await zone.becomes("online", within="5s")


async def test_what_is_not_there_is_named(vehicle: VehicleUnderTest) -> None:
    with pytest.raises(HilError, match=r"there is no node 'zone-lefd' \(did you mean 'zone-left'\?\)"):
        vehicle.node("zone-lefd")
    with pytest.raises(HilError, match=r"node zone-left has no unit 'light' \(did you mean 'lights.service'\?\)"):
        vehicle.node("zone-left").unit("light")
    with pytest.raises(HilError, match=r"there is no state 'fail' \(did you mean 'failed'\?\)"):
        vehicle.node("zone-left").unit("lights").becomes("fail", within="1s")


async def test_a_vehicle_without_nodes_says_so() -> None:
    async with gateway.load(ROOT / "vehicle.yaml") as vehicle:
        with pytest.raises(HilError, match="demo-ev has no nodes: name them under domains, nodes"):
            vehicle.node("sdv")


async def test_the_trace_of_a_test_has_what_happened_to_nodes_and_units(
    vehicle: VehicleUnderTest, tmp_path: Path
) -> None:
    await vehicle.node("zone-left").unit("lights").becomes("active", within="2s")
    vehicle.node("zone-left").unit("lights").kill(9)
    await vehicle.run_for("100ms")
    vehicle.save_trace(tmp_path / "trace.pcapng")

    assert "unit lights.service on zone-left: failed: signal" in _told(tmp_path / "trace.pcapng")


def test_so_has_that_of_a_run(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "drive.pcapng"

    drive(read_vehicle(file), RunOptions(for_ns=5 * S, trace=path))

    told = _told(path)
    assert "node zone-left: online" in told
    assert "unit lights.service on zone-left: active: running" in told
    assert "unit weak.service on zone-left: inactive: dead" in told
    assert not any("stop" in each for each in told[-3:])


def test_tshark_shows_them(file: Path, tmp_path: Path, require_tool: object) -> None:
    assert callable(require_tool)
    tshark = require_tool("tshark", package="tshark")
    path = tmp_path / "drive.pcapng"
    drive(read_vehicle(file), RunOptions(for_ns=2 * S, trace=path))

    done = subprocess.run(
        [tshark, "-r", str(path), "-Y", 'syslog.msg contains "lights.service"'],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "unit lights.service on zone-left: active" in done.stdout


def _told(path: Path) -> list[str]:
    with open_reader(path) as reader:
        return [record.text for record in reader.records() if isinstance(record, Event)]
