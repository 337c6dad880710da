"""Requirements on body, display and climate, by their numbers in docs/demo.md."""

from __future__ import annotations

import itertools

import pytest
from demo_bench import Bench

DOORS = ("FrontLeft", "FrontRight", "RearLeft", "RearRight")


def locked(bench: Bench) -> list[bool]:
    return [bench.on_bus(f"body.DoorStatus.{door}Locked") == "Yes" for door in DOORS]


def lamps(bench: Bench) -> tuple[bool, bool]:
    return bench.on_bus("body.LightCommand.Left") == "On", bench.on_bus("body.LightCommand.Right") == "On"


def edges(bench: Bench, lamp: str, seconds: float) -> list[float]:
    """When a lamp goes on, in seconds from now."""
    found = []
    before = True
    for step in range(round(seconds * 1000)):
        bench.run(0.001)
        lit = bench.on_bus(f"body.LightCommand.{lamp}") == "On"
        if lit and not before:
            found.append(step / 1000)
        before = lit
    return found


def test_b1_a_turn_signal_blinks_with_one_and_a_half_hertz(bench: Bench) -> None:
    bench.start(SWM__turn="Left")
    times = edges(bench, "Left", 5.0)
    periods = [b - a for a, b in itertools.pairwise(times)]
    assert len(periods) >= 5
    assert all(1 / period == pytest.approx(1.5, abs=0.1) for period in periods)
    assert bench.on_bus("body.LightCommand.Right") == "Off"
    assert bench.vss("Vehicle.Body.Lights.DirectionIndicator.Left.IsSignaling").value is True


def test_b2_hazard_overrides_the_turn_signal_and_blinks_both_sides_together(bench: Bench) -> None:
    bench.start(SWM__turn="Left")
    bench.set("SWM.hazard", "On")
    bench.run(0.1)
    for _ in range(100):
        bench.run(0.01)
        left, right = lamps(bench)
        assert left == right
    assert bench.on_bus("body.LightStatus.Indicator") == "Hazard"
    bench.set("SWM.hazard", "Off")
    bench.run(0.1)
    assert bench.on_bus("body.LightStatus.Indicator") == "Left"


def test_b2_hazard_lamps_light_within_100_ms_without_ignition(bench: Bench) -> None:
    bench.start(BCM__ignition="Off")
    bench.set("SWM.hazard", "On")
    bench.until(lambda: lamps(bench) == (True, True), 0.1)
    bench.run(0.1)
    assert bench.on_bus("chassis.Lamp.State") == "On"


def test_b3_lights_follow_the_switch(bench: Bench) -> None:
    bench.start()
    assert bench.on_bus("body.LightCommand.Daytime") == "On"
    bench.set("SWM.light", "LowBeam")
    bench.run(0.2)
    assert bench.on_bus("body.LightCommand.LowBeam") == "On"
    assert bench.on_bus("body.LightCommand.Daytime") == "Off"
    bench.set("SWM.high_beam", "On")
    bench.run(0.2)
    assert bench.on_bus("body.LightCommand.HighBeam") == "On"
    bench.set("SWM.light", "Off")
    bench.run(0.2)
    assert bench.on_bus("body.LightCommand.LowBeam") == "Off"
    assert bench.on_bus("body.LightCommand.HighBeam") == "Off"


def test_b4_automatic_light_below_1000_lx_until_above_2000(bench: Bench) -> None:
    bench.start(SWM__light="Auto", RLS__brightness=1500.0)
    assert bench.on_bus("body.LightCommand.LowBeam") == "Off"
    for brightness, light in ((900.0, "On"), (1500.0, "On"), (2100.0, "Off")):
        bench.set("RLS.brightness", brightness)
        bench.run(0.3)
        assert bench.on_bus("body.LightCommand.LowBeam") == light


def test_b5_wipers_follow_the_rain(bench: Bench) -> None:
    bench.start(SWM__wiper="Auto")
    for rain, wiper in ((0.0, "Off"), (20.0, "Interval"), (50.0, "Slow"), (80.0, "Fast")):
        bench.set("RLS.rain", rain)
        bench.run(0.3)
        assert bench.on_bus("body.LightStatus.Wiper") == wiper


