"""What all routes have in common: where they come from, their conditions, their counts, their journeys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.can import Frame
from gateway.routing.journey import Decision, Journey, Journeys, RouteCounts
from gateway.routing.lane import Carrier
from gateway.sim import Kernel

Condition = Callable[[bytes], bool | None]
"""Whether a payload passes; None when that cannot be told: signals are missing in it, or there is no result."""

CONDITION_FALSE: Final = "condition not met"
UNDECIDED: Final = "condition cannot be told from this payload"
TIMED_OUT: Final = "timed out while it waited in the gateway"
RATE_LIMIT: Final = "rate limit"
UNCHANGED: Final = "unchanged"
QUEUE_FULL: Final = "queue full"
UNPROTECTED: Final = "end-to-end check failed"
TOO_SHORT: Final = "payload too short"
NOT_IN_MAP: Final = "value not in map"
OUT_OF_RANGE: Final = "value out of range"
NEEDS_FD: Final = "target bus has no CAN FD"
LOST: Final = "lost when the controller left the bus"


@dataclass(frozen=True, slots=True)
class Rule:
    """A route as the vehicle file has it, for people: both ends, its condition and its place in the file.

    `source_key`, `target_key`: the identifiers as frames carry them, without CAN FD flags; None for all of a bus, or
    for the same identifier as at the source.
    """

    index: int
    source: str
    target: str
    file: str = ""
    line: int = 0
    source_key: int | None = None
    target_key: int | None = None
    when: str = ""

    @property
    def name(self) -> str:
        """`r3`: as it is called in reports."""
        return f"r{self.index + 1}"

    def __str__(self) -> str:
        return f"{self.name} {self.source} -> {self.target}"


class Route(Carrier):
    """One route: takes frames, decides, counts. The ways of forwarding are its subclasses."""

    def __init__(self, kernel: Kernel, rule: Rule, journeys: Journeys) -> None:
        self.rule: Final = rule
        self.counts: Final = RouteCounts()
        self.condition: Condition | None = None
        self.every_ns: int = 0
        """At most one is forwarded in each span of so long."""
        self.last: Journey | None = None
        self.kernel: Final = kernel
        self._journeys = journeys
        self._index: Final = rule.index
        self._next_ns: int = 0

    def receive(self, frame: Frame) -> None:
        """A frame has come on the source bus."""
        counts = self.counts
        counts.received += 1
        now = self.kernel.now
        if self.condition is not None:
            passes = self.condition(frame.data)
            if passes is None:
                self.drop(frame, UNDECIDED)
                return
            if not passes:
                self.filter(frame, CONDITION_FALSE)
                return
        if self.every_ns:
            if now < self._next_ns:
                self.filter(frame, RATE_LIMIT)
                return
            self._next_ns = now + self.every_ns
        self.forward(frame)

    def forward(self, frame: Frame) -> None:
        """Decide about a frame that has passed condition and rate limit; exactly one of the three counts moves."""
        raise NotImplementedError

    def accept(self, frame: Frame) -> Journey:
        """Count as forwarded."""
        self.counts.forwarded += 1
        return self._note(frame, Decision.FORWARDED, "")

    def filter(self, frame: Frame, reason: str) -> None:
        self.counts.filtered[reason] += 1
        self._note(frame, Decision.FILTERED, reason)

    def drop(self, frame: Frame, reason: str) -> None:
        self.counts.dropped[reason] += 1
        self._note(frame, Decision.DROPPED, reason)

    def lose(self, journey: Journey, reason: str) -> None:
        """What was counted as forwarded did not get through."""
        if journey.decision is Decision.FORWARDED:
            journey.decision = Decision.DROPPED
            journey.reason = reason
            self.counts.forwarded -= 1
            self.counts.dropped[reason] += 1
            if self._journeys.on_journey is not None:
                self._journeys.on_journey(journey)

    def _note(self, frame: Frame, decision: Decision, reason: str) -> Journey:
        journey = Journey(self._index, frame, self.kernel.now, decision, reason)
        self.last = journey
        self._journeys.add(journey)
        return journey
