"""One frame among the records around it."""

from __future__ import annotations

from typing import Final

from gateway.explain.names import Names, seconds_text
from gateway.explain.notes import note_of
from gateway.explain.recording import Window
from gateway.trace import Event, Recorded
from gateway.vehicle import AboutRule

LISTED: Final = 6
"""Frames that are named where there were more."""


class Surroundings:
    """The frame `record`, what its comment says, and what there is to look things up in."""

    def __init__(self, window: Window, names: Names) -> None:
        record = window.records[window.target]
        assert isinstance(record, Recorded)
        self.record = record
        self.note = note_of(record.comment)
        self.window = window
        self.names = names

    def time(self, time_ns: int) -> str:
        """A time of the recording as it is told."""
        return seconds_text(time_ns - self.window.origin_ns)

    def ahead(self, bus: str, requested_ns: int, start_ns: int) -> tuple[list[Recorded], list[str]]:
        """The frames that were on a bus between request and start, and what the bus told meanwhile."""
        ahead, told = [], []
        for record in self.window.records:
            if not requested_ns < record.time_ns <= start_ns:
                continue
            if isinstance(record, Event):
                if record.text.startswith(f"{bus}: "):
                    told.append(f"{self.time(record.time_ns)} {record.text.removeprefix(f'{bus}: ')}")
            elif record.bus == bus:
                ahead.append(record)
        return ahead, told


def by(record: Recorded) -> str:
    """Who sent it, in brackets."""
    sender = note_of(record.comment).sender
    return f" ({sender})" if sender else ""


def rule_text(rule: AboutRule | None, name: str) -> str:
    """A route with its place in the vehicle file; its name where nothing more is known."""
    if rule is None:
        return name
    return f"{rule}" + (f" ({rule.place})" if rule.place else "")
