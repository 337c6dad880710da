"""The window lifters of the front doors, on LIN."""

from __future__ import annotations

from typing import Final

from gateway.ecu import Ecu, every

from .window import Window

STEP_S: Final = 0.01
NONE: Final = ""
MOVES: Final = ("Up", "Stop", "Down")
MOTIONS: Final = ("Closing", "Still", "Opening")
"""By direction: -1, 0, 1."""


class _Side:
    """One window with its signals."""

    def __init__(self, ecu: Ecu, side: str) -> None:
        self.window = Window()
        name = side.lower()
        self.obstacle = ecu.input(f"{name}_obstacle", NONE)
        self.jam = ecu.input(f"{name}_jam", NONE)
        self.move = ecu.rx(f"WindowCommand.{side}Move")
        self.target = ecu.rx(f"WindowCommand.{side}Target")
        self.position_out = ecu.tx(f"WindowState.{side}Position")
        self.motion_out = ecu.tx(f"WindowState.{side}Motion")
        self.blocked_out = ecu.tx(f"WindowState.{side}Blocked")
        self.pinched_out = ecu.tx(f"WindowState.{side}Pinched")
        self.last_target: int | float | str = "None"
        self.last_move = "Stop"

    def order(self) -> None:
        """A new target counts once; a switch that is held counts as long as it is held."""
        move, target = str(self.move.label), self.target.label
        if move != self.last_move:
            self.last_move = move
            self.window.move(MOVES.index(move) - 1)
        if target != self.last_target:
            self.last_target = target
            if target != "None":
                self.window.go_to(float(target))

    def step(self) -> None:
        window = self.window
        window.step(STEP_S, _place(self.obstacle.value), _place(self.jam.value))
        self.position_out.value = window.position
        self.motion_out.value = MOTIONS[window.direction + 1]
        self.blocked_out.value = "Yes" if window.blocked else "No"
        self.pinched_out.value = "Yes" if window.pinched else "No"


class Wlm:
    """Inputs: `left_obstacle`, `right_obstacle` (percent of opening at which something is in the way), `left_jam`,
    `right_jam` (where the window is stuck); empty for nothing."""

    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.command = ecu.rx("WindowCommand.LeftMove").message
        self.sides = [_Side(ecu, "Left"), _Side(ecu, "Right")]

    @every("10ms")
    def control(self) -> None:
        for side in self.sides:
            if self.command.count:
                side.order()
            side.step()


def _place(value: bool | int | float | str) -> float | None:
    return None if value == NONE or isinstance(value, bool) else float(value)
