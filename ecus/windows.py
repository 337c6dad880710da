"""What the BCM does with the doors' LIN bus: switches and wishes to the window lifters and mirrors, positions to CAN."""

from __future__ import annotations

from typing import Final

from gateway.ecu import Ecu

from .wishes import Wishes

AWAKE_NS: Final = 30_000_000_000
"""With the ignition off the bus stays awake for so long after the last order."""
ORDER_NS: Final = 200_000_000
"""A target stands so long in the command, some four of its frames: then the same target can be ordered again."""
SILENT_NS: Final = 200_000_000
"""Positions that the awake bus has not told for so long are not available."""
SIDES: Final = ("Left", "Right")
AUTOMATIC: Final = ("AutoUp", "AutoDown")


class Windows:
    """The commander's part of the doors. `wished` and `control` are called by the BCM."""

    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.commander = ecu.commander("doors")
        self.remote = Wishes(ecu, "RemoteWindows", SIDES)
        self.switches = {side: ecu.rx(f"WindowSwitch.{side}Switch") for side in SIDES}
        self.positions = {side: ecu.rx(f"WindowState.{side}Position") for side in SIDES}
        self.moves = {side: ecu.tx(f"WindowCommand.{side}Move") for side in SIDES}
        self.targets = {side: ecu.tx(f"WindowCommand.{side}Target") for side in SIDES}
        self.position_out = {side: ecu.tx(f"DoorStatus.Window{side}") for side in SIDES}
        mirror = ("MirrorSelect", "MirrorHorizontal", "MirrorVertical")
        self.mirror_switches = [ecu.rx(f"WindowSwitch.{name}") for name in mirror]
        self.mirror_orders = [
            ecu.tx(f"MirrorCommand.{name}") for name in ("MoveMirror", "MoveHorizontal", "MoveVertical")
        ]
        self.last = dict.fromkeys(SIDES, "Off")
        self.active_ns = ecu.now_ns
        self.was_asleep = False
        self.heard_ns = ecu.now_ns
        self.ordered_ns = dict.fromkeys(SIDES, 0)

    def wished(self) -> None:
        """RemoteWindows has come: its targets are for the window lifters."""
        for side, opening in self.remote.take().items():
            self._order(side, float(opening))
        self._wake()

    def switched(self) -> None:
        """WindowSwitch has come: a switch that is held moves its window, Auto sends it to its end."""
        for side in SIDES:
            position = str(self.switches[side].label)
            self.moves[side].value = position if position in {"Up", "Down"} else "Stop"
            if position != self.last[side] and position in AUTOMATIC:
                self._order(side, 100.0 * AUTOMATIC.index(position))
            elif position in {"Up", "Down"}:
                self.targets[side].value = "None"
            self.last[side] = position
            if position != "Off":
                self.active_ns = self.ecu.now_ns
        for switch, order in zip(self.mirror_switches, self.mirror_orders, strict=True):
            order.value = str(switch.label)

    def control(self, ignition: bool) -> None:
        """Positions to CAN; the bus sleeps when nothing has been wanted for a while."""
        available = self._positions_available()
        for side in SIDES:
            self.position_out[side].value = self.positions[side].value if available else "SNA"
            if self.ecu.now_ns - self.ordered_ns[side] >= ORDER_NS:
                self.targets[side].value = "None"
        asleep, was_asleep = self.commander.asleep, self.was_asleep
        self.was_asleep = asleep
        if ignition or (was_asleep and not asleep):
            self._wake()
        elif not asleep and self.ecu.now_ns - self.active_ns > AWAKE_NS:
            self.commander.go_to_sleep()

    def _positions_available(self) -> bool:
        """The window lifters tell them; while the bus sleeps they stay what they were."""
        if self.commander.asleep or not self.positions["Left"].timed_out:
            self.heard_ns = self.ecu.now_ns
        return self.ecu.now_ns - self.heard_ns < SILENT_NS

    def _order(self, side: str, opening: float) -> None:
        self.targets[side].value = max(0.0, min(100.0, opening))
        self.ordered_ns[side] = self.ecu.now_ns

    def _wake(self) -> None:
        self.active_ns = self.ecu.now_ns
        if self.commander.asleep:
            self.commander.wake_up()
