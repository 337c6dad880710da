"""The car as a body on wheels: data of the demo vehicle and its longitudinal motion."""

from __future__ import annotations

import math
from typing import Final

MASS_KG: Final = 1600.0
ROTATING: Final = 1.05
"""Mass that has to be accelerated, wheels and rotor included, as a multiple of the mass."""
WHEEL_RADIUS_M: Final = 0.32
RATIO: Final = 9.3
GEAR_EFFICIENCY: Final = 0.96
DRAG_AREA_M2: Final = 0.64
"""Drag coefficient 0.28 times 2.3 m2."""
ROLLING: Final = 0.010
AIR_KG_M3: Final = 1.2
G: Final = 9.81
WHEELBASE_M: Final = 2.65
TRACK_M: Final = 1.55
STEERING_RATIO: Final = 15.0
MOTOR_TORQUE_NM: Final = 225.0
MOTOR_POWER_W: Final = 105_000.0


def motor_rpm(speed_ms: float) -> float:
    """Revolutions a minute of the motor at a speed in m/s."""
    return speed_ms / WHEEL_RADIUS_M * RATIO * 30 / math.pi


def speed_of(rpm: float) -> float:
    """Speed in m/s at so many revolutions a minute of the motor."""
    return rpm * math.pi / 30 / RATIO * WHEEL_RADIUS_M


def motor_limit_nm(speed_ms: float) -> float:
    """The greatest torque of the motor at a speed: constant, then falling with constant power."""
    omega = abs(speed_ms) / WHEEL_RADIUS_M * RATIO
    return MOTOR_TORQUE_NM if omega * MOTOR_TORQUE_NM <= MOTOR_POWER_W else MOTOR_POWER_W / omega


def wheel_force(motor_torque_nm: float, speed_ms: float) -> float:
    """Force in N at the tyres; the gear's losses go against the flow of power."""
    driving = motor_torque_nm * speed_ms >= 0
    efficiency = GEAR_EFFICIENCY if driving else 1 / GEAR_EFFICIENCY
    return motor_torque_nm * RATIO * efficiency / WHEEL_RADIUS_M


def next_speed(speed_ms: float, force_n: float, brake_torque_nm: float, grade_percent: float, dt_s: float) -> float:
    """The speed after `dt_s`. Brakes and rolling resistance only ever slow down; they hold the car once it stands."""
    slope = math.atan(grade_percent / 100)
    push = force_n - MASS_KG * G * math.sin(slope)
    hold = brake_torque_nm / WHEEL_RADIUS_M + MASS_KG * G * ROLLING * math.cos(slope)
    inertia = MASS_KG * ROTATING
    if speed_ms == 0:
        if abs(push) <= hold:
            return 0.0
        return (push - math.copysign(hold, push)) / inertia * dt_s
    drag = 0.5 * AIR_KG_M3 * DRAG_AREA_M2 * speed_ms * speed_ms
    after = speed_ms + (push - math.copysign(hold + drag, speed_ms)) / inertia * dt_s
    return 0.0 if after * speed_ms < 0 and abs(push) <= hold else after
