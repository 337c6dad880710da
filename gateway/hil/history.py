"""What happened lately: the frames of all buses, kept in memory for explanations and for the trace of a failed test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from gateway.can import KEY_MASK, BusEvent, Controller, Frame
from gateway.routing import Journey
from gateway.sim import NS_PER_S
from gateway.vehicle import Vehicle

KEPT_FRAMES: Final = 100_000
"""Some minute of a vehicle with three buses."""
_LOOK_NS: Final = 10 * NS_PER_S

Kept = tuple[int, int, Frame, Controller, int, int]
"""As `gateway.can.Passage`."""
Tap = Callable[[int, Frame, Controller], object]
JourneyTap = Callable[[Journey], object]


class Happening(NamedTuple):
    """An event of a bus."""

    bus: str
    event: BusEvent


class History:
    """Records a vehicle from `start` on."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.frames: list[Kept] = []
        self._vehicle = vehicle
        self._journey_taps: list[JourneyTap] = []
        self._names = list(vehicle.buses)

    def start(self) -> None:
        for bus in self._vehicle.buses.values():
            bus.record = self.frames
        self._trim()

    def _trim(self) -> None:
        if len(self.frames) > 2 * KEPT_FRAMES:
            del self.frames[:-KEPT_FRAMES]
        self._vehicle.kernel.after(_LOOK_NS, self._trim)

    def of_message(self, bus: str, key: int | None, since_ns: int, until_ns: int) -> list[Kept]:
        """The frames of one identifier (None: of all) on a bus, in the order of time."""
        return list(reversed(list(self._backwards(self._names.index(bus), key, since_ns, until_ns))))

    def latest(self, bus: str, key: int, until_ns: int) -> Kept | None:
        return next(self._backwards(self._names.index(bus), key, 0, until_ns), None)

    def _backwards(self, bus: int, key: int | None, since_ns: int, until_ns: int) -> Iterator[Kept]:
        for kept in reversed(self.frames):
            if kept[0] < since_ns:
                return
            if kept[0] <= until_ns and kept[1] == bus and (key is None or kept[2].header & KEY_MASK == key):
                yield kept

    def events(self, since_ns: int, until_ns: int) -> list[Happening]:
        """What the buses told besides frames."""
        found = [
            Happening(bus.name, event)
            for bus in self._vehicle.buses.values()
            for event in bus.events
            if since_ns <= event.time_ns <= until_ns
        ]
        return sorted(found, key=lambda happening: happening.event.time_ns)

    # Journeys

    def tap_journeys(self, tap: JourneyTap) -> Callable[[], None]:
        """Call `tap` with each decision of the gateway; returns what ends that."""
        self._journey_taps.append(tap)
        self._vehicle.gateway.journeys.on_journey = self._journey
        return lambda: self._untap(tap)

    def _untap(self, tap: JourneyTap) -> None:
        self._journey_taps.remove(tap)
        if not self._journey_taps:
            self._vehicle.gateway.journeys.on_journey = None

    def _journey(self, journey: Journey) -> None:
        for tap in tuple(self._journey_taps):
            tap(journey)
