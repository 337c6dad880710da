"""The motor: turns the accelerator pedal into speed, roughly."""

from __future__ import annotations

from gateway.ecu import Ecu, every

STEP_S = 0.01
ACCELERATION = 4.0
"""In m/s2, with the pedal down."""
DRAG = 0.05
"""In 1/s: so much of the speed is lost each second."""


class Motor:
    """Input: `pedal` in percent."""

    def __init__(self, ecu: Ecu) -> None:
        # Everything is looked up here: a wrong name is told, with its line, before the vehicle drives.
        self.pedal = ecu.input("pedal", 0.0)
        self.speed = ecu.tx("VehicleSpeed.Speed")
        self.rpm = ecu.tx("MotorStatus.Rpm")
        self.temperature = ecu.tx("MotorStatus.Temperature")
        self.state = ecu.tx("MotorStatus.State")
        self.speed_ms = 0.0
        self.heat_degc = 20.0

    @every("10ms")
    def step(self) -> None:
        force = ACCELERATION * self.pedal.number / 100
        self.speed_ms += (force - DRAG * self.speed_ms) * STEP_S
        self.heat_degc += (force * 8 - 0.1 * (self.heat_degc - 20)) * STEP_S
        # Setting a value does not send: the message goes out with its cycle time from the database.
        self.speed.value = self.speed_ms * 3.6
        self.rpm.value = min(20_000.0, self.speed_ms * 80)
        self.temperature.value = min(200.0, self.heat_degc)
        self.state.value = "Derated" if self.heat_degc > 120 else "Ready"
