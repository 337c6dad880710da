"""A recording as an explanation needs it: what it says of itself, and the records around one frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from gateway.can import KEY_MASK
from gateway.explain.errors import ExplainError
from gateway.explain.names import id_text, seconds_text
from gateway.explain.question import FrameQuestion
from gateway.sim import NS_PER_S
from gateway.trace import Event, Recorded, open_reader
from gateway.vehicle import About, read_about

AROUND_NS: Final = 10 * NS_PER_S
"""So much before and after a frame is looked at."""
_ABSOLUTE_NS: Final = 365 * 86_400 * NS_PER_S
"""Recordings that begin later count from 1970; the times asked for and told then count from their first record."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file; `about` None when it is not one of ours, `buses` and `origin_ns` as its records have them."""

    path: Path
    about: About | None
    buses: tuple[str, ...]
    origin_ns: int


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
    """Look at the head of a recording, and at all of it where its head does not name the buses. TraceError."""
    with open_reader(path) as reader:
        about = read_about(reader.comment)
        records = reader.records()
        first = next((record for record in records if isinstance(record, Recorded)), None)
        if first is None:
            raise reader.nothing()
        if about is None:
            for _ in records:
                pass
        buses = tuple(bus.name for bus in about.buses) if about else reader.buses
    return Recording(path, about, buses, first.time_ns if first.time_ns > _ABSOLUTE_NS else 0)


def find_window(recording: Recording, question: FrameQuestion) -> Window:
    """The frame that is asked for and what is around it. ExplainError, with the nearest, when there is none."""
    wanted_ns = (question.time_ns or 0) + recording.origin_ns
    best: Recorded | None = None
    others: dict[int, int] = {}
    for record in _records(recording):
        if not isinstance(record, Recorded) or record.bus != question.bus:
            continue
        key = record.frame.header & KEY_MASK
        if key != question.key:
            others[key] = others.get(key, 0) + 1
        elif best is None or abs(record.time_ns - wanted_ns) < abs(best.time_ns - wanted_ns):
            best = record
    if best is None:
        raise ExplainError(_nothing(question, others), file=str(recording.path))
    return _around(recording, best)


def _nothing(question: FrameQuestion, others: dict[int, int]) -> str:
    wanted = id_text(question.key)
    listed = ", ".join(id_text(key) for key in sorted(others, key=lambda key: abs(key - question.key))[:8])
    if not others:
        return f"there is no frame on {question.bus} at all"
    return f"there is no frame {wanted} on {question.bus}; nearest to it there are {listed}"


def _around(recording: Recording, best: Recorded) -> Window:
    low, high = best.time_ns - AROUND_NS, best.time_ns + AROUND_NS
    kept: list[Recorded | Event] = []
    before = after = 0
    with open_reader(recording.path) as reader:
        for record in reader.records():
            if record.time_ns < low:
                before += 1
            elif record.time_ns > high:
                after += 1
            else:
                kept.append(record)
        problem = reader.problem
    target = next(index for index, record in enumerate(kept) if record == best)
    return Window(kept, target, before == 0, after == 0, recording.origin_ns, problem)


def _records(recording: Recording) -> Iterator[Recorded | Event]:
    with open_reader(recording.path) as reader:
        yield from reader.records()


def nearness(question: FrameQuestion, window: Window) -> str | None:
    """A note when the frame that was found is not where it was asked for."""
    if question.time_ns is None:
        return None
    found_ns = window.records[window.target].time_ns - window.origin_ns
    if abs(found_ns - question.time_ns) < NS_PER_S:
        return None
    return f"asked for at {seconds_text(question.time_ns)}; the frame nearest to that is this one"
