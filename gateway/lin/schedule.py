"""Which schedule table the commander runs (LIN 2.2A, 2.4): switching, priorities, resuming.

A table is changed between two slots, never within one. Tables have priorities: while one of a higher priority runs,
those below wait where they stand and go on from there afterwards. So a collision is resolved, or diagnostics done once,
without the normal table losing its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Final

from gateway.database.lin import ScheduleTable, Slot
from gateway.errors import nearest
from gateway.lin.errors import LinError


class Priority(IntEnum):
    """What runs before what."""

    NORMAL = 0
    ONCE = 1
    """A table that was asked for once, like a configuration or a piece of diagnostics."""
    COLLISION = 2


class Repeat(Enum):
    """How often a table runs."""

    FOREVER = "forever"
    ONCE = "once"


class _Running:
    __slots__ = ("name", "position", "repeat", "slots")

    def __init__(self, table: ScheduleTable, repeat: Repeat) -> None:
        self.name = table.name
        self.slots = table.slots
        self.repeat = repeat
        self.position = 0


class Scheduler:
    """The tables of one commander and what runs. `next_slot` is to be called at the end of each slot."""

    def __init__(self, tables: Mapping[str, ScheduleTable]) -> None:
        self.tables: Final = dict(tables)
        self._running: dict[Priority, _Running] = {}
        self._top: _Running | None = None

    @property
    def current(self) -> str | None:
        """The name of the table that the next slot comes from; None while none runs."""
        return None if self._top is None else self._top.name

    def switch(self, name: str | None) -> None:
        """Run this table from its start, over and over, from the next slot on; None for no table at all."""
        self._put(Priority.NORMAL, None if name is None else _Running(self._table(name), Repeat.FOREVER))

    def run_once(self, name: str) -> None:
        """Run this table once from the next slot on, then go on where the other stands."""
        self._put(Priority.ONCE, _Running(self._table(name), Repeat.ONCE))

    def resolve(self, table: ScheduleTable) -> None:
        """Run a collision resolving table once, before all others, unless one runs already."""
        if Priority.COLLISION not in self._running:
            self._put(Priority.COLLISION, _Running(table, Repeat.ONCE))

    def next_slot(self) -> Slot | None:
        """The slot that begins now; None when no table runs."""
        running = self._top
        if running is None:
            return None
        position = running.position
        slot = running.slots[position]
        position += 1
        if position == len(running.slots):
            position = 0
            if running.repeat is Repeat.ONCE:
                self._finish(running)
        running.position = position
        return slot

    def restart(self) -> None:
        """As after a reset of the commander: the normal table from its start, the others forgotten."""
        normal = self._running.get(Priority.NORMAL)
        self._running.clear()
        if normal is not None:
            normal.position = 0
            self._running[Priority.NORMAL] = normal
        self._top = normal

    def _table(self, name: str) -> ScheduleTable:
        table = self.tables.get(name)
        if table is None:
            near = nearest(name, list(self.tables)) or (f" (there are {', '.join(self.tables)})" if self.tables else "")
            raise LinError(f"there is no schedule table {name!r}{near}")
        if not table.slots:
            raise LinError(f"schedule table {name!r} has no slot")
        return table

    def _put(self, priority: Priority, running: _Running | None) -> None:
        self._running.pop(priority, None)
        if running is not None:
            self._running[priority] = running
        self._choose()

    def _finish(self, done: _Running) -> None:
        self._running = {priority: running for priority, running in self._running.items() if running is not done}
        self._choose()

    def _choose(self) -> None:
        self._top = self._running[max(self._running)] if self._running else None
