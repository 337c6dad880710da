"""Frames from outside that came while the simulation had fallen behind the wall.

On a busy machine a process may not run for a while. When it goes on, the kernel still stands where it stood, and the
frames of the meantime wait in the socket. Each is handed over when the kernel comes to the time at which it came: so a
timer that it should have stopped does not ring because this process, and not the sender, was late. Our own frames are
through as soon as the link says so, but never before one that was on the wire before them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.can import Frame
from gateway.sim import Kernel

AHEAD_NS: Final = 1_000_000
"""Frames that are no more than this ahead of the kernel are handed over at once: that is no lateness."""
MOST: Final = 1024
"""Frames that wait here; with one more the oldest is handed over, early."""

Deliver = Callable[[Frame, int], None]


class Arrivals:
    """Frames with their times, in the wire's order; each is given to its `deliver` when its time has come."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel: Final = kernel
        self._waiting: deque[tuple[int, Frame, Deliver]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, frame: Frame, time_ns: int, deliver: Deliver) -> None:
        """Keep a frame until `time_ns`, and behind those that wait already."""
        waiting = self._waiting
        if len(waiting) >= MOST:
            self._hand_over()
        if waiting:
            time_ns = max(time_ns, waiting[-1][0])
        waiting.append((time_ns, frame, deliver))
        self._kernel.at(time_ns, self._wake)

    def flush(self) -> None:
        """Hand over all, whatever the time."""
        while self._waiting:
            self._hand_over()

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._kernel.now:
            self._hand_over()

    def _hand_over(self) -> None:
        time_ns, frame, deliver = self._waiting.popleft()
        deliver(frame, min(time_ns, self._kernel.now))
