"""Requirements on the gateway and the buses: filters, rates, recovery."""

from __future__ import annotations

from gateway.hil import VehicleUnderTest, faults
from gateway.routing import Quality

WHEELS = "chassis.WheelSpeeds -> body"


async def test_wheel_speeds_stay_away_from_the_body_while_the_car_stands(vehicle: VehicleUnderTest) -> None:
    filtered = vehicle.route(WHEELS).expect_filtered("condition not met", within="100ms")
    await vehicle["body"].expect_never("WheelSpeeds", during="500ms")
    await filtered


async def test_wheel_speeds_come_to_the_body_ten_times_a_second(rolling: VehicleUnderTest) -> None:
    await rolling["body"].expect_period("WheelSpeeds", "100ms", tolerance=0.12, jitter="20ms", during="1s")


async def test_no_wheel_speeds_are_missing_on_the_powertrain(rolling: VehicleUnderTest) -> None:
    powertrain = rolling["powertrain"]
    frame = await powertrain.expect("WheelSpeeds", within="50ms")
    for _ in range(20):
        frame = await powertrain.expect("WheelSpeeds", Counter=(int(frame.Counter) + 1) % 16, within="50ms")


async def test_the_lamps_work_again_after_a_bus_off_of_the_bcm(vehicle: VehicleUnderTest) -> None:
    with vehicle.ecu("BCM").bus_off():
        await vehicle["body"].expect_never("LightCommand", during="300ms")
    await vehicle["body"].expect("LightCommand", within="300ms")
    vehicle.ecu("SWM").input("hazard").value = "On"
    await vehicle["body"].expect("LightCommand", Left="On", within="200ms")


async def test_the_signals_of_the_body_are_good_again_after_a_short_circuit(vehicle: VehicleUnderTest) -> None:
    cooling = vehicle.signal("Vehicle.Cabin.HVAC.IsAirConditioningActive")
    assert cooling.quality is Quality.GOOD
    before = cooling.value
    with vehicle.fault(faults.BusShorted("body")):
        await cooling.becomes_stale(within="1s")
    await cooling.becomes(before, within="1s")


async def test_a_hung_esp_is_reset_and_tells_the_motion_again(vehicle: VehicleUnderTest) -> None:
    with vehicle.ecu("ESP").hang():
        await vehicle["chassis"].expect_never("VehicleMotion", during="200ms")
    await vehicle["chassis"].expect("VehicleMotion", Speed=0, within="300ms")
