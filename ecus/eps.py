"""The electric power steering: the steering wheel's angle, twice measured, and the assistance."""

from __future__ import annotations

from typing import Final

from gateway.ecu import Ecu, every

STEP_S: Final = 0.010
PLAUSIBLE_DEG: Final = 5.0
IMPLAUSIBLE_NS: Final = 50_000_000
LARGEST_DEG: Final = 780.0


class Eps:
    """Inputs: `angle` in degrees, left positive; `offset`, by how much the second sensor is wrong."""

    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.last_deg = 0.0
        self.plausible = True
        self.differs_since_ns: int | None = None
        self.angle = ecu.input("angle", 0.0)
        self.offset = ecu.input("offset", 0.0)
        self.speed = ecu.rx("VehicleMotion.Speed")
        self.status_out = ecu.tx("SteeringAngle.Status")
        self.angle_out = ecu.tx("SteeringAngle.Angle")
        self.rate_out = ecu.tx("SteeringAngle.Rate")
        self.redundant_out = ecu.tx("SteeringAngle.RedundantAngle")
        self.torque_out = ecu.tx("SteeringAngle.DriverTorque")
        self.state_out = ecu.tx("EpsStatus.State")
        self.assist_out = ecu.tx("EpsStatus.Assist")
        self.current_out = ecu.tx("EpsStatus.MotorCurrent")

    @every("10ms")
    def measure(self) -> None:
        angle = _limited(self.angle.number)
        redundant = _limited(angle + self.offset.number)
        rate = (angle - self.last_deg) / STEP_S
        self.last_deg = angle
        self.plausible = self._agree(angle - redundant)
        self.status_out.value = "Valid" if self.plausible else "Implausible"
        self.angle_out.value = angle
        self.redundant_out.value = redundant
        self.rate_out.saturate(rate)

    def _agree(self, difference_deg: float) -> bool:
        """The two sensors may differ by 5 degrees, and by more for 50 ms."""
        now = self.ecu.now_ns
        if abs(difference_deg) <= PLAUSIBLE_DEG:
            self.differs_since_ns = None
        elif self.differs_since_ns is None:
            self.differs_since_ns = now
        return self.differs_since_ns is None or now - self.differs_since_ns < IMPLAUSIBLE_NS

    @every("50ms")
    def assist(self) -> None:
        """Full assistance at a standstill, a third above 120 km/h; a third without a plausible angle."""
        assist = max(33.0, 100.0 - 67.0 * self.speed.value / 120) if self.plausible else 33.0
        self.assist_out.value = assist
        self.state_out.value = "Active" if self.plausible else "Degraded"
        self.torque_out.saturate(self.last_deg / assist)
        self.current_out.saturate(self.last_deg * assist / 500)


def _limited(angle_deg: float) -> float:
    return max(-LARGEST_DEG, min(LARGEST_DEG, angle_deg))
