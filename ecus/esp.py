"""The brake system: pedal, friction brakes, wheel speeds, how the vehicle moves."""

from __future__ import annotations

import math
from typing import Final

from gateway.ecu import Ecu, every

from . import car

STEP_S: Final = 0.010
PRESSED: Final = 2.0
"""Percent of the pedal's way, from which on it counts as pressed."""
FULL_DEMAND_NM: Final = 5600.0
"""All wheels together with the pedal at its end: 1.1 g."""
ABS_FROM_KMH: Final = 6.0
MOTOR_TIMEOUT_NS: Final = 100_000_000
HOLD_NM: Final = 900.0
HOLD_NS: Final = 2_000_000_000
HOLD_UNTIL_NM: Final = 15.0
STANDSTILL_MS: Final = 0.02
FRONT_PART: Final = 0.65
NM_PER_BAR: Final = 12.0


class Esp:
    """Inputs: `brake` in percent of the pedal's way, `friction` of the road (0.9: dry).

    The wheels turn as the motor does, which the powertrain's `MotorStatus` tells; without it the car coasts.
    """

    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.speed_ms = 0.0
        self.acceleration = 0.0
        self.distance_m = 0.0
        self.friction_nm = 0.0
        self.motor_known = False
        self.steering_known = False
        self.held_since_ns = -HOLD_NS
        self.pedal = ecu.input("brake", 0.0)
        self.road = ecu.input("friction", 0.9)
        self.rpm = ecu.rx("MotorStatus.Speed")
        self.motor_state = ecu.rx("MotorStatus.State")
        self.motor_nm = ecu.rx("MotorStatus.Torque")
        self.angle = ecu.rx("SteeringAngle.Angle")
        self.angle_status = ecu.rx("SteeringAngle.Status")
        self.pressed_out = ecu.tx("BrakeStatus.Pressed")
        self.position_out = ecu.tx("BrakeStatus.PedalPosition")
        self.demand_out = ecu.tx("BrakeStatus.DemandTorque")
        self.friction_out = ecu.tx("BrakeStatus.FrictionTorque")
        self.abs_out = ecu.tx("BrakeStatus.AbsActive")
        self.esc_out = ecu.tx("BrakeStatus.EscAvailable")
        self.hold_out = ecu.tx("BrakeStatus.HoldActive")
        wheels = ("FrontLeft", "FrontRight", "RearLeft", "RearRight")
        self.wheels_out = [ecu.tx(f"WheelSpeeds.{wheel}") for wheel in wheels]
        self.pressure_out = [ecu.tx(f"EspStatus.Pressure{wheel}") for wheel in wheels]
        self.direction_out = ecu.tx("VehicleMotion.Direction")
        self.valid_out = ecu.tx("VehicleMotion.SpeedValid")
        self.speed_out = ecu.tx("VehicleMotion.Speed")
        self.long_out = ecu.tx("VehicleMotion.LongitudinalAcceleration")
        self.lateral_out = ecu.tx("VehicleMotion.LateralAcceleration")
        self.yaw_out = ecu.tx("VehicleMotion.YawRate")
        self.road_out = ecu.tx("VehicleMotion.Friction")
        self.distance_out = ecu.tx("VehicleMotion.Distance")

    @every("10ms")
    def control(self) -> None:
        self._look_around()
        self._take_speed()
        self._brake()
        self._tell_wheels()

    def _look_around(self) -> None:
        """Which of the others' messages can be used now."""
        motor = self.rpm.message
        fresh = motor.count > 0 and self.ecu.now_ns - motor.time_ns <= MOTOR_TIMEOUT_NS
        self.motor_known = fresh and self.motor_state.label != "Init"
        self.steering_known = self.angle_status.label == "Valid" and not self.angle_status.timed_out

    def _take_speed(self) -> None:
        before = self.speed_ms
        if self.motor_known:
            self.speed_ms = car.speed_of(self.rpm.value)
        else:
            self.speed_ms = car.next_speed(before, 0.0, self.friction_nm, 0.0, STEP_S)
        if abs(self.speed_ms) < STANDSTILL_MS:
            self.speed_ms = 0.0
        self.acceleration += 0.15 * ((self.speed_ms - before) / STEP_S - self.acceleration)
        self.distance_m += abs(before + self.speed_ms) / 2 * STEP_S

    def _brake(self) -> None:
        """Friction gives what recuperation does not, up to what the road takes; then the ABS is active."""
        pedal = max(0.0, min(100.0, self.pedal.number))
        demand = FULL_DEMAND_NM * pedal / 100
        motor_nm = self.motor_nm.value if self.motor_known else 0.0
        recuperated = max(0.0, -motor_nm * math.copysign(1.0, self.speed_ms)) * car.RATIO / car.GEAR_EFFICIENCY
        friction = max(0.0, demand - recuperated)
        most = self.road.number * car.MASS_KG * car.G * car.WHEEL_RADIUS_M
        skidding = friction > most and abs(self.speed_ms) * 3.6 > ABS_FROM_KMH
        holding = self._holds(pedal, motor_nm)
        self.friction_nm = max(min(friction, most), HOLD_NM if holding else 0.0)
        self.pressed_out.value = "On" if pedal > PRESSED else "Off"
        self.position_out.value = pedal
        self.demand_out.value = demand
        self.friction_out.value = self.friction_nm
        self.abs_out.value = "On" if skidding else "Off"
        self.hold_out.value = "On" if holding else "Off"
        self.esc_out.value = "On" if self.steering_known else "Off"

    @every("50ms")
    def tell_pressures(self) -> None:
        for index, out in enumerate(self.pressure_out):
            out.value = self.friction_nm * (FRONT_PART if index < 2 else 1 - FRONT_PART) / 2 / NM_PER_BAR

    def _holds(self, pedal: float, motor_nm: float) -> bool:
        """Hill hold: 2 s after the pedal is let go at a standstill, or until the motor pulls."""
        if pedal > PRESSED and self.speed_ms == 0:
            self.held_since_ns = self.ecu.now_ns
            return False
        if abs(motor_nm) > HOLD_UNTIL_NM or self.speed_ms != 0:
            self.held_since_ns = -HOLD_NS
        return self.ecu.now_ns - self.held_since_ns < HOLD_NS

    @property
    def yaw_rate(self) -> float:
        """rad/s, to the left positive, from speed and steering (a bicycle without slip)."""
        wheel_angle = math.radians(self.angle.value / car.STEERING_RATIO) if self.steering_known else 0.0
        return self.speed_ms * math.tan(wheel_angle) / car.WHEELBASE_M

    def _tell_wheels(self) -> None:
        sideways = self.yaw_rate * car.TRACK_M / 2
        left = abs(self.speed_ms - sideways) * 3.6
        right = abs(self.speed_ms + sideways) * 3.6
        for out, speed in zip(self.wheels_out, (left, right, left, right), strict=True):
            out.saturate(speed)

    @every("20ms")
    def tell_motion(self) -> None:
        yaw = self.yaw_rate
        forward = "Forward" if self.speed_ms > 0 else "Backward"
        self.speed_out.saturate(abs(self.speed_ms) * 3.6)
        self.valid_out.value = "Yes" if self.motor_known else "No"
        self.direction_out.value = "Standstill" if self.speed_ms == 0 else forward
        self.long_out.saturate(self.acceleration)
        self.lateral_out.saturate(yaw * self.speed_ms)
        self.yaw_out.saturate(math.degrees(yaw))
        self.road_out.saturate(self.road.number)
        self.distance_out.value = self.distance_m
