"""Requirements on lamps and wipers, by their numbers in docs/demo.md."""

from __future__ import annotations

import pytest

from gateway.hil import VehicleUnderTest


async def test_b1_the_turn_signal_blinks_with_one_and_a_half_hertz(vehicle: VehicleUnderTest) -> None:
    body = vehicle["body"]
    vehicle.ecu("SWM").input("turn").value = "Left"
    await body.expect("LightCommand", Left="On", Right="Off", within="200ms")
    for lit in ("Off", "On", "Off"):
        half = await body.expect("LightCommand", Left=lit, Right="Off", within="500ms")
        assert half.after_s == pytest.approx(1 / 1.5 / 2, abs=0.05)


async def test_b2_hazard_overrides_the_turn_signal(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("SWM").input("turn").value = "Right"
    await vehicle["body"].expect("LightStatus", Indicator="Right", within="300ms")
    vehicle.ecu("SWM").input("hazard").value = "On"
    await vehicle["body"].expect("LightStatus", Indicator="Hazard", within="300ms")


async def test_b2_the_hazard_lamps_light_within_100_ms_without_ignition(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("BCM").input("ignition").value = "Off"
    await vehicle["body"].expect("KeyStatus", Terminal="Off", within="300ms")
    vehicle.ecu("SWM").input("hazard").value = "On"
    await vehicle["body"].expect("LightCommand", Left="On", Right="On", within="100ms")


async def test_b2_the_gateway_lights_the_lamp_of_the_hazard_button(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("SWM").input("hazard").value = "On"
    await vehicle["chassis"].expect("Lamp", State="On", within="100ms")


async def test_b3_the_low_beam_follows_the_switch(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("SWM").input("light").value = "LowBeam"
    await vehicle["body"].expect("LightCommand", LowBeam="On", Daytime="Off", within="200ms")
    vehicle.ecu("SWM").input("light").value = "Off"
    await vehicle["body"].expect("LightCommand", LowBeam="Off", Daytime="On", within="200ms")


async def test_b4_the_automatic_light_goes_on_in_the_dark(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("SWM").input("light").value = "Auto"
    await vehicle["body"].expect_never("LightCommand", LowBeam="On", during="300ms")
    vehicle.ecu("RLS").input("brightness").value = 900.0
    await vehicle["body"].expect("LightCommand", LowBeam="On", within="300ms")


async def test_b5_the_wipers_go_slowly_in_half_of_the_rain(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("SWM").input("wiper").value = "Auto"
    vehicle.ecu("RLS").input("rain").value = 50.0
    await vehicle["body"].expect("LightStatus", Wiper="Slow", within="300ms")


async def test_b6_the_brake_lamps_light_within_50_ms_of_the_pedal(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("ESP").input("brake").value = 0.0
    await vehicle["body"].expect("LightCommand", Brake="Off", within="200ms")
    vehicle.ecu("ESP").input("brake").value = 10.0
    await vehicle["body"].expect("LightCommand", Brake="On", within="50ms")


async def test_b7_the_reverse_lamps_light_in_r(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("VCU").input("gear").value = "R"
    await vehicle["body"].expect("LightCommand", Reverse="On", within="400ms")


async def test_b17_the_hazard_lights_obey_an_application(vehicle: VehicleUnderTest) -> None:
    signal = vehicle.signal("Vehicle.Body.Lights.Hazard.IsSignaling")
    signal.actuate(True)
    await signal.becomes(True, within="300ms")
    assert (await vehicle["body"].expect("LightStatus", within="200ms")).HazardSource == "Remote"
