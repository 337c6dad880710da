"""The periodic work of one ECU, as the schedule table of its operating system.

All periods of an ECU begin at its boot, so their times coincide again and again. The table holds, for one hyperperiod
(the least common multiple of the periods), which callbacks are due when: the kernel has one event for each moment at
which the ECU does something, whatever the number of its messages and tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from math import lcm
from typing import Final

from gateway.sim import Kernel

Work = Callable[[], object]
BEHAVIOUR_ERRORS: Final = (Exception, SystemExit, KeyboardInterrupt)
"""What ends one ECU at the edge of its behaviour: an ECU that exits is not the vehicle, and one that does not return is
ended by the second Ctrl-C (the first asks the run to end, which it cannot while that ECU computes)."""
LARGEST_TABLE: Final = 5_000
"""Calls in one hyperperiod. What would need more gets a table of its own."""


class _Entry:
    __slots__ = ("first_ns", "order", "period_ns", "work")

    def __init__(self, period_ns: int, first_ns: int, work: Work, order: int) -> None:
        self.period_ns = period_ns
        self.first_ns = first_ns
        self.work = work
        self.order = order


class _Table:
    """Entries whose hyperperiod is small enough, from one moment on."""

    def __init__(self, schedule: Schedule, entries: list[_Entry], start_ns: int) -> None:
        self._schedule = schedule
        self._kernel: Final = schedule.kernel
        self._entries = entries
        self._running: bool = True
        self._next: Final = self._step
        self._period_ns = lcm(*(entry.period_ns for entry in entries))
        slots: dict[int, list[_Entry]] = {}
        for entry in entries:
            for offset in range(entry.first_ns % entry.period_ns, self._period_ns, entry.period_ns):
                slots.setdefault(offset, []).append(entry)
        self._offsets = sorted(slots)
        self._works = [
            tuple(entry.work for entry in sorted(slots[offset], key=lambda entry: entry.order))
            for offset in self._offsets
        ]
        self._round_ns = start_ns
        self._position = 0
        self._kernel.at(start_ns + self._offsets[0], self._next)

    def _step(self) -> None:
        if not self._running:
            return
        position = self._position
        works = self._works[position]
        position += 1
        if position == len(self._offsets):
            position = 0
            self._round_ns += self._period_ns
        self._position = position
        try:
            for work in works:
                work()
        except BEHAVIOUR_ERRORS as error:
            self._schedule.on_error(error)
            return
        if self._running:
            self._kernel.at(self._round_ns + self._offsets[position], self._next)

    def stop(self) -> None:
        self._running = False


class Schedule:
    """Collects periodic work, then runs it from `start` to `stop`. Work at the same time is done in order of adding.

    `on_error` gets what a callback raises; nothing of that table is called any more.
    """

    def __init__(self, kernel: Kernel, on_error: Callable[[BaseException], object]) -> None:
        self.kernel: Final = kernel
        self.on_error: Final = on_error
        self._entries: list[_Entry] = []
        self._tables: list[_Table] = []
        self._started: bool = False
        self._generation: int = 0
        self._added: int = 0

    def add(self, period_ns: int, first_ns: int, work: Work) -> None:
        """Call `work` at `first_ns` after the start (or after now, when it has started), then each `period_ns`."""
        self._added += 1
        entry = _Entry(period_ns, first_ns, work, self._added)
        if self._started:
            self._launch([entry])
        else:
            self._entries.append(entry)

    def start(self) -> None:
        self._started = True
        entries, self._entries = self._entries, []
        self._launch(entries)

    def stop(self) -> None:
        """Nothing is called any more; entries are forgotten."""
        for table in self._tables:
            table.stop()
        self._tables.clear()
        self._entries.clear()
        self._started = False
        self._generation += 1

    def _launch(self, entries: list[_Entry]) -> None:
        """Those that begin within their first period share tables; what begins later is added when its time comes."""
        prompt = [entry for entry in entries if entry.first_ns < entry.period_ns]
        for group in _grouped(prompt):
            self._tables.append(_Table(self, group, self.kernel.now))
        for entry in entries:
            if entry.first_ns >= entry.period_ns:
                self.kernel.after(entry.first_ns, self._late(entry, self._generation))

    def _late(self, entry: _Entry, generation: int) -> Work:
        def begin() -> None:
            if generation == self._generation:
                entry.first_ns = 0
                self._tables.append(_Table(self, [entry], self.kernel.now))

        return begin


def _grouped(entries: list[_Entry]) -> list[list[_Entry]]:
    """Groups with tables of a sensible size: periods that fit together share one."""
    groups: list[list[_Entry]] = []
    for entry in sorted(entries, key=lambda entry: (entry.period_ns, entry.order)):
        for group in groups:
            together = [*group, entry]
            whole = lcm(*(member.period_ns for member in together))
            if sum(whole // member.period_ns for member in together) <= LARGEST_TABLE:
                group.append(entry)
                break
        else:
            groups.append([entry])
    return groups
