"""A recording as an explanation needs it: what it says of itself, and the records around one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.errors import nearest
from gateway.explain.errors import ExplainError
from gateway.explain.names import id_text, seconds_text
from gateway.explain.question import FrameQuestion
from gateway.sim import NS_PER_S
from gateway.trace import Event, Recorded
from gateway.vehicle import About, read_about

if TYPE_CHECKING:
    from gateway.trace import RecordTable, Rows

AROUND_NS: Final = 10 * NS_PER_S
"""So much before and after a frame is looked at."""
_AROUND_ROWS: Final = 20_000
"""But not more records than this, on either side."""
_ABSOLUTE_NS: Final = 365 * 86_400 * NS_PER_S
"""Recordings that begin later count from 1970; the times asked for and told then count from their first record."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, or a running vehicle (then `path` is None) as if it were one.

    `about` None when it is not one of ours; `buses` and `origin_ns` as its records have them; `now_ns`: its end.
    """

    path: Path | None
    about: About | None
    buses: tuple[str, ...]
    origin_ns: int
    table: RecordTable = field(repr=False)
    now_ns: int = 0


class Window(NamedTuple):
    """Records around one frame, which is `records[target]`."""

    records: list[Recorded | Event]
    target: int
    from_start: bool
    """Nothing of the recording lies before."""
    to_end: bool
    """Nothing of the recording lies behind."""
    origin_ns: int
    problem: str | None
    """Where the file is damaged: what stopped its reader."""


def open_recording(path: Path) -> Recording:
    """Look through a recording. TraceError when it cannot be read or holds no frame."""
    from gateway.trace import open_table

    table = open_table(path)
    about = read_about(table.comment)
    buses = tuple(bus.name for bus in about.buses) if about else table.buses
    first_ns = int(table.times[table.bus >= 0][0])
    origin_ns = first_ns if first_ns > _ABSOLUTE_NS else 0
    return Recording(path, about, buses, origin_ns, table, int(table.times[-1]))


def renamed(recording: Recording, names: Mapping[str, str]) -> Recording:
    """The recording with other names for its buses. ExplainError for a bus that it does not have."""
    import numpy as np

    table = recording.table
    for name in names:
        if name not in table.buses:
            near = nearest(name, list(table.buses)) or f" (there are {', '.join(table.buses)})"
            raise ExplainError(f"the recording has no bus {name!r}{near}")
    new = tuple(names.get(bus, bus) for bus in table.buses)
    merged = tuple(dict.fromkeys(new))
    numbers = np.array([merged.index(name) for name in new], np.int16)
    bus = np.where(table.bus >= 0, numbers[np.maximum(table.bus, 0)], table.bus)

    def fetch(wanted: Rows) -> list[Recorded | Event]:
        return [
            record._replace(bus=names.get(record.bus, record.bus)) if isinstance(record, Recorded) else record
            for record in table.fetch(wanted)
        ]

    buses = tuple(dict.fromkeys(names.get(bus, bus) for bus in recording.buses))
    return replace(recording, buses=buses, table=replace(table, bus=bus, buses=merged, fetch=fetch))


def find_window(recording: Recording, question: FrameQuestion) -> Window:
    """The frame that is asked for and what is around it. ExplainError, with the nearest, when there is none."""
    table = recording.table
    rows = table.rows(question.bus, question.key)
    if not len(rows):
        raise ExplainError(_nothing(table, question), file=None if recording.path is None else str(recording.path))
    wanted_ns = (question.time_ns or 0) + recording.origin_ns
    nearest_row = int(rows[int(abs(table.times[rows] - wanted_ns).argmin())])
    return window_around(table, nearest_row, recording.origin_ns)


def window_around(table: RecordTable, row: int, origin_ns: int) -> Window:
    """The records around one."""
    time_ns = int(table.times[row])
    first, behind = table.span(time_ns - AROUND_NS, time_ns + AROUND_NS)
    low, high = max(first, row - _AROUND_ROWS), min(behind, row + _AROUND_ROWS)
    records = table.between(low, high)
    return Window(records, row - low, low == 0, high == len(table), origin_ns, table.problem)


def _nothing(table: RecordTable, question: FrameQuestion) -> str:
    wanted = id_text(question.key)
    others = set(table.key[table.rows(question.bus)].tolist())
    listed = ", ".join(id_text(key) for key in sorted(others, key=lambda key: abs(key - question.key))[:8])
    elsewhere = [bus for bus in table.buses if bus != question.bus and len(table.rows(bus, question.key))]
    if elsewhere:
        at = "" if question.time_ns is None else f"@{question.time_ns / NS_PER_S:.10g}s"
        return (
            f"there is no frame {wanted} on {question.bus}; it is on {' and '.join(elsewhere)}:"
            f" ask for {elsewhere[0]}/{wanted}{at}"
        )
    if not others:
        return f"there is no frame on {question.bus} at all"
    return f"there is no frame {wanted} on {question.bus}; nearest to it there are {listed}"


def nearness(question: FrameQuestion, window: Window) -> str | None:
    """A note when the frame that was found is not where it was asked for."""
    if question.time_ns is None:
        return None
    found_ns = window.records[window.target].time_ns - window.origin_ns
    if abs(found_ns - question.time_ns) < NS_PER_S:
        return None
    return f"asked for at {seconds_text(question.time_ns)}; the frame nearest to that is this one"
