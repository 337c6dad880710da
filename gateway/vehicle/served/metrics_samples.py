"""A look at a vehicle once a second: load of each bus, latency of each route, journeys to be traced.

Nothing is done for each frame. The latest journeys of a second are looked through when it is over, not more than
LOOKED_AT of them; so latencies and traces are a sample where there is more traffic, and counts are not: those are the
routes' own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from gateway.can import Bus
from gateway.routing import NOT_YET, Decision, Journey
from gateway.sim import NS_PER_S
from gateway.vehicle.vehicle import Vehicle

EVERY_NS: Final = NS_PER_S
SETTLED_NS: Final = NS_PER_S // 4
"""So long after a decision the frame it led to is through, or waits in a jam."""
LOOKED_AT: Final = 2000
BOUNDS_S: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0)
"""Upper bounds of the classes of latencies, in seconds."""


@dataclass(slots=True)
class Latencies:
    """A histogram: counts by class, the last for what is above all bounds; their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0

    def add(self, latency_ns: int) -> None:
        latency_s = latency_ns / NS_PER_S
        self.counts[bisect_left(BOUNDS_S, latency_s)] += 1
        self.sum_s += latency_s


class Samples:
    """The looks at one vehicle, from `start` to `stop`. `on_journeys` gets the journeys of each look, the oldest first."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.loads: Final = dict.fromkeys(vehicle.buses, 0.0)
        """Share of the last second that each bus was taken, 0 to 1."""
        self.latencies: Final = [Latencies() for _ in vehicle.gateway.routes]
        self.on_journeys: Callable[[list[Journey]], object] | None = None
        self._vehicle = vehicle
        self._busy: dict[str, int] = {}
        self._looked_ns = 0
        self._seen_ns = -1
        self._running = False

    def start(self) -> None:
        self._running = True
        self._seen_ns = self._vehicle.kernel.now - SETTLED_NS
        self._mark()
        self._vehicle.kernel.after(EVERY_NS, self._again)

    def stop(self) -> None:
        self._running = False

    def _again(self) -> None:
        if self._running:
            self._vehicle.kernel.after(EVERY_NS, self._again)
            self.look()

    def look(self) -> None:
        """Take what there is new."""
        span = self._vehicle.kernel.now - self._looked_ns
        if span > 0:
            for bus in self._vehicle.buses.values():
                self.loads[bus.name] = max(0.0, (bus.busy_so_far_ns - self._busy[bus.name]) / span)
            self._mark()
        found = list(self._journeys())[::-1]
        for journey in found:
            if journey.decision is Decision.FORWARDED and journey.sent_ns != NOT_YET:
                self.latencies[journey.route].add(journey.sent_ns - journey.received_ns)
        if self.on_journeys is not None:
            self.on_journeys(found)

    def _mark(self) -> None:
        self._looked_ns = self._vehicle.kernel.now
        self._busy = {bus.name: _busy_ns(bus) for bus in self._vehicle.buses.values()}

    def _journeys(self) -> Iterator[Journey]:
        """Journeys since the last look that have settled, the newest first."""
        seen_ns, until_ns = self._seen_ns, self._vehicle.kernel.now - SETTLED_NS
        self._seen_ns = until_ns
        for journey in islice(reversed(self._vehicle.gateway.journeys.kept), LOOKED_AT):
            if journey.received_ns <= seen_ns:
                return
            if journey.received_ns <= until_ns:
                yield journey


def _busy_ns(bus: Bus) -> int:
    return bus.busy_so_far_ns
