"""The inverter with its motor, and with the car that it moves."""

from __future__ import annotations

import math
from typing import Final

from gateway.ecu import Ecu, every, on

from . import car

STEP_S: Final = 0.010
REQUEST_TIMEOUT_NS: Final = 100_000_000
INIT_NS: Final = 200_000_000
"""So long it waits for wheel speeds after power on; without them the car stands."""
TORQUE_LAG_S: Final = 0.030
EFFICIENCY: Final = 0.93
NM_PER_A: Final = 0.55
"""Torque per ampere of the current across the field."""


class Inverter:
    """Gives the torque that the VCU asks for, within what motor and battery can; integrates the car's motion.

    Input: `grade` in percent, uphill positive. `speed_ms` is the true speed, negative backwards; `distance_m` what was
    driven since power on.
    """

    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.speed_ms = 0.0
        self.distance_m = 0.0
        self.torque_nm = 0.0
        self.rotor_deg = 0.0
        self.motor_degc = 60.0
        self.adopted = False
        self.enabled = False
        self.booted_ns = ecu.now_ns
        self.grade = ecu.input("grade", 0.0)
        self.request = ecu.rx("TorqueRequest.Torque")
        self.limit = ecu.rx("TorqueRequest.TorqueLimit")
        self.enable = ecu.rx("TorqueRequest.Enable")
        self.brake = ecu.rx("BrakeStatus.FrictionTorque")
        self.crash = ecu.rx("CrashStatus.Crash")
        self.contactors = ecu.rx("BatteryStatus.Contactors")
        self.voltage = ecu.rx("BatteryStatus.Voltage")
        self.discharge_kw = ecu.rx("BatteryLimits.MaxDischargePower")
        self.charge_kw = ecu.rx("BatteryLimits.MaxChargePower")
        self.wheels = [ecu.rx(f"WheelSpeeds.{wheel}") for wheel in ("RearLeft", "RearRight")]
        self.state_out = ecu.tx("MotorStatus.State")
        self.derated_out = ecu.tx("MotorStatus.Derated")
        self.rpm_out = ecu.tx("MotorStatus.Speed")
        self.torque_out = ecu.tx("MotorStatus.Torque")
        self.power_out = ecu.tx("InverterPower.DcPower")
        self.current_out = ecu.tx("InverterPower.DcCurrent")
        self.grade_out = ecu.tx("InverterPower.Grade")
        self.motor_degc_out = ecu.tx("InverterPower.MotorTemperature")
        self.inverter_degc_out = ecu.tx("InverterPower.InverterTemperature")
        self.iq_out = ecu.tx("MotorCurrents.Iq")
        self.id_out = ecu.tx("MotorCurrents.Id")
        self.modulation_out = ecu.tx("MotorCurrents.Modulation")
        self.rotor_out = ecu.tx("MotorCurrents.RotorAngle")

    @on("WheelSpeeds")
    def adopt(self) -> None:
        """After a reset while the car rolls: its motion goes on from what the wheels say."""
        if not self.adopted:
            self.adopted = True
            self.speed_ms = sum(wheel.value for wheel in self.wheels) / 2 / 3.6

    @property
    def closed(self) -> bool:
        """As the BMS said last: a BMS that has fallen silent has not opened them."""
        return self.contactors.label == "Closed"

    def may_turn(self) -> bool:
        """Torque is allowed: asked for within 100 ms, battery connected, no crash."""
        fresh = self.ecu.now_ns - self.enable.message.time_ns <= REQUEST_TIMEOUT_NS
        return fresh and self.enable.label == "On" and self.closed and self.crash.value == 0

    def wanted_torque(self) -> tuple[float, bool]:
        """The torque in Nm that is to act, and whether it had to be less than requested."""
        if not self.enabled:
            return 0.0, False
        request = self.request.value
        omega = abs(self.speed_ms) / car.WHEEL_RADIUS_M * car.RATIO
        most = min(car.motor_limit_nm(self.speed_ms), self.limit.value)
        driving = request * self.speed_ms >= 0
        battery_w = 1000 * (self.discharge_kw.value * EFFICIENCY if driving else self.charge_kw.value / EFFICIENCY)
        most = min(most, battery_w / max(omega, 20.0))
        torque = max(-most, min(most, request))
        return torque, torque != request

    @every("10ms")
    def step(self) -> None:
        if not self.adopted and self.ecu.now_ns - self.booted_ns < INIT_NS:
            self.state_out.value = "Init"
            return
        self.adopted = True
        self.enabled = self.may_turn()
        wanted, derated = self.wanted_torque()
        self.torque_nm += (wanted - self.torque_nm) * STEP_S / TORQUE_LAG_S
        if not self.enabled:
            self.torque_nm = 0.0
        force = car.wheel_force(self.torque_nm, self.speed_ms)
        before = self.speed_ms
        self.speed_ms = car.next_speed(before, force, self.brake.value, self.grade.number, STEP_S)
        self.distance_m += abs(before + self.speed_ms) / 2 * STEP_S
        self._tell_motion(derated)
        self._tell_power()

    def _tell_motion(self, derated: bool) -> None:
        rpm = car.motor_rpm(self.speed_ms)
        self.rotor_deg = (self.rotor_deg + rpm * 6 * STEP_S) % 360
        self.state_out.value = ("Active" if self.torque_nm else "Ready") if self.enabled else "Off"
        self.derated_out.value = "Yes" if derated else "No"
        self.rpm_out.value = rpm
        self.torque_out.value = self.torque_nm
        self.grade_out.value = self.grade.number
        self.rotor_out.saturate(self.rotor_deg)

    def _tell_power(self) -> None:
        mechanical_w = self.torque_nm * car.motor_rpm(self.speed_ms) * math.pi / 30
        heat_w = 0.4 * self.torque_nm * self.torque_nm / 10
        electric_w = (mechanical_w / EFFICIENCY if mechanical_w > 0 else mechanical_w * EFFICIENCY) + heat_w
        self.motor_degc += (heat_w - 12 * (self.motor_degc - 40)) / 30_000 * STEP_S
        volts = self.voltage.value if self.closed else 0.0
        self.power_out.value = electric_w / 1000
        self.current_out.value = electric_w / volts if volts > 100 else 0.0
        self.motor_degc_out.value = self.motor_degc
        self.inverter_degc_out.value = 20 + self.motor_degc / 2
        self.iq_out.value = self.torque_nm / NM_PER_A
        self.id_out.value = -min(200.0, abs(self.speed_ms) * 4)
        self.modulation_out.saturate(abs(self.speed_ms) * 4)