def test_b6_brake_lamps_within_50_ms_of_the_pedal(bench: Bench) -> None:
    bench.start(ESP__brake=0.0)
    assert bench.on_bus("body.LightCommand.Brake") == "Off"
    bench.set("ESP.brake", 10.0)
    bench.until(lambda: bench.on_bus("body.LightCommand.Brake") == "On", 0.05)
    bench.set("ESP.brake", 0.0)
    bench.until(lambda: bench.on_bus("body.LightCommand.Brake") == "Off", 0.05)


def test_b7_reverse_lamps_in_gear_r(bench: Bench) -> None:
    bench.start(VCU__gear="R")
    bench.run(0.3)
    assert bench.on_bus("body.LightCommand.Reverse") == "On"
    bench.set("VCU.gear", "D")
    bench.run(0.3)
    assert bench.on_bus("body.LightCommand.Reverse") == "Off"


def test_b8_doors_lock_when_15_kmh_are_passed(bench: Bench) -> None:
    bench.start()
    bench.drive_at(14.0)
    assert locked(bench) == [False] * 4
    bench.until(lambda: bench.speed_kmh >= 15, 2.0)
    bench.until(lambda: locked(bench) == [True] * 4, 0.1)
    assert bench.on_bus("body.DoorStatus.LockCause") == "Speed"


def test_b8_an_open_door_is_not_locked(bench: Bench) -> None:
    bench.start(BCM__rear_left="Open")
    bench.drive_at(20.0)
    bench.run(0.1)
    assert locked(bench) == [True, True, False, True]
    assert bench.on_bus("body.ClusterStatus.DoorOpenLamp") == "On"
    assert bench.on_bus("body.LightCommand.Interior") == "On"


@pytest.mark.parametrize("impact", ["Front", "Side", "Rear"])
def test_b9_a_crash_unlocks_all_doors_and_puts_the_hazard_on_within_100_ms(bench: Bench, impact: str) -> None:
    bench.start()
    bench.drive_at(30.0)
    bench.run(0.1)
    assert locked(bench) == [True] * 4
    bench.set("ACU.impact", impact)
    bench.until(lambda: locked(bench) == [False] * 4 and lamps(bench) == (True, True), 0.1)
    bench.run(0.1)
    assert bench.on_bus("body.LightStatus.HazardSource") == "Crash"


def test_b10_the_lock_button_locks_and_unlocks(bench: Bench) -> None:
    bench.start()
    for button, expected in (("Lock", True), ("None", True), ("Unlock", False)):
        bench.set("BCM.lock", button)
        bench.run(0.2)
        assert locked(bench) == [expected] * 4


def test_b11_under_full_acceleration_the_display_is_never_below_the_true_speed(bench: Bench) -> None:
    bench.start()
    bench.drive_at(1.0)
    bench.set("VCU.accelerator", 100.0)
    shown = bench.ecu("Cluster").tx("ClusterStatus.ShownSpeed")
    for _ in range(600):
        bench.run(0.01)
        assert bench.speed_kmh <= float(shown.value) <= bench.speed_kmh * 1.05 + 2


def test_b11_without_the_vehicle_speed_the_display_shows_none(bench: Bench) -> None:
    bench.start()
    bench.drive_at(20.0)
    bench.ecu("VCU").switch_off()
    bench.run(0.3)
    assert bench.on_bus("body.ClusterStatus.SpeedInvalid") == "On"


def test_b12_low_charge_warns_below_10_percent(bench: Bench) -> None:
    bench.start(BMS__soc=9.5)
    bench.run(0.5)
    assert bench.on_bus("body.ClusterStatus.LowSoc") == "On"


def test_b12_no_warning_at_11_percent(bench: Bench) -> None:
    bench.start(BMS__soc=11.0)
    bench.run(0.5)
    assert bench.on_bus("body.ClusterStatus.LowSoc") == "Off"


