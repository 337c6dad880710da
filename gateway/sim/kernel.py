"""The event kernel: callbacks in the order of their time, and of their scheduling where the time is equal.

Time is an integer of nanoseconds since the start of the simulation. The kernel itself never waits: whoever calls `run`
decides how far time may go, at full speed in virtual time and step by step behind the wall clock in wall time.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from heapq import heappop, heappush
from typing import Final

FOREVER: Final = (1 << 62) - 1
"""A time that never comes (146 years): the last that a compiled kernel compares without making an object of it."""

Callback = Callable[[], object]


class Kernel:
    """Events in order. `now` is the time of the event that runs, or the time up to which all events have run.

    Events of one time share a slot, in the order of their scheduling: ECUs that tick together, and what several wait
    for, cost one entry of the heap.
    """

    def __init__(self) -> None:
        self.now: int = 0
        self.events: int = 0
        self._times: Final[list[int]] = []
        """A heap of the times that have a slot."""
        self._slots: Final[dict[int, list[Callback]]] = {}

    def at(self, time_ns: int, callback: Callback) -> None:
        """Run `callback` at `time_ns`; a time that has passed means as soon as possible, never earlier than `now`."""
        slot = self._slots.get(time_ns)
        if slot is None:
            self._slots[time_ns] = [callback]
            heappush(self._times, time_ns)
        else:
            slot.append(callback)

    def after(self, delay_ns: int, callback: Callback) -> None:
        """Run `callback` when `delay_ns` have passed."""
        self.at(self.now + delay_ns, callback)

    @property
    def next(self) -> int | None:
        """The time of the next event; None while nothing is scheduled."""
        return self._times[0] if self._times else None

    def run(self, until_ns: int, stop: Sized = ()) -> bool:
        """Run all events up to and including `until_ns`, but stop after the event that puts something into `stop`.

        True when it stopped early; otherwise `now` is `until_ns` afterwards, or the time of the last event when that is
        FOREVER.
        """
        times = self._times
        slots = self._slots
        slot: list[Callback] = []
        done = 0
        try:
            while times:
                time_ns = times[0]
                if time_ns > until_ns:
                    break
                heappop(times)
                if time_ns > self.now:
                    self.now = time_ns
                slot = slots.pop(time_ns)
                done = 0
                for callback in slot:
                    done += 1
                    callback()
                    if stop:
                        self.events += done
                        return True
                self.events += done
        finally:
            if done < len(slot):  # stopped, or by an error
                self._put_back(time_ns, slot[done:])
        if until_ns != FOREVER:
            self.now = max(self.now, until_ns)
        return False

    def _put_back(self, time_ns: int, rest: list[Callback]) -> None:
        """What was not reached comes before what has been scheduled for the same time meanwhile."""
        later = self._slots.get(time_ns)
        self._slots[time_ns] = rest
        if later is None:
            heappush(self._times, time_ns)
        else:
            rest.extend(later)


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
