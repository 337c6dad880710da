"""The event kernel: callbacks in the order of their time, and of their scheduling where the time is equal.

Time is an integer of nanoseconds since the start of the simulation. The kernel itself never waits: whoever calls `run`
decides how far time may go, at full speed in virtual time and step by step behind the wall clock in wall time.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from heapq import heappop, heappush
from typing import Final

FOREVER: Final = 1 << 62
"""A time that never comes (146 years)."""

Callback = Callable[[], object]


class Kernel:
    """Events in order. `now` is the time of the event that runs, or the time up to which all events have run.

    `heap` and `scheduled` are what `at` is made of, for the few callers to which a call more each time matters.
    """

    def __init__(self) -> None:
        self.now: int = 0
        self.events: int = 0
        self.heap: Final[list[tuple[int, int, Callback]]] = []
        self.scheduled: int = 0

    def at(self, time_ns: int, callback: Callback) -> None:
        """Run `callback` at `time_ns`; a time that has passed means as soon as possible, never earlier than `now`."""
        self.scheduled = order = self.scheduled + 1
        heappush(self.heap, (time_ns, order, callback))

    def after(self, delay_ns: int, callback: Callback) -> None:
        """Run `callback` when `delay_ns` have passed."""
        self.at(self.now + delay_ns, callback)

    @property
    def next(self) -> int | None:
        """The time of the next event; None while nothing is scheduled."""
        return self.heap[0][0] if self.heap else None

    def run(self, until_ns: int, stop: Sized = ()) -> bool:
        """Run all events up to and including `until_ns`, but stop after the event that puts something into `stop`.

        True when it stopped early; otherwise `now` is `until_ns` afterwards, or the time of the last event when that is
        FOREVER.
        """
        heap = self.heap
        done = 0
        while heap:
            entry = heap[0]
            time_ns = entry[0]
            if time_ns > until_ns:
                break
            heappop(heap)
            if time_ns > self.now:
                self.now = time_ns
            done += 1
            entry[2]()
            if stop:
                self.events += done
                return True
        self.events += done
        if until_ns != FOREVER:
            self.now = max(self.now, until_ns)
        return False


class Timer:
    """One callback that can be set, moved and cancelled, for deadlines that change more often than they come.

    Moving it later costs nothing: the kernel's event finds the new time and goes on to it.
    """

    def __init__(self, kernel: Kernel, callback: Callback) -> None:
        self._kernel = kernel
        self._callback = callback
        self._due: int = FOREVER
        self._queued: int = FOREVER

    @property
    def due(self) -> int | None:
        return None if self._due == FOREVER else self._due

    def set(self, time_ns: int) -> None:
        """Call at `time_ns`, instead of at any time set before."""
        self._due = time_ns
        if time_ns < self._queued:
            self._queued = time_ns
            self._kernel.at(time_ns, self._wake)

    def cancel(self) -> None:
        self._due = FOREVER

    def _wake(self) -> None:
        now = self._kernel.now
        if now >= self._queued:
            self._queued = FOREVER
        if now >= self._due:
            self._due = FOREVER
            self._callback()
        elif self._due < self._queued:
            self._queued = self._due
            self._kernel.at(self._due, self._wake)
