"""Requirements on drive and chassis, by their numbers in docs/demo.md."""

from __future__ import annotations

from gateway.hil import VehicleUnderTest, faults, near


async def test_d2_the_gear_leaves_p_only_with_the_brake_pressed(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("ESP").input("brake").value = 0.0
    await vehicle["powertrain"].expect("BrakeStatus", Pressed="Off", within="100ms")
    vehicle.ecu("VCU").input("gear").value = "D"
    await vehicle["powertrain"].expect("VcuStatus", Gear="P", GearRefused="Yes", within="100ms")
    await vehicle["powertrain"].expect_never("VcuStatus", Gear="D", during="200ms")


async def test_d3_reverse_is_refused_while_the_car_rolls(rolling: VehicleUnderTest) -> None:
    rolling.ecu("VCU").input("gear").value = "R"
    await rolling["powertrain"].expect("VcuStatus", Gear="D", GearRefused="Yes", within="100ms")


async def test_d4_the_accelerator_is_ignored_while_the_brake_is_pressed(rolling: VehicleUnderTest) -> None:
    rolling.ecu("VCU").input("accelerator").value = 50.0
    rolling.ecu("ESP").input("brake").value = 15.0
    await rolling["powertrain"].expect("VcuStatus", BrakeOverride="On", within="200ms")


async def test_d5_limp_home_when_the_wheel_speeds_are_missing(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("ESP").kill()
    limp = await vehicle["powertrain"].expect("VcuStatus", LimpHome="On", LimpCause="WheelSpeeds", within="500ms")
    assert 0.2 < limp.after_s < 0.45


async def test_d5_the_limp_home_lamp_lights(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("BMS").kill()
    await vehicle["body"].expect("ClusterStatus", LimpHomeLamp="On", within="1s")


async def test_d6_limp_home_for_a_wrong_checksum(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.ChecksumWrong("powertrain.BatteryStatus")):
        await vehicle["powertrain"].expect("VcuStatus", LimpCause="Battery", within="500ms")


async def test_d6_limp_home_for_a_counter_that_is_stuck(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.CounterStuck("powertrain.BatteryStatus")):
        await vehicle["powertrain"].expect("VcuStatus", LimpCause="Battery", within="500ms")


async def test_d6_no_limp_home_for_two_lost_frames(vehicle: VehicleUnderTest) -> None:
    await vehicle.run_for("200ms")  # so early nothing can be missing yet
    vehicle.after("0ms", faults.Lost("powertrain.BatteryStatus"), lasting="20ms")
    await vehicle["powertrain"].expect_never("VcuStatus", LimpHome="On", during="600ms")


async def test_d7_a_crash_opens_the_contactors_within_100_ms(vehicle: VehicleUnderTest) -> None:
    await vehicle["powertrain"].expect("BatteryStatus", Contactors="Closed", within="500ms")
    vehicle.ecu("ACU").input("impact").value = "Side"
    await vehicle["powertrain"].expect("BatteryStatus", Contactors="Open", within="100ms")


async def test_d8_no_torque_without_a_torque_request(rolling: VehicleUnderTest) -> None:
    rolling.ecu("VCU").input("accelerator").value = 60.0
    await rolling["powertrain"].expect("MotorStatus", Torque=lambda nm: nm > 20, within="500ms")
    rolling.ecu("VCU").kill()
    await rolling["powertrain"].expect("MotorStatus", Torque=0, within="150ms")


async def test_d11_steering_sensors_that_differ_are_told(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("EPS").input("offset").value = 8.0
    await vehicle["chassis"].expect("SteeringAngle", Status="Implausible", within="150ms")


async def test_d13_the_brakes_hold_on_a_hill(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("Inverter").input("grade").value = 8.0
    vehicle.ecu("VCU").input("gear").value = "D"
    await vehicle.run_for("100ms")
    vehicle.ecu("ESP").input("brake").value = 0.0
    await vehicle.run_for("1s")
    await vehicle["chassis"].expect("BrakeStatus", HoldActive="On", within="100ms")


async def test_d14_the_speed_is_stale_when_the_esp_dies(vehicle: VehicleUnderTest) -> None:
    assert await vehicle.signal("Vehicle.Speed").becomes(0, within="200ms")
    vehicle.ecu("ESP").kill()
    await vehicle.signal("Vehicle.Speed").becomes_stale(within="300ms")


async def test_d16_the_contactors_close_after_200_ms_of_precharge(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("BMS").reboot(after="100ms")
    charging = vehicle["powertrain"].expect("BatteryStatus", Contactors="Precharge", within="2s")
    closed = vehicle["powertrain"].expect("BatteryStatus", Contactors="Closed", within="2s")
    taken_ns = await vehicle.response_time(charging, closed, at_most="300ms")
    assert taken_ns == near(200e6, 50e6)
