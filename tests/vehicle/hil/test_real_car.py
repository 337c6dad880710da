"""Requirements on a real car's database (opendbc's Ford base powertrain): its rest bus, and a gateway in front of a new ECU."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

import gateway
from gateway.hil import near

VEHICLE = """\
vehicle: ford-base
buses:
  powertrain: {{kind: canfd, bitrate: 500k, data_bitrate: 2M, database: {database}}}
  bench: {{kind: canfd, bitrate: 500k, data_bitrate: 2M, database: {database}, restbus: false}}
ecus:
  Camera: {{on: bench, node: IPMA_ADAS}}
gateway:
  name: Bench
  latency: 500us
  routes:
    - {{from: powertrain.WheelSpeed, to: bench, when: "WhlFl_W_Meas > 0.5"}}
    - {{from: powertrain.BrakeSnData_3, to: bench, every: 100ms}}
"""


@pytest.fixture
def ford(tmp_path: Path) -> Path:
    found = find_spec("opendbc")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs opendbc: pip install 'vehicle-gateway[test]'")
    database = Path(found.submodule_search_locations[0]) / "dbc" / "ford_lincoln_base_pt.dbc"
    file = tmp_path / "vehicle.yaml"
    file.write_text(VEHICLE.format(database=database))
    return file


async def test_each_message_of_the_brakes_comes_with_the_period_of_its_database(ford: Path) -> None:
    async with gateway.load(ford) as vehicle:
        await vehicle.run_for("1s")
        bus = vehicle["powertrain"]
        cyclic = [
            m for m in bus.database.messages if m.senders == ("ABS_ESC",) and m.cycle_ns and m.cycle_ns <= 100_000_000
        ]
        assert len(cyclic) >= 5
        # Once a second all that is cyclic falls together, and what ranks low waits some 14 ms for the bus.
        expected = [bus.expect_period(m, f"{m.cycle_ns}ns", during="2s", tolerance=0.02, jitter="16ms") for m in cyclic]
        for expectation in expected:
            await expectation


async def test_wheel_speeds_reach_the_new_ecu_only_while_the_wheels_turn(ford: Path) -> None:
    async with gateway.load(ford) as vehicle:
        await vehicle["bench"].expect_never("WheelSpeed", during="500ms")
        with vehicle.ecu("ABS_ESC").override("WheelSpeed.WhlFl_W_Meas", 42):
            arrived = await vehicle["bench"].expect("WheelSpeed", WhlFl_W_Meas=near(42, 0.01), within="50ms")
            assert arrived.sender == "Bench"
            await vehicle["bench"].expect_period("BrakeSnData_3", "100ms", during="1s")
        await vehicle.run_for("20ms")
        await vehicle["bench"].expect_never("WheelSpeed", during="200ms")
