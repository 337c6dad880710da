"""Requirements on drive and chassis, by their numbers in docs/demo.md."""

from __future__ import annotations

import pytest
from demo_bench import Bench

from gateway.routing import Quality

LIMP_NM = 0.20 * 225


def test_d1_a_hundred_from_standstill_in_about_nine_seconds(bench: Bench) -> None:
    bench.start()
    bench.set("VCU.gear", "D")
    bench.run(0.1)
    bench.set("ESP.brake", 0.0)
    bench.set("VCU.accelerator", 100.0)
    assert bench.until(lambda: bench.speed_kmh >= 100, 12.0) == pytest.approx(9.0, abs=0.7)


def test_d2_out_of_p_only_with_the_brake_pressed(bench: Bench) -> None:
    bench.start(ESP__brake=0.0)
    bench.set("VCU.gear", "D")
    bench.run(0.5)
    assert bench.on_bus("powertrain.VcuStatus.Gear") == "P"
    assert bench.on_bus("powertrain.VcuStatus.GearRefused") == "Yes"
    bench.set("ESP.brake", 10.0)
    bench.run(0.1)
    assert bench.on_bus("powertrain.VcuStatus.Gear") == "D"
    assert bench.on_bus("powertrain.VcuStatus.GearRefused") == "No"


def test_d3_reverse_is_refused_above_5_kmh(bench: Bench) -> None:
    bench.start()
    bench.drive_at(8.0)
    bench.set("VCU.gear", "R")
    bench.run(0.1)
    assert bench.on_bus("powertrain.VcuStatus.Gear") == "D"
    assert bench.on_bus("powertrain.VcuStatus.GearRefused") == "Yes"


def test_d3_reverse_is_taken_at_a_standstill(bench: Bench) -> None:
    bench.start(VCU__gear="R")
    bench.run(0.1)
    bench.set("ESP.brake", 0.0)
    bench.set("VCU.accelerator", 30.0)
    bench.until(lambda: bench.speed_kmh < -2, 5.0)
    assert bench.on_bus("chassis.VehicleMotion.Direction") == "Backward"
    assert bench.on_bus("powertrain.VehicleSpeed.Reverse") == "Yes"


def test_d4_the_accelerator_is_ignored_while_the_brake_is_pressed(bench: Bench) -> None:
    bench.start()
    bench.drive_at(30.0)
    bench.set("ESP.brake", 15.0)
    bench.run(0.2)
    assert bench.on_bus("powertrain.VcuStatus.BrakeOverride") == "On"
    assert bench.on_bus("powertrain.TorqueRequest.Torque") < 0
    bench.set("ESP.brake", 0.0)
    bench.run(0.2)
    assert bench.on_bus("powertrain.VcuStatus.BrakeOverride") == "Off"
    assert bench.on_bus("powertrain.TorqueRequest.Torque") > 0


def test_d5_limp_home_within_400_ms_when_the_esp_falls_silent(bench: Bench) -> None:
    bench.start()
    bench.drive_at(20.0)
    bench.ecu("ESP").switch_off()
    assert 0.28 <= bench.until(lambda: bench.on_bus("powertrain.VcuStatus.LimpHome") == "On", 0.5) <= 0.4
    bench.run(0.2)
    assert bench.on_bus("powertrain.VcuStatus.LimpCause") == "WheelSpeeds"
    assert bench.on_bus("powertrain.VcuStatus.TorquePercent") == 20
    assert bench.on_bus("powertrain.VehicleSpeed.Source") == "Motor"
    assert 0 < bench.on_bus("powertrain.MotorStatus.Torque") <= LIMP_NM + 0.1
    assert bench.on_bus("body.ClusterStatus.LimpHomeLamp") == "On"


def test_d5_limp_home_when_the_bms_falls_silent_and_back_1_s_after_it_returned(bench: Bench) -> None:
    bench.start()
    bench.drive_at(20.0)
    bench.ecu("BMS").switch_off()
    bench.until(lambda: bench.on_bus("powertrain.VcuStatus.LimpHome") == "On", 0.4)
    assert bench.on_bus("powertrain.VcuStatus.LimpCause") == "Battery"
    bench.ecu("BMS").switch_on()
    back_s = bench.until(lambda: bench.on_bus("powertrain.VcuStatus.LimpHome") == "Off", 2.0)
    assert back_s == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("ecu", "bus", "message"), [("BMS", "powertrain", "BatteryStatus"), ("ESP", "chassis", "WheelSpeeds")]
)
@pytest.mark.parametrize("fault", ["wrong", "stuck"])
def test_d6_limp_home_when_checksum_or_counter_is_wrong(
    bench: Bench, ecu: str, bus: str, message: str, fault: str
) -> None:
    bench.start()
    bench.drive_at(20.0)
    protection = bench.ecu(ecu).ports[bus].tx[message].protection
    assert protection is not None
    setattr(protection, fault, True)
    assert 0.28 <= bench.until(lambda: bench.on_bus("powertrain.VcuStatus.LimpHome") == "On", 0.5) <= 0.4


def test_d6_no_limp_home_for_two_lost_frames(bench: Bench) -> None:
    bench.start()
    bench.drive_at(20.0)
    message = bench.ecu("ESP").ports["chassis"].tx["WheelSpeeds"]
    message.active = False
    bench.run(0.02)
    message.active = True
    bench.run(0.5)
    assert bench.on_bus("powertrain.VcuStatus.LimpHome") == "Off"


