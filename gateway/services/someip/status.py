"""What a node has to say of itself: what happened, and how things stand."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from gateway.sim import NS_PER_S

NOTES: Final = 1000
"""That are kept; older ones are forgotten."""


class Note(NamedTuple):
    """Something that happened."""

    time_ns: int
    text: str

    def __str__(self) -> str:
        return f"{self.time_ns / NS_PER_S:.6f} {self.text}"


@dataclass(slots=True)
class Notes:
    """The last things that happened."""

    items: deque[Note] = field(default_factory=lambda: deque(maxlen=NOTES))

    def add(self, time_ns: int, text: str) -> None:
        self.items.append(Note(time_ns, text))


@dataclass(frozen=True, slots=True)
class OfferedStatus:
    """An offered service: `subscribers` by eventgroup, `events` sent by name, `faults` by what went wrong."""

    name: str
    instance: str
    subscribers: dict[int, list[str]]
    events: dict[str, int]
    answers: dict[str, int]
    faults: dict[str, int]


@dataclass(frozen=True, slots=True)
class ConsumedStatus:
    """A consumed service: where it is, or `missing`: why it is not there. `checks`: by event, the end-to-end check's state."""

    name: str
    instance: str
    host: str | None
    missing: str
    groups: dict[int, str]
    events: dict[str, int]
    checks: dict[str, str]
    faults: dict[str, int]


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node as it stands."""

    address: str
    offered: list[OfferedStatus]
    consumed: list[ConsumedStatus]
    discovery: dict[str, int]
    faults: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        from dataclasses import asdict

        return asdict(self)