def test_b13_the_range_is_the_energy_over_the_consumption(bench: Bench) -> None:
    bench.start(BMS__soc=50.0)
    bench.run(1.5)
    consumption = bench.on_bus("powertrain.EnergyInfo.Consumption")
    assert bench.on_bus("powertrain.EnergyInfo.Range") == pytest.approx(29_000 / consumption, rel=0.01)
    assert bench.on_bus("body.ClusterInfo.Range") == bench.on_bus("powertrain.EnergyInfo.Range")


@pytest.mark.parametrize(("ambient", "cabin"), [(-5.0, 0.0), (33.0, 40.0)])
def test_b14_the_cabin_reaches_the_set_temperature(bench: Bench, ambient: float, cabin: float) -> None:
    bench.start(Climate__ambient=ambient, Climate__cabin=cabin, Climate__set_temperature=22.0)
    bench.run(4.0)
    before = bench.on_bus("body.ClimateStatus.CabinTemperature")
    bench.run(10.0)
    after = bench.on_bus("body.ClimateStatus.CabinTemperature")
    assert abs(22 - after) < abs(22 - before) - 0.5
    climate = bench.ecu("Climate").behaviour  # the rest of seven minutes without the rest of the car
    for _ in range(4000):
        climate.control()
    assert climate.cabin_degc == pytest.approx(22.0, abs=0.3)


def test_b15_climate_wishes_from_outside_are_kept_until_the_knob_turns(bench: Bench) -> None:
    bench.start()
    bench.actuate("Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature", 25)
    bench.actuate("Vehicle.Cabin.HVAC.Station.Row1.Driver.FanSpeed", 70)
    bench.run(1.0)
    assert bench.vss("Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature").value == 25
    assert bench.vss("Vehicle.Cabin.HVAC.Station.Row1.Driver.FanSpeed").value == 70
    bench.set("Climate.set_temperature", 19.0)
    bench.run(1.0)
    assert bench.vss("Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature").value == 19


@pytest.mark.parametrize(
    ("path", "door"),
    [
        ("Row1.DriverSide", "FrontLeft"),
        ("Row1.PassengerSide", "FrontRight"),
        ("Row2.DriverSide", "RearLeft"),
        ("Row2.PassengerSide", "RearRight"),
    ],
)
def test_b16_each_door_obeys_its_actuator(bench: Bench, path: str, door: str) -> None:
    bench.start()
    for wish in (True, False, True):
        bench.actuate(f"Vehicle.Cabin.Door.{path}.IsLocked", wish)
        bench.run(0.2)
        assert bench.vss(f"Vehicle.Cabin.Door.{path}.IsLocked").value is wish
        assert locked(bench).count(True) == int(wish)
    assert bench.on_bus(f"body.DoorStatus.{door}Locked") == "Yes"


def test_b16_a_door_can_be_locked_again_after_it_was_unlocked_by_hand(bench: Bench) -> None:
    bench.start()
    path = "Vehicle.Cabin.Door.Row1.DriverSide.IsLocked"
    bench.actuate(path, True)
    bench.run(0.2)
    bench.set("BCM.lock", "Unlock")
    bench.run(0.2)
    assert bench.vss(path).value is False
    bench.actuate(path, True)
    bench.run(0.2)
    assert bench.vss(path).value is True


def test_b17_the_hazard_obeys_its_actuator_and_the_last_word_counts(bench: Bench) -> None:
    bench.start()
    path = "Vehicle.Body.Lights.Hazard.IsSignaling"
    bench.actuate(path, True)
    bench.run(0.2)
    assert bench.vss(path).value is True
    assert bench.on_bus("body.LightStatus.HazardSource") == "Remote"
    bench.set("SWM.hazard", "On")
    bench.run(0.2)
    bench.set("SWM.hazard", "Off")
    bench.run(0.2)
    assert bench.vss(path).value is False


def test_b18_low_beam_on_from_outside_adds_to_the_switch(bench: Bench) -> None:
    bench.start()
    path = "Vehicle.Body.Lights.Beam.Low.IsOn"
    for wish in (True, False):
        bench.actuate(path, wish)
        bench.run(0.2)
        assert bench.vss(path).value is wish
