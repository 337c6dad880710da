"""An explanation: steps in the order in which they are told, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class StepKind(Enum):
    """What a step tells."""

    ORIGIN = "came from"
    """The frame on another bus that a gateway's frame came from."""
    SENT = "sent"
    WAITED = "waited"
    ON_BUS = "on the bus"
    FORWARDED = "forwarded"
    FILTERED = "filtered"
    DROPPED = "dropped"
    OPEN = "open"
    """A route took it, and the recording does not show what became of it."""
    NO_ROUTE = "no route"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `time_ns` is of the recording; `details` are lines below it; `rule` names the route that decided."""

    kind: StepKind
    time_ns: int | None
    text: str
    details: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of one frame. `notes` tell what could not be known, and why."""

    title: str
    time_ns: int
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return {
            "frame": self.title,
            "time_ns": self.time_ns,
            "steps": [
                {
                    "kind": step.kind.value,
                    "time_ns": step.time_ns,
                    "text": step.text,
                    "details": list(step.details),
                    "rule": step.rule,
                }
                for step in self.steps
            ],
            "notes": list(self.notes),
        }
