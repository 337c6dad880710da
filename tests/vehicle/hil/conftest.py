"""The demo vehicle as it stands when it was switched on 500 ms ago, without the drive cycle."""

from __future__ import annotations

import pytest

from gateway.hil import VehicleUnderTest


@pytest.fixture
async def vehicle(vehicle: VehicleUnderTest) -> VehicleUnderTest:
    vehicle.stop_drive()
    await vehicle.run_for("500ms")
    return vehicle
