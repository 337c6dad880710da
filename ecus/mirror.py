"""An outside mirror, on LIN: tells where it looks when that has changed."""

from __future__ import annotations

from typing import Final

from gateway.ecu import Ecu, every

SPEED_DEG_S: Final = 4.0
STEP_S: Final = 0.02
LIMIT_DEG: Final = 10.0
DIRECTIONS: Final = ("Minus", "Still", "Plus")


class _Mirror:
    """Moves while it is ordered to."""

    side = ""

    def __init__(self, ecu: Ecu) -> None:
        self.select = ecu.rx("MirrorCommand.MoveMirror")
        self.axes = [
            (ecu.rx(f"MirrorCommand.Move{axis}"), ecu.tx(f"Mirror{self.side}State.{self.side}{axis}"))
            for axis in ("Horizontal", "Vertical")
        ]
        self.angles = [0.0, 0.0]

    @every("20ms")
    def control(self) -> None:
        if self.select.label != self.side:
            return
        for index, (order, out) in enumerate(self.axes):
            moved = self.angles[index] + (DIRECTIONS.index(str(order.label)) - 1) * SPEED_DEG_S * STEP_S
            self.angles[index] = max(-LIMIT_DEG, min(LIMIT_DEG, moved))
            out.value = self.angles[index]


class Left(_Mirror):
    """The left one."""

    side = "Left"


class Right(_Mirror):
    """The right one."""

    side = "Right"
