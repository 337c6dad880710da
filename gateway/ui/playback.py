"""Holding the time of a vehicle that computes all of itself, and moving through a recording."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.sim import SimulationLoop, WallPace
from gateway.ui.desk import PlaybackRow
from gateway.ui.errors import UiError
from gateway.vehicle.logs.replay import Player


def running_pace() -> WallPace:
    """The pace of the loop that runs. UiError in virtual time, which nobody can hold."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, SimulationLoop) or not isinstance(loop.pace, WallPace):
        raise UiError("time can be held in wall time only: use --clock wall")
    return loop.pace


class HeldTime:
    """A vehicle that drives: its time can be held and made faster, not chosen."""

    def __init__(self, pace: WallPace) -> None:
        self._pace: Final = pace

    def row(self) -> PlaybackRow:
        return PlaybackRow(self._pace.time_ns(), None, self._pace.paused, self._pace.speed)

    def pause(self) -> None:
        self._pace.pause()

    def go_on(self, speed: float | None) -> None:
        self._pace.go_on(speed)

    def seek(self, position_ns: int) -> None:
        raise UiError("a vehicle that drives cannot go back: record it (--trace) and replay the recording")


class PlayedTime(HeldTime):
    """A recording: time can be chosen as well. `on_jump` is called before each: what was shown so far is over."""

    def __init__(self, pace: WallPace, player: Player) -> None:
        super().__init__(pace)
        self.on_jump: Callable[[], object] = lambda: None
        self._player: Final = player

    def row(self) -> PlaybackRow:
        paused = self._pace.paused or self._player.at_end
        return PlaybackRow(self._player.position_ns, self._player.length_ns, paused, self._pace.speed)

    def go_on(self, speed: float | None) -> None:
        if self._player.at_end and speed is None:
            self.seek(0)
        super().go_on(speed)

    def seek(self, position_ns: int) -> None:
        """What came shortly before is played at once, so that everything is as it was at that moment."""
        self.on_jump()
        self._pace.skip(self._player.seek(position_ns))
