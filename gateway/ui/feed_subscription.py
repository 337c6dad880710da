"""One viewer of a vehicle: what it has on its screen, and snapshots of that, wherever the vehicle is.

A viewer looks at a `Sight`: in the vehicle's process at the vehicle itself (`feed`), in another one at what has come
from there (`page_sight`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from gateway.can import Frame
from gateway.ui.feed_about import PathAbout
from gateway.ui.feed_ledger import Entry
from gateway.ui.feed_rows import (
    BusRow,
    EcuRow,
    EventRow,
    MessageRow,
    NodeRow,
    Part,
    PathRow,
    RouteRow,
    Rows,
    ServiceRow,
    SignalValue,
    Snapshot,
    Visible,
)

MISSED_CYCLES: Final = 3
"""A cyclic message that has not come for so many cycles is stale."""
_SLACK_NS: Final = 20_000_000


class Sight(Protocol):
    """A vehicle as it can be seen now. Numbers are places in `entries` and `paths`, which only grow."""

    @property
    def now(self) -> int:
        """Nanoseconds of the vehicle's time."""

    @property
    def frames(self) -> int:
        """On all buses, since the start."""

    @property
    def lost(self) -> int: ...

    @property
    def entries(self) -> list[Entry]: ...

    @property
    def paths(self) -> list[PathAbout]: ...

    def gather(self) -> None:
        """Take what has come since the last time."""

    def bus_rows(self) -> tuple[BusRow, ...]: ...
    def route_rows(self) -> tuple[RouteRow, ...]: ...
    def ecu_rows(self) -> tuple[EcuRow, ...]: ...
    def node_rows(self) -> tuple[NodeRow, ...]: ...
    def service_rows(self) -> tuple[ServiceRow, ...]: ...
    def event_rows(self) -> tuple[EventRow, ...]: ...

    def path_rows(self, wanted: frozenset[int] | None) -> Iterable[PathRow]:
        """Rows of these VSS signals; all when `wanted` is None."""


class Subscription:
    """One viewer: what it has on its screen (`visible`, to be changed at any time), and what it was given last."""

    def __init__(self, sight: Sight, visible: Visible | None = None) -> None:
        self.visible = visible or Visible()
        self._sight: Final = sight
        self._messages_told = 0
        self._paths_told = 0
        self._last: dict[int, tuple[int, bytes, bool, bool]] = {}
        """By number of a message: count, data, stale and decoded in the last snapshot."""
        self._last_paths: dict[int, tuple[object, ...]] = {}

    def snapshot(self) -> Snapshot:
        """The vehicle now, in so far as it is visible."""
        sight, visible = self._sight, self.visible
        sight.gather()
        parts = visible.parts
        new_messages = tuple(entry.about for entry in sight.entries[self._messages_told :])
        new_paths = tuple(sight.paths[self._paths_told :])
        self._messages_told += len(new_messages)
        self._paths_told += len(new_paths)
        return Snapshot(
            time_ns=sight.now,
            frames=sight.frames,
            lost=sight.lost,
            new_messages=new_messages,
            new_paths=new_paths,
            buses=sight.bus_rows() if Part.BUSES in parts else (),
            messages=self._message_rows() if Part.MESSAGES in parts else (),
            routes=sight.route_rows() if Part.ROUTES in parts else (),
            paths=self._path_rows() if Part.SIGNALS in parts else (),
            ecus=sight.ecu_rows() if Part.ECUS in parts else (),
            nodes=sight.node_rows() if Part.NODES in parts else (),
            services=sight.service_rows() if Part.SERVICES in parts else (),
            events=sight.event_rows() if Part.EVENTS in parts else (),
        )

    def _message_rows(self) -> tuple[MessageRow, ...]:
        """Rows of messages that have come at least once."""
        entries, visible, now = self._sight.entries, self.visible, self._sight.now
        if visible.messages is not None:
            entries = [entries[number] for number in sorted(visible.messages) if 0 <= number < len(entries)]
        rows = []
        for entry in entries:
            frame = entry.frame
            if frame is not None:
                row = self._message_row(entry, frame, now)
                if row is not None:
                    rows.append(row)
        return tuple(rows)

    def _message_row(self, entry: Entry, frame: Frame, now: int) -> MessageRow | None:
        """None when only changes are wanted, and there is none."""
        number = entry.about.number
        decoded = number in self.visible.decoded
        stale = is_stale(entry, now)
        last = self._last.get(number)
        now_told = (entry.count, frame.data, stale, decoded)
        if last == now_told and self.visible.rows is Rows.CHANGED:
            return None
        self._last[number] = now_told
        return MessageRow(
            number,
            entry.count,
            entry.time_ns,
            entry.period_ns,
            entry.jitter_ns,
            frame.data,
            b"" if last is None else changed_bits(last[1], frame.data),
            stale,
            "" if entry.sender is None else entry.sender.name,
            values(entry, frame.data) if decoded else None,
        )

    def _path_rows(self) -> tuple[PathRow, ...]:
        rows = self._sight.path_rows(self.visible.paths)
        if self.visible.rows is Rows.ALL:
            return tuple(rows)
        changed = []
        for row in rows:
            told = (row.value, row.quality, row.target)
            if self._last_paths.get(row.number) != told:
                self._last_paths[row.number] = told
                changed.append(row)
        return tuple(changed)


def is_stale(entry: Entry, now: int) -> bool:
    """A cyclic message that is overdue, by its database or, where that says nothing, by its own period so far."""
    cycle = entry.about.cycle_ns
    if cycle is None:
        steady = not entry.about.name and entry.count >= 10 and entry.jitter_ns * 4 < entry.period_ns
        cycle = entry.period_ns if steady else None
    return bool(cycle) and now - entry.time_ns > MISSED_CYCLES * (cycle or 0) + _SLACK_NS


def changed_bits(before: bytes, after: bytes) -> bytes:
    """Ones where a payload is another than it was; what was not there before has changed altogether."""
    if before == after:
        return b""
    changed = bytes(a ^ b for a, b in zip(before, after, strict=False))
    return changed + b"\xff" * (len(after) - len(changed))


def values(entry: Entry, data: bytes) -> tuple[SignalValue, ...]:
    """The signals of a payload, in the database's order."""
    message = entry.message
    if message is None:
        return ()
    physical = message.decode(data)
    labels = message.labels(data)
    found = []
    for signal in entry.about.signals:
        value = physical.get(signal.name)
        label = labels.get(signal.name)
        found.append(SignalValue(value, label if isinstance(label, str) else None))
    return tuple(found)
