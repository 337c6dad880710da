"""A vehicle that runs, asked as a recording is: its latest frames, and what it knows of itself, as records.

`Journal` notes the frames of a running vehicle, not more than KEPT_FRAMES of them; for each, nothing but a tuple is
made. All else is there anyway: the journeys of the gateway, the events of the buses, the states of controllers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from gateway.can import KEY_MASK, Bus, Controller, ControllerState, Frame
from gateway.explain.recording import Recording
from gateway.routing import Quality
from gateway.sim import NS_PER_S
from gateway.trace import Event, Recorded
from gateway.vehicle import Notes, Vehicle, describe

if TYPE_CHECKING:
    from gateway.trace import RecordTable

KEPT_FRAMES: Final = 20_000
"""At 2,000 frames a second the latest ten seconds."""
_JOURNEYS: Final = 10_000
"""So many of the latest journeys are told of."""
_TRIM_NS: Final = NS_PER_S
Tap = Callable[[int, Frame, Controller], object]
Passed = tuple[int, int, Frame, Controller, int, int]
"""As `gateway.can.Passage`."""


class Journal:
    """The latest frames of a vehicle, from `start` to `close`."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._vehicle = vehicle
        self._frames: list[Passed] = []
        self._seen: dict[tuple[int, int], Passed] = {}
        """The latest of each identifier among those that are no longer kept: by bus and header."""
        self._running = False
        self._taps: list[tuple[Bus, Tap]] = []

    def start(self) -> None:
        self._running = True
        for bus in self._vehicle.buses.values():
            tap = partial(self._tap, bus)
            bus.taps.append(tap)
            self._taps.append((bus, tap))
        self._vehicle.kernel.after(_TRIM_NS, self._trim)

    def close(self) -> None:
        self._running = False
        for bus, tap in self._taps:
            bus.taps.remove(tap)
        self._taps.clear()
        self._frames.clear()

    def _tap(self, bus: Bus, time_ns: int, frame: Frame, sender: Controller) -> None:
        self._frames.append((time_ns, bus.index, frame, sender, bus.tapped_requested_ns, bus.tapped_start_ns))

    def _trim(self) -> None:
        if not self._running:
            return
        if len(self._frames) > KEPT_FRAMES:
            gone = self._frames[:-KEPT_FRAMES]
            del self._frames[:-KEPT_FRAMES]
            for passed in gone:
                self._seen[passed[1], passed[2].header] = passed
        self._vehicle.kernel.after(_TRIM_NS, self._trim)

    def frames(self) -> list[Passed]:
        """What is kept, in the order of time, with the latest of each identifier that was seen before."""
        return [*sorted(self._seen.values(), key=lambda passed: passed[0]), *self._frames]


def recording_of(vehicle: Vehicle, frames: Iterable[Passed], seed: int = 0) -> Recording:
    """The vehicle as it is now, as if it had been recorded: frames that were noted, and all that it tells besides."""
    now_ns = vehicle.kernel.now
    table = _table(vehicle, list(frames), happenings(vehicle, 0, now_ns))
    return Recording(None, describe(vehicle, seed), tuple(vehicle.buses), 0, table, now_ns)


def _table(vehicle: Vehicle, frames: list[Passed], events: list[Event]) -> RecordTable:
    """Only what is fetched is written as a recording has it: a question wants little of what is kept."""
    import numpy as np

    from gateway.trace import EVENT, RecordTable, Rows

    count, rows = len(frames), len(frames) + len(events)
    times, bus, key = np.zeros(rows, np.int64), np.full(rows, EVENT, np.int16), np.zeros(rows, np.int64)
    times[:count] = [passed[0] for passed in frames]
    times[count:] = [event.time_ns for event in events]
    bus[:count] = [passed[1] for passed in frames]
    key[:count] = [passed[2].header & KEY_MASK for passed in frames]
    order = np.argsort(times, kind="stable")

    def fetch(wanted: Rows) -> list[Recorded | Event]:
        own = order[wanted].tolist()
        noted = recorded(vehicle, (frames[row] for row in own if row < count))
        return [next(noted) if row < count else events[row - count] for row in own]

    return RecordTable(times[order], bus[order], key[order], tuple(vehicle.buses), fetch)


def recorded(vehicle: Vehicle, frames: Iterable[Passed]) -> Iterator[Recorded]:
    """Frames that were noted, as a recording has them."""
    notes = Notes(vehicle)
    names = list(vehicle.buses)
    for time_ns, bus, frame, sender, requested_ns, start_ns in frames:
        yield Recorded(time_ns, names[bus], frame, notes.comment(bus, frame, sender.name, start_ns - requested_ns))


def happenings(vehicle: Vehicle, since_ns: int, until_ns: int) -> list[Event]:
    """What a recording of this time has besides frames: decisions, bus events, power, failures, qualities, refusals."""
    notes = Notes(vehicle)
    found = []
    kept = vehicle.gateway.journeys.kept
    for journey in islice(kept, max(0, len(kept) - _JOURNEYS), None):
        if since_ns <= journey.received_ns <= until_ns:
            decided = notes.decision(journey, journey.received_ns)
            if decided is not None:
                found.append(decided)
    for bus in vehicle.buses.values():
        found += [notes.bus_event(bus.name, event) for event in bus.events]
        found += [notes.power(controller) for controller in bus.controllers if controller.state is ControllerState.OFF]
    found += [notes.failure(failure) for failure in vehicle.failures]
    for signal in vehicle.gateway.store:
        if signal.datapoint.quality is Quality.STALE:
            found.append(notes.quality(signal, signal.datapoint.time_ns + signal.timeout_ns))
    for command in vehicle.vss_to_can.commands if vehicle.vss_to_can is not None else ():
        if command.last_refusal:
            found.append(notes.refusal(command, command.last_refused_ns))
    found += [notes.service_event(event) for event in vehicle.service_events.kept]
    if vehicle.fleet is not None:
        found += [notes.fleet_event(event) for event in vehicle.fleet.events]
    return [
        Event(*note) for note in sorted(found, key=lambda note: note.time_ns) if since_ns <= note.time_ns <= until_ns
    ]
