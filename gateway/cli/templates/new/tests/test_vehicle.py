"""Tests of this vehicle. `vehicle` is a fresh one for each test, in virtual time: a minute of driving takes a moment."""

from __future__ import annotations

import pytest

from gateway.hil import VehicleUnderTest


async def test_the_dash_shows_the_speed_and_a_little_more(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("Motor").input("pedal").value = 50.0
    await vehicle.run_for("10s")
    speed = vehicle.ecu("Motor").sent("VehicleSpeed.Speed")
    assert speed > 50
    shown = await vehicle["body"].expect("ClusterInfo", within="200ms")
    assert shown.DisplaySpeed == pytest.approx(1.03 * speed, rel=0.02)


async def test_the_dash_warns_of_speed(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("Motor").input("pedal").value = 100.0
    await vehicle["body"].expect("DashStatus", SpeedWarning="On", within="30s")


async def test_a_motor_without_power_is_no_longer_shown(vehicle: VehicleUnderTest) -> None:
    await vehicle.run_for("1s")
    with vehicle.ecu("Motor").kill():
        await vehicle.run_for("200ms")
        await vehicle["body"].expect_never("ClusterInfo", during="1s")
    await vehicle["body"].expect("ClusterInfo", within="500ms")


async def test_nothing_disappears_in_the_gateway(vehicle: VehicleUnderTest) -> None:
    await vehicle.run_for("10s")
    for route in vehicle.simulated.gateway.routes:
        assert route.counts.received > 0
        assert route.counts.balanced
