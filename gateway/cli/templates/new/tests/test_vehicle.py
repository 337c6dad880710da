"""Tests of this vehicle, in virtual time: a minute of driving takes a moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.sim import Kernel, duration_ns
from gateway.vehicle import Vehicle, load

VEHICLE = Path(__file__).parents[1]


@pytest.fixture
def vehicle() -> Vehicle:
    """A new vehicle, switched on at time 0."""
    vehicle = load(VEHICLE, Kernel())
    vehicle.start()
    return vehicle


def drive_on(vehicle: Vehicle, duration: str) -> None:
    vehicle.kernel.run(vehicle.kernel.now + duration_ns(duration))
    assert not vehicle.failures


def test_the_dash_shows_the_speed_and_a_little_more(vehicle: Vehicle) -> None:
    vehicle.ecu("Motor").input("pedal").value = 50.0
    drive_on(vehicle, "10s")
    speed = vehicle.ecu("Motor").tx("VehicleSpeed.Speed").value
    shown = vehicle.ecu("Dash").rx("ClusterInfo.DisplaySpeed").value
    assert isinstance(speed, float) and speed > 50
    assert shown == pytest.approx(1.03 * speed, rel=0.02)


def test_the_dash_warns_of_speed(vehicle: Vehicle) -> None:
    vehicle.ecu("Motor").input("pedal").value = 100.0
    drive_on(vehicle, "30s")
    assert vehicle.ecu("Dash").tx("DashStatus.SpeedWarning").value == "On"


def test_a_motor_without_power_is_no_longer_shown(vehicle: Vehicle) -> None:
    drive_on(vehicle, "1s")
    shown = vehicle.ecu("Dash").rx("ClusterInfo.DisplaySpeed")
    assert not shown.timed_out
    vehicle.ecu("Motor").switch_off()
    drive_on(vehicle, "1s")
    assert shown.timed_out


def test_nothing_disappears_in_the_gateway(vehicle: Vehicle) -> None:
    drive_on(vehicle, "10s")
    for route in vehicle.gateway.routes:
        assert route.counts.received > 0
        assert route.counts.balanced
