"""The failure message of a test names the cause first, as `gateway explain` does."""

from __future__ import annotations

import pytest

from gateway.hil import ExpectationError, VehicleUnderTest, faults


async def test_a_signal_that_does_not_come(vehicle: VehicleUnderTest) -> None:
    await vehicle.run_for("1s")
    says = r"why: Vehicle\.Speed is stale since 1\.0\d\d s: its sender ESP has no power since 1\.000 s"
    with vehicle.fault(faults.Killed("ESP")):
        await vehicle.run_for("500ms")
        with pytest.raises(ExpectationError, match=says):
            await vehicle.signal("Vehicle.Speed").becomes(299, within="100ms")


async def test_a_message_that_does_not_come(vehicle: VehicleUnderTest) -> None:
    await vehicle.run_for("1s")
    says = r"why: powertrain\.WheelSpeeds last came at \d\.\d+ s: its sender ESP is bus-off on chassis since 1\.0\d\d s"
    with vehicle.fault(faults.BusOff("ESP")):
        await vehicle.run_for("500ms")
        with pytest.raises(ExpectationError, match=says):
            await vehicle["powertrain"].expect("WheelSpeeds", within="100ms")


async def test_where_nothing_is_wrong_it_says_what_is_sent(vehicle: VehicleUnderTest) -> None:
    await vehicle.run_for("1s")
    with pytest.raises(ExpectationError) as failure:
        await vehicle.signal("Vehicle.Speed").becomes(299, within="100ms")
    told = [line for line in str(failure.value).split("\n") if line.startswith("why:")]
    assert told == ["why: ESP sends chassis.VehicleMotion with Speed=0 km/h, the last at 1.089859 s"]
