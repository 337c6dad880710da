"""A window on its motor: position, end stops, blocking, anti-pinch."""

from __future__ import annotations

from typing import Final

SPEED_PERCENT_S: Final = 25.0
"""Four seconds from closed to open."""
STALL_S: Final = 0.2
"""A motor that pushes so long without moving is switched off."""
PINCH_S: Final = 0.05
"""An obstacle above the window is felt after so long."""
PINCH_FROM: Final = 2.0
"""Above this opening the anti-pinch works; below, the window meets its seal."""
RELEASE: Final = 30.0
"""So far it opens again when it has pinched something."""


class Window:
    """One window. 0 is closed, 100 open; `blocked` and `pinched` stay until the next order that moves it.

    `obstacle`: what is in the way of the closing window, at this opening; `jam`: where the window itself is stuck.
    """

    def __init__(self, position: float = 0.0) -> None:
        self.position = position
        self.direction = 0
        self.blocked = False
        self.pinched = False
        self._wanted = 0
        self._target: float | None = None
        self._stalled_s = 0.0

    def move(self, direction: int) -> None:
        """Close (-1), open (1) or stop (0)."""
        self._target = None
        if direction != self._wanted and direction:
            self.blocked = self.pinched = False
        self._wanted = direction

    def go_to(self, target: float) -> None:
        """Move to an opening in percent."""
        self.blocked = self.pinched = False
        self._target = target
        self._wanted = 0 if target == self.position else 1 if target > self.position else -1

    @property
    def busy(self) -> bool:
        """On its way to a target."""
        return self._target is not None

    def step(self, dt_s: float, obstacle: float | None = None, jam: float | None = None) -> None:
        """The window after `dt_s`."""
        if not self._wanted:
            self.direction = 0
            return
        self.direction = self._wanted
        before = self.position
        after = before + self.direction * SPEED_PERCENT_S * dt_s
        end = self._target if self._target is not None else (100.0 if self.direction > 0 else 0.0)
        if (after - end) * self.direction >= 0:
            after = end
        pinches = self.direction < 0 and obstacle is not None and after <= obstacle <= before
        if pinches and obstacle is not None:
            after = obstacle
        if jam is not None and (before - jam) * (after - jam) <= 0:
            after = jam
        self.position = after
        if after == end and not pinches:
            self._stop()
        elif abs(after - before) < 1e-9:
            self._push(dt_s, pinches)
        else:
            self._stalled_s = 0.0

    def _push(self, dt_s: float, pinches: bool) -> None:
        """The motor turns no more: something is in the way."""
        self._stalled_s += dt_s
        if pinches and self.position > PINCH_FROM and self._stalled_s >= PINCH_S:
            self.go_to(min(100.0, self.position + RELEASE))
            self.pinched = True
        elif self._stalled_s >= STALL_S:
            self._stop()
            self.blocked = True

    def _stop(self) -> None:
        self._wanted = 0
        self.direction = 0
        self._target = None
        self._stalled_s = 0.0
