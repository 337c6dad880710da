"""The way of a frame or a signal through the gateway, and the counts that must add up.

For every route: received = forwarded + filtered + dropped. A decision is counted when it is made; when something that
was forwarded is lost afterwards, its count moves to dropped, so the equation holds at any moment.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from gateway.can import Frame

KEPT_JOURNEYS: Final = 65_536
NOT_YET: Final = -1


class Decision(Enum):
    """What a route did with what it received."""

    FORWARDED = "forwarded"
    FILTERED = "filtered"
    """As its rule says: a condition, a rate limit, no change."""
    DROPPED = "dropped"
    """Against its purpose: a full queue, a bus-off, a value that does not fit."""


class Journey:
    """One frame's way through one route. `sent_ns`: when it was through on the other bus, or NOT_YET."""

    __slots__ = ("decision", "frame", "reason", "received_ns", "route", "sent_ns")

    def __init__(self, route: int, frame: Frame, received_ns: int, decision: Decision, reason: str) -> None:
        self.route: int = route
        self.frame: Frame = frame
        self.received_ns: int = received_ns
        self.decision: Decision = decision
        self.reason: str = reason
        self.sent_ns: int = NOT_YET


class RoutedFrame(Frame):
    """A frame that the gateway sends, with the journeys that led to it."""

    __slots__ = ("sources",)

    def __init__(self, header: int, data: bytes, sources: tuple[Journey, ...]) -> None:
        super().__init__(header, data)
        self.sources: tuple[Journey, ...] = sources


@dataclass(slots=True)
class RouteCounts:
    """What became of everything that a route received."""

    received: int = 0
    forwarded: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def balanced(self) -> bool:
        return self.received == self.forwarded + self.filtered.total() + self.dropped.total()


class Journeys:
    """The latest journeys of all routes, in the order of their decisions."""

    def __init__(self) -> None:
        self.kept: deque[Journey] = deque(maxlen=KEPT_JOURNEYS)
        self.on_journey: Callable[[Journey], object] | None = None
        """Called with each journey when it is decided, and again when what was forwarded is lost."""

    def add(self, journey: Journey) -> None:
        self.kept.append(journey)
        if self.on_journey is not None:
            self.on_journey(journey)

    def of_route(self, route: int) -> list[Journey]:
        return [journey for journey in self.kept if journey.route == route]