def test_d7_a_crash_takes_torque_and_opens_the_contactors_within_100_ms(bench: Bench) -> None:
    bench.start()
    bench.drive_at(30.0)
    bench.set("ACU.impact", "Front")
    bench.run(0.1)
    assert bench.on_bus("powertrain.BatteryStatus.Contactors") == "Open"
    assert bench.on_bus("powertrain.MotorStatus.Torque") == 0
    assert bench.on_bus("powertrain.TorqueRequest.Mode") == "Crash"
    bench.set("ACU.impact", "None")
    bench.run(1.0)
    assert bench.on_bus("powertrain.BatteryStatus.Contactors") == "Open"


def test_d8_no_torque_without_a_torque_request_for_100_ms(bench: Bench) -> None:
    bench.start()
    bench.drive_at(30.0)
    bench.ecu("VCU").switch_off()
    bench.run(0.15)
    assert bench.on_bus("powertrain.MotorStatus.Torque") == 0


def test_d9_recuperation_first_then_friction(bench: Bench) -> None:
    bench.start()
    bench.drive_at(50.0)
    bench.set("VCU.accelerator", 0.0)
    bench.set("ESP.brake", 10.0)
    bench.run(0.5)
    assert bench.on_bus("powertrain.InverterPower.DcPower") < 0
    assert bench.on_bus("chassis.BrakeStatus.FrictionTorque") < 50
    bench.set("ESP.brake", 60.0)
    bench.run(0.5)
    assert bench.on_bus("chassis.BrakeStatus.FrictionTorque") > 1000


def test_d9_lifting_off_stays_below_what_needs_a_brake_light(bench: Bench) -> None:
    bench.start()
    bench.drive_at(50.0)
    bench.set("VCU.accelerator", 0.0)
    bench.run(1.0)
    assert -1.3 < bench.on_bus("chassis.VehicleMotion.LongitudinalAcceleration") < -0.8


def test_d10_the_abs_is_active_when_the_road_does_not_take_the_demand(bench: Bench) -> None:
    bench.start(ESP__friction=0.3)
    bench.drive_at(40.0)
    bench.set("VCU.accelerator", 0.0)
    bench.set("ESP.brake", 80.0)
    bench.run(0.3)
    assert bench.on_bus("chassis.BrakeStatus.AbsActive") == "On"
    assert bench.vss("Vehicle.ADAS.ABS.IsEngaged").value is True
    bench.until(lambda: bench.speed_kmh < 1, 10.0)
    bench.run(0.1)
    assert bench.on_bus("chassis.BrakeStatus.AbsActive") == "Off"


def test_d11_two_steering_sensors_that_differ_make_the_angle_implausible(bench: Bench) -> None:
    bench.start(EPS__angle=30.0)
    assert bench.on_bus("chassis.SteeringAngle.Status") == "Valid"
    bench.set("EPS.offset", 8.0)
    bench.run(0.04)
    assert bench.on_bus("chassis.SteeringAngle.Status") == "Valid"
    bench.run(0.06)
    assert bench.on_bus("chassis.SteeringAngle.Status") == "Implausible"
    assert bench.on_bus("chassis.BrakeStatus.EscAvailable") == "Off"
    bench.set("EPS.offset", 0.0)
    bench.run(0.1)
    assert bench.on_bus("chassis.SteeringAngle.Status") == "Valid"


def test_d12_in_a_left_turn_the_left_wheels_are_slower(bench: Bench) -> None:
    bench.start()
    bench.drive_at(20.0)
    bench.set("EPS.angle", 120.0)
    bench.run(0.2)
    assert bench.on_bus("chassis.WheelSpeeds.FrontLeft") < bench.on_bus("chassis.WheelSpeeds.FrontRight") - 1
    assert bench.on_bus("chassis.VehicleMotion.YawRate") > 5


def test_d13_on_a_hill_the_brakes_hold_for_2_s_after_the_pedal_is_let_go(bench: Bench) -> None:
    bench.start(Inverter__grade=8.0)
    bench.set("VCU.gear", "D")
    bench.run(0.2)
    bench.set("ESP.brake", 0.0)
    bench.run(1.5)
    assert bench.on_bus("chassis.BrakeStatus.HoldActive") == "On"
    assert bench.speed_kmh == 0
    bench.run(1.0)
    assert bench.speed_kmh < 0


def test_d14_the_speed_in_vss_is_stale_300_ms_after_the_esp_died(bench: Bench) -> None:
    bench.start()
    bench.drive_at(20.0)
    assert bench.vss("Vehicle.Speed").quality is Quality.GOOD
    bench.ecu("ESP").switch_off()
    bench.run(0.3)
    assert bench.vss("Vehicle.Speed").quality is Quality.STALE


def test_d15_the_motion_goes_on_when_the_inverter_restarts(bench: Bench) -> None:
    bench.start()
    bench.drive_at(40.0)
    bench.ecu("Inverter").switch_off()
    bench.run(0.5)
    bench.ecu("Inverter").switch_on()
    bench.run(0.1)
    assert 35 < bench.speed_kmh < 42


def test_d16_contactors_close_after_200_ms_of_precharge_and_open_with_the_ignition(bench: Bench) -> None:
    bench.start(BCM__ignition="Off")
    assert bench.on_bus("powertrain.BatteryStatus.Contactors") == "Open"
    bench.set("BCM.ignition", "On")
    bench.until(lambda: bench.on_bus("powertrain.BatteryStatus.Contactors") == "Precharge", 0.3)
    closed_s = bench.until(lambda: bench.on_bus("powertrain.BatteryStatus.Contactors") == "Closed", 0.5)
    assert closed_s == pytest.approx(0.2, abs=0.02)
    bench.set("BCM.ignition", "Off")
    bench.run(0.5)
    assert bench.on_bus("powertrain.BatteryStatus.Contactors") == "Open"
