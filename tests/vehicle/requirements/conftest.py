"""The demo vehicle, parked: ignition on, selector in P, brake pressed, everything else at rest."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.hil import VehicleUnderTest

AT_REST: Final = {
    "VCU.accelerator": 0.0,
    "VCU.gear": "P",
    "ESP.brake": 20.0,
    "EPS.angle": 0.0,
    "Inverter.grade": 0.0,
    "RLS.brightness": 9000.0,
    "RLS.rain": 0.0,
    "BCM.ignition": "On",
    "BCM.lock": "None",
    "BCM.front_right": "Closed",
    "SWM.turn": "Off",
    "SWM.hazard": "Off",
    "SWM.light": "Off",
    "SWM.wiper": "Off",
    "SWM.high_beam": "Off",
    "Climate.set_temperature": 21.0,
}


@pytest.fixture
async def vehicle(vehicle: VehicleUnderTest) -> VehicleUnderTest:
    """Parked and ready to drive. A real ECU (--vehicle-real) has been put at rest by hand."""
    vehicle.set_inputs({name: value for name, value in AT_REST.items() if name.partition(".")[0] not in vehicle.real})
    await vehicle["powertrain"].expect("VcuStatus", DriveState="Ready", within="5s")
    await vehicle["body"].expect("DriveInfo", BrakePressed="On", DriveState="Ready", within="5s")
    return vehicle


@pytest.fixture
async def rolling(vehicle: VehicleUnderTest) -> VehicleUnderTest:
    """In D at 12 km/h or a little more, the pedal where it holds the speed."""
    await start_rolling(vehicle)
    return vehicle


async def start_rolling(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("VCU").input("gear").value = "D"
    await vehicle.run_for("100ms")
    vehicle.ecu("ESP").input("brake").value = 0.0
    vehicle.ecu("VCU").input("accelerator").value = 60.0
    await vehicle["powertrain"].expect("VehicleSpeed", Speed=lambda kmh: kmh >= 12, within="10s")
    vehicle.ecu("VCU").input("accelerator").value = 8.0
