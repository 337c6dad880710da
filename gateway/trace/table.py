"""A recording as a table that is cheap to ask: times, buses and identifiers as arrays, frames fetched when wanted.

Row i is the i-th record in the order of time. `bus` is an index into `buses`, or EVENT for an event; `key` is the
identifier without CAN FD flags. What a row holds beside that (payload, comment, text) is read by `fetch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.can.frame import KEY_MASK
from gateway.trace.pieces import BusNumbers
from gateway.trace.record import Event, Recorded

EVENT: Final = -1
"""Stands in `bus` for an event."""
Rows = NDArray[np.int64]
Fetch = Callable[[Rows], list[Recorded | Event]]


@dataclass(frozen=True, slots=True)
class RecordTable:
    """All records of a recording. `problem`: where the file is damaged; `comment`: what its head says."""

    times: NDArray[np.int64]
    bus: NDArray[np.int16]
    key: NDArray[np.int64]
    buses: tuple[str, ...]
    fetch: Fetch
    comment: str = ""
    problem: str | None = None

    def __len__(self) -> int:
        return len(self.times)

    def rows(self, bus: str, key: int | None = None, since_ns: int | None = None, until_ns: int | None = None) -> Rows:
        """The frames of one identifier (None: of all) on a bus, both times included."""
        if bus not in self.buses:
            return np.empty(0, np.int64)
        low, high = self.span(since_ns, until_ns)
        found = self.bus[low:high] == self.buses.index(bus)
        if key is not None:
            found &= self.key[low:high] == key
        return np.flatnonzero(found) + low

    def events(self, since_ns: int | None = None, until_ns: int | None = None) -> Rows:
        """What is no frame."""
        low, high = self.span(since_ns, until_ns)
        return np.flatnonzero(self.bus[low:high] == EVENT) + low

    def span(self, since_ns: int | None, until_ns: int | None) -> tuple[int, int]:
        """First row and the row behind the last between two times."""
        low = 0 if since_ns is None else int(np.searchsorted(self.times, since_ns, "left"))
        high = len(self.times) if until_ns is None else int(np.searchsorted(self.times, until_ns, "right"))
        return low, max(low, high)

    def record(self, row: int) -> Recorded | Event:
        return self.fetch(np.array([row], np.int64))[0]

    def between(self, low: int, high: int) -> list[Recorded | Event]:
        """The records of rows `low` to `high`, the last excluded."""
        return self.fetch(np.arange(low, high, dtype=np.int64))


def table_of(
    records: Sequence[Recorded | Event], buses: Iterable[str] = (), problem: str | None = None, comment: str = ""
) -> RecordTable:
    """The table of records that are in memory. `buses`: names to begin with."""
    numbers = BusNumbers()
    for name in buses:
        _ = numbers[name]
    rows = len(records)
    times, bus, key = np.zeros(rows, np.int64), np.full(rows, EVENT, np.int16), np.zeros(rows, np.int64)
    for row, record in enumerate(records):
        times[row] = record.time_ns
        if isinstance(record, Recorded):
            bus[row] = numbers[record.bus]
            key[row] = record.frame.header & KEY_MASK
    order = in_order(times)
    kept = list(records) if order is None else [records[row] for row in order.tolist()]
    if order is not None:
        times, bus, key = times[order], bus[order], key[order]

    def fetch(wanted: Rows) -> list[Recorded | Event]:
        return [kept[row] for row in wanted.tolist()]

    return RecordTable(times, bus, key, tuple(numbers), fetch, comment, problem)


def in_order(times: NDArray[np.int64]) -> Rows | None:
    """What puts the rows into the order of time; None when they are."""
    if len(times) < 2 or bool((times[1:] >= times[:-1]).all()):
        return None
    return np.argsort(times, kind="stable").astype(np.int64)
