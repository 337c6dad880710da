"""Test scripts on the doors of the demo vehicle, as a user writes them."""

import pytest

from gateway.can import BusEventKind
from gateway.hil import HilError, VehicleUnderTest, faults

LEFT = "Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"


@pytest.fixture
async def vehicle(vehicle: VehicleUnderTest) -> VehicleUnderTest:
    vehicle.ecu("BCM").input("ignition").value = "On"
    await vehicle.run_for("100ms")  # until all have booted
    return vehicle


async def test_a_window_opens_within_its_four_seconds(vehicle):
    vehicle.ecu("DSP").input("left_window").value = "Down"

    await vehicle["doors"].expect("WindowState", LeftMotion="Opening", within="200ms")
    await vehicle["doors"].expect("WindowState", LeftPosition=100, within="4500ms")
    await vehicle["body"].expect("DoorStatus", WindowLeft=100, within="200ms")


async def test_the_commander_runs_another_schedule(vehicle):
    await vehicle["doors"].expect("RlsState", within="100ms")

    vehicle["doors"].schedule("Diagnostic")

    await vehicle.run_for("50ms")
    await vehicle["doors"].expect_never("RlsState", during="1s")
    await vehicle["doors"].expect_period("WindowState", "45ms", during="1s")


async def test_a_bus_that_is_none_of_lin_has_no_schedule(vehicle):
    with pytest.raises(HilError, match="body is no LIN bus"):
        vehicle["body"].schedule("Normal")
    with pytest.raises(Exception, match="did you mean 'Diagnostic'"):
        vehicle["doors"].schedule("Diagnostics")


async def test_the_script_answers_once_instead_of_a_responder(vehicle):
    vehicle["doors"].send("WindowSwitch", LeftSwitch="AutoDown")

    got = await vehicle["doors"].expect("WindowSwitch", LeftSwitch="AutoDown", within="100ms")

    assert got.sender == "tester"
    await vehicle["doors"].expect("WindowSwitch", LeftSwitch="Off", within="100ms")
    await vehicle["doors"].expect("WindowState", LeftPosition=100, within="5s")
    assert vehicle["doors"].bus.errors == 0


async def test_a_responder_that_is_lost_is_told(vehicle):
    with vehicle.fault(faults.Lost("doors.WindowState")):
        await vehicle["doors"].expect_never("WindowState", during="500ms")

    await vehicle["doors"].expect("WindowState", within="100ms")
    assert vehicle["doors"].bus.event_counts[BusEventKind.NO_RESPONSE] == 10


async def test_a_held_signal_goes_out_in_the_next_response(vehicle):
    with vehicle.ecu("WLM").override("WindowState.LeftPosition", 42):
        await vehicle["doors"].expect("WindowState", LeftPosition=42, within="100ms")
        await vehicle["body"].expect("DoorStatus", WindowLeft=42, within="300ms")


async def test_a_diagnostic_request_of_the_script_is_answered(vehicle):
    vehicle["doors"].schedule("Diagnostic")

    vehicle["doors"].send_raw(0x3C, bytes.fromhex("21 06 B2 00 FF 7F FF FF"))

    answer = await vehicle["doors"].expect("SlaveResp", within="200ms")
    assert answer.data == bytes.fromhex("21 06 F2 F1 00 01 00 01")
