"""Requirements on locks, crash and display, by their numbers in docs/demo.md."""

from __future__ import annotations

from gateway.hil import VehicleUnderTest, near

UNLOCKED = {"FrontLeftLocked": "No", "FrontRightLocked": "No", "RearLeftLocked": "No", "RearRightLocked": "No"}
LOCKED = dict.fromkeys(UNLOCKED, "Yes")


async def test_b8_the_doors_lock_above_15_kmh(rolling: VehicleUnderTest) -> None:
    assert rolling["body"].latest("DoorStatus").FrontLeftLocked == "No"
    passed = rolling["body"].expect("VehicleSpeed", Speed=lambda kmh: kmh > 15, within="3s")
    locked = rolling["body"].expect("DoorStatus", LOCKED, LockCause="Speed", within="3s")
    rolling.ecu("VCU").input("accelerator").value = 60.0
    await rolling.response_time(passed, locked, at_most="100ms")


async def test_b9_a_crash_unlocks_all_doors_within_100_ms(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("BCM").input("lock").value = "Lock"
    await vehicle["body"].expect("DoorStatus", FrontLeftLocked="Yes", within="200ms")
    vehicle.ecu("ACU").input("impact").value = "Front"
    await vehicle["body"].expect("DoorStatus", UNLOCKED, within="100ms")


async def test_b9_a_crash_puts_the_hazard_lights_on_within_100_ms(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("ACU").input("impact").value = "Rear"
    await vehicle["body"].expect("LightCommand", Left="On", Right="On", within="100ms")


async def test_b10_the_button_locks_all_doors(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("BCM").input("lock").value = "Lock"
    await vehicle["body"].expect("DoorStatus", LOCKED, within="200ms")


async def test_b11_the_display_is_two_percent_above_the_true_speed(rolling: VehicleUnderTest) -> None:
    await rolling.run_for("300ms")
    true_kmh = float(rolling["body"].latest("VehicleSpeed").Speed)
    shown = await rolling["body"].expect("ClusterInfo", DisplaySpeed=near(1.02 * true_kmh, 1.0), within="200ms")
    assert float(shown.DisplaySpeed) > true_kmh - 0.2


async def test_b11_without_a_speed_the_display_shows_none(rolling: VehicleUnderTest) -> None:
    rolling.ecu("VCU").kill()
    await rolling["body"].expect("ClusterStatus", SpeedInvalid="On", within="300ms")


async def test_b12_low_charge_is_warned_of(vehicle: VehicleUnderTest) -> None:
    with vehicle.ecu("BMS").override("BatteryStatus.Soc", 9.5):
        await vehicle["body"].expect("ClusterStatus", LowSoc="On", within="400ms")


async def test_b16_a_door_obeys_an_application(vehicle: VehicleUnderTest) -> None:
    door = vehicle.signal("Vehicle.Cabin.Door.Row1.DriverSide.IsLocked")
    for wish in (True, False):
        door.actuate(wish)
        await door.becomes(wish, within="300ms")
