"""The vehicle control unit: gear, pedals, torque request, limp home, the vehicle's speed."""

from __future__ import annotations

import math
from typing import Final

from gateway.ecu import Ecu, every

from . import car
from .safe_message import SafeMessage

SAFE_TIMEOUT_NS: Final = 300_000_000
LIMP_PERCENT: Final = 20.0
RECOVERY_NS: Final = 1_000_000_000
REVERSE_MAX_KMH: Final = 5.0
PARK_MAX_KMH: Final = 3.0
OVERRIDE_BRAKE: Final = 10.0
OVERRIDE_ACCELERATOR: Final = 5.0
LIFT_OFF_NM: Final = 62.0
"""Recuperation without a pedal: below 1.3 m/s2, so that it needs no brake light (UN R13-H, 5.2.22.4)."""
BRAKING_NM: Final = 120.0
FADE_KMH: Final = (4.0, 12.0)
"""Recuperation fades out between these speeds."""
REVERSE_PART: Final = 0.5
REVERSE_LIMIT_KMH: Final = 20.0
WH_PER_KM: Final = 150.0
FORGET_M: Final = 3000.0
"""Over so many metres the mean consumption forgets."""


class Vcu:
    """Inputs: `accelerator` in percent, `gear` (P, R, N or D: the selector's position)."""

    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.gear = "P"
        self.drive_state = "Off"
        self.limp_cause = "None"
        self.sound_since_ns = 0
        self.overridden = False
        self.speed_kmh = 0.0
        self.acceleration = 0.0
        self.consumed_wh = WH_PER_KM * FORGET_M / 1000
        self.accelerator = ecu.input("accelerator", 0.0)
        self.selector = ecu.input("gear", "P")
        self.wheel_message = SafeMessage(ecu, "WheelSpeeds", SAFE_TIMEOUT_NS)
        self.battery_message = SafeMessage(ecu, "BatteryStatus", SAFE_TIMEOUT_NS)
        self.wheels = [ecu.rx(f"WheelSpeeds.{wheel}") for wheel in ("FrontLeft", "FrontRight", "RearLeft", "RearRight")]
        self.motor_rpm = ecu.rx("MotorStatus.Speed")
        self.brake_pressed = ecu.rx("BrakeStatus.Pressed")
        self.brake_pedal = ecu.rx("BrakeStatus.PedalPosition")
        self.brake_demand = ecu.rx("BrakeStatus.DemandTorque")
        self.crash = ecu.rx("CrashStatus.Crash")
        self.contactors = ecu.rx("BatteryStatus.Contactors")
        self.energy = ecu.rx("BatteryLimits.Energy")
        self.voltage = ecu.rx("BatteryStatus.Voltage")
        self.current = ecu.rx("BatteryStatus.Current")
        self.terminal = ecu.rx("BodyInfo.Terminal")
        self.gear_out = ecu.tx("VcuStatus.Gear")
        self.selector_out = ecu.tx("VcuStatus.SelectorPosition")
        self.refused_out = ecu.tx("VcuStatus.GearRefused")
        self.limp_out = ecu.tx("VcuStatus.LimpHome")
        self.limp_cause_out = ecu.tx("VcuStatus.LimpCause")
        self.override_out = ecu.tx("VcuStatus.BrakeOverride")
        self.contactor_out = ecu.tx("VcuStatus.ContactorRequest")
        self.state_out = ecu.tx("VcuStatus.DriveState")
        self.accelerator_out = ecu.tx("VcuStatus.AcceleratorPosition")
        self.percent_out = ecu.tx("VcuStatus.TorquePercent")
        self.torque_out = ecu.tx("TorqueRequest.Torque")
        self.limit_out = ecu.tx("TorqueRequest.TorqueLimit")
        self.enable_out = ecu.tx("TorqueRequest.Enable")
        self.mode_out = ecu.tx("TorqueRequest.Mode")
        self.speed_out = ecu.tx("VehicleSpeed.Speed")
        self.source_out = ecu.tx("VehicleSpeed.Source")
        self.standstill_out = ecu.tx("VehicleSpeed.Standstill")
        self.reverse_out = ecu.tx("VehicleSpeed.Reverse")
        self.acceleration_out = ecu.tx("VehicleSpeed.Acceleration")
        self.range_out = ecu.tx("EnergyInfo.Range")
        self.consumption_out = ecu.tx("EnergyInfo.Consumption")

    @every("10ms")
    def control(self) -> None:
        self._take_speed()
        self._take_state()
        self._take_gear()
        self._take_limp_home()
        self._ask_for_torque()

    def _take_speed(self) -> None:
        """From the wheels; from the motor when the wheels' message is missing or wrong."""
        before = self.speed_kmh
        motor_kmh = car.speed_of(self.motor_rpm.value) * 3.6
        if self.wheel_message.valid:
            self.speed_kmh = sum(wheel.value for wheel in self.wheels) / 4
        else:
            self.speed_kmh = abs(motor_kmh)
        self.acceleration += 0.1 * ((self.speed_kmh - before) / 3.6 / 0.010 - self.acceleration)
        self.speed_out.value = self.speed_kmh
        motor_source = "Invalid" if self.motor_rpm.timed_out else "Motor"
        self.source_out.value = "Wheels" if self.wheel_message.valid else motor_source
        self.standstill_out.value = "Yes" if self.speed_kmh < 0.1 else "No"
        self.reverse_out.value = "Yes" if motor_kmh < -0.1 else "No"
        self.acceleration_out.saturate(self.acceleration)

    def _take_state(self) -> None:
        """Off, Starting, Ready; Crash stays until power is lost. Off only at a standstill."""
        if self.crash.value != 0 or self.drive_state == "Crash":
            self.drive_state = "Crash"
        elif self.terminal.label != "On":
            if self.speed_kmh < PARK_MAX_KMH:
                self.drive_state = "Off"
        elif self.contactors.label == "Closed":
            self.drive_state = "Ready"
        elif self.drive_state == "Off":
            self.drive_state = "Starting"

    def _take_gear(self) -> None:
        """The gear follows the selector where that is allowed; where it is not, the gear stays."""
        wanted = str(self.selector.value)
        if wanted != self.gear and self._allowed(wanted):
            self.gear = wanted
        if self.drive_state == "Off":
            self.gear = "P"

    def _allowed(self, wanted: str) -> bool:
        if self.gear == "P" and (self.drive_state != "Ready" or self.brake_pressed.label != "On"):
            return False
        if wanted == "R" or (wanted == "D" and self.gear == "R"):
            return self.speed_kmh <= REVERSE_MAX_KMH
        return wanted != "P" or self.speed_kmh <= PARK_MAX_KMH

    def _take_limp_home(self) -> None:
        """On without good wheel speeds or battery status for 300 ms; off when both were good for 1 s."""
        battery, wheels = self.battery_message.valid, self.wheel_message.valid
        now = self.ecu.now_ns
        if now < SAFE_TIMEOUT_NS or (battery and wheels):
            if now - self.sound_since_ns >= RECOVERY_NS:
                self.limp_cause = "None"
            return
        self.sound_since_ns = now
        self.limp_cause = "Both" if not battery and not wheels else "WheelSpeeds" if battery else "Battery"

    @property
    def percent(self) -> float:
        """The part of the motor's greatest torque that is allowed."""
        if self.drive_state != "Ready":
            return 0.0
        return 100.0 if self.limp_cause == "None" else LIMP_PERCENT

    def accelerator_percent(self) -> float:
        """The accelerator as it counts: not at all while the brake is pressed beyond 10 %."""
        pedal = max(0.0, min(100.0, self.accelerator.number))
        braking = self.brake_pedal.value > OVERRIDE_BRAKE
        self.overridden = braking and (self.overridden or pedal > OVERRIDE_ACCELERATOR)
        return 0.0 if braking else pedal

    def wanted_torque(self) -> float:
        """Nm at the motor, positive forward."""
        pedal = self.accelerator_percent() / 100
        if self.gear == "R":
            if self.speed_kmh > REVERSE_LIMIT_KMH:
                return 0.0
            return -REVERSE_PART * pedal * car.MOTOR_TORQUE_NM
        if self.gear != "D":
            return 0.0
        # The pedal position without torque rises with speed: so each position has a speed that it holds.
        neutral = min(0.25, 0.004 * self.speed_kmh)
        if pedal >= neutral:
            return car.motor_limit_nm(self.speed_kmh / 3.6) * (pedal - neutral) / (1 - neutral)
        lift_off = LIFT_OFF_NM * (neutral - pedal) / neutral
        braking = min(BRAKING_NM, self.brake_demand.value / car.RATIO * car.GEAR_EFFICIENCY)
        low, high = FADE_KMH
        return -max(lift_off, braking) * max(0.0, min(1.0, (self.speed_kmh - low) / (high - low)))

    def _ask_for_torque(self) -> None:
        limit = car.MOTOR_TORQUE_NM * self.percent / 100
        self.torque_out.value = max(-limit, min(limit, self.wanted_torque()))
        self.limit_out.value = limit
        self.enable_out.value = "On" if self.drive_state == "Ready" and self.gear in "RD" else "Off"
        self.mode_out.value = (
            "Crash" if self.drive_state == "Crash" else "Normal" if self.limp_cause == "None" else "LimpHome"
        )

    @every("20ms")
    def tell(self) -> None:
        self.gear_out.value = self.gear
        self.selector_out.value = str(self.selector.value)
        self.refused_out.value = "Yes" if self.gear != str(self.selector.value) else "No"
        self.limp_out.value = "Off" if self.limp_cause == "None" else "On"
        self.limp_cause_out.value = self.limp_cause
        self.override_out.value = "On" if self.overridden else "Off"
        self.contactor_out.value = "Close" if self.drive_state in {"Starting", "Ready"} else "Open"
        self.state_out.value = self.drive_state
        self.accelerator_out.saturate(self.accelerator.number)
        self.percent_out.value = self.percent

    @every("100ms")
    def estimate_range(self) -> None:
        """Range from the battery's energy and the mean consumption of the last kilometres; standing does not count."""
        driven_m = self.speed_kmh / 3.6 * 0.1
        if driven_m > 0:
            keep = math.exp(-driven_m / FORGET_M)
            self.consumed_wh = self.consumed_wh * keep + self.voltage.value * self.current.value * 0.1 / 3600
        consumption = max(80.0, min(400.0, self.consumed_wh / FORGET_M * 1000))
        self.consumption_out.value = consumption
        self.range_out.saturate(self.energy.value * 1000 / consumption)
