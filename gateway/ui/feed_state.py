"""Rows of buses, routes, VSS signals, ECUs and nodes, read from the vehicle's own counters when somebody looks."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from gateway.can import Bus, Controller, ControllerState
from gateway.ecu import Ecu, Power
from gateway.links import LinkedBus
from gateway.routing import NEVER, Journey, Route, VssSignal
from gateway.sim import NS_PER_S
from gateway.ui.feed_rows import (
    BusRow,
    Counted,
    EcuRow,
    EventRow,
    NodeRow,
    PathRow,
    Place,
    RouteRow,
    UnitRow,
)
from gateway.vehicle import Vehicle
from gateway.vehicle.logs.replay import SENDER

WINDOW_NS: Final = NS_PER_S
"""Rates and loads are of so long."""
RECORDED: Final = "recorded"
"""The state of an ECU that is in a recording."""
EVENTS: Final = 40
"""Events of the buses in a snapshot, the latest."""


class _Mark(NamedTuple):
    time_ns: int
    busy_ns: int
    frames: int
    errors: int


class Meter:
    """Load and rates of one bus over the last second; `look` is to be called several times in it."""

    def __init__(self, bus: Bus) -> None:
        self.bus: Final = bus
        self._marks: deque[_Mark] = deque(maxlen=256)

    def look(self) -> None:
        bus = self.bus
        now = bus.kernel.now
        marks = self._marks
        while len(marks) > 1 and marks[1].time_ns <= now - WINDOW_NS:
            marks.popleft()
        if not marks or marks[-1].time_ns + WINDOW_NS // 100 <= now:
            marks.append(_Mark(now, bus.busy_so_far_ns, bus.frames, bus.errors))

    def row(self) -> BusRow:
        bus = self.bus
        first = self._marks[0] if self._marks else _Mark(0, 0, 0, 0)
        span = max(1, bus.kernel.now - first.time_ns)
        frames = bus.frames - first.frames
        errors = bus.errors - first.errors
        return BusRow(
            name=bus.name,
            frames=bus.frames,
            rate=round(frames * NS_PER_S / span, 1),
            load=round(min(1.0, max(0.0, (bus.busy_so_far_ns - first.busy_ns) / span)), 4),
            errors=bus.errors,
            error_rate=round(errors * NS_PER_S / span, 1),
            waiting=bus.waiting,
            state=self._state(frames, errors),
            events=tuple(sorted((kind.value, count) for kind, count in bus.event_counts.items())),
        )

    def _state(self, frames: int, errors: int) -> str:
        if isinstance(self.bus, LinkedBus) and not self.bus.is_up:
            return "down"
        if errors:
            return "errors"
        return "ok" if frames else "silent"


def route_rows(vehicle: Vehicle) -> Iterator[RouteRow]:
    for number, route in enumerate(vehicle.gateway.routes if vehicle.has_gateway else ()):
        yield route_row(number, route)


def route_row(number: int, route: Route) -> RouteRow:
    counts = route.counts
    last = route.last
    return RouteRow(
        number,
        counts.received,
        counts.forwarded,
        _counted(counts.filtered),
        _counted(counts.dropped),
        None if last is None else last.received_ns,
        "" if last is None else decision_text(last),
    )


def decision_text(journey: Journey) -> str:
    """`forwarded`, `filtered: rate limit`."""
    return f"{journey.decision.value}: {journey.reason}" if journey.reason else journey.decision.value


def _counted(counts: Counter[str]) -> Counted:
    return tuple(sorted(counts.items())) if counts else ()


def path_rows(vehicle: Vehicle, wanted: frozenset[int] | None) -> Iterator[PathRow]:
    """Rows of the VSS signals by number; all when `wanted` is None."""
    now = vehicle.kernel.now
    for number, signal in enumerate(vehicle.gateway.store if vehicle.has_gateway else ()):
        if wanted is None or number in wanted:
            yield path_row(number, signal, now)


def path_row(number: int, signal: VssSignal, now: int) -> PathRow:
    value, time_ns, quality = signal.datapoint
    age_ns = None if signal.datapoint is NEVER else now - time_ns
    return PathRow(number, value, quality.value, age_ns, signal.target.value)


def part_rows(vehicle: Vehicle) -> Iterator[EcuRow]:
    """The gateway and the ECUs."""
    resting = RECORDED if _is_played(vehicle) else "off"
    if vehicle.has_gateway and vehicle.gateway.controllers:
        places = tuple(map(_place, vehicle.gateway.controllers.values()))
        yield EcuRow(vehicle.gateway.name, _worst(places, "running"), _sent(vehicle.gateway.controllers), places, "")
    for name, ecu in vehicle.ecus.items():
        controllers = {bus: port.controller for bus, port in ecu.ports.items()}
        places = tuple(map(_place, controllers.values()))
        failure = "" if ecu.failure is None else str(ecu.failure)
        yield EcuRow(name, _state(ecu, places, resting), _sent(controllers), places, failure)


def _sent(controllers: dict[str, Controller]) -> int:
    return sum(controller.sent for controller in controllers.values())


def _place(controller: Controller) -> Place:
    return Place(controller.bus.name, controller.state.value, controller.tec, controller.rec, controller.queued)


def _is_played(vehicle: Vehicle) -> bool:
    """A recording drives it: an ECU that does not run here is in the recording, and not without power."""
    return any(controller.name == SENDER for bus in vehicle.buses.values() for controller in bus.controllers)


def _state(ecu: Ecu, places: tuple[Place, ...], resting: str) -> str:
    """`resting`: of an ECU that does not run."""
    if ecu.power is Power.FAILED:
        return "failed"
    return resting if ecu.power is Power.OFF else _worst(places, "running")


def _worst(places: tuple[Place, ...], otherwise: str) -> str:
    states = {place.state for place in places}
    for state in (ControllerState.BUS_OFF, ControllerState.ERROR_PASSIVE):
        if state.value in states:
            return str(state.value)
    return otherwise


def node_rows(vehicle: Vehicle) -> Iterator[NodeRow]:
    if vehicle.fleet is None:
        return
    for name, node in vehicle.fleet.nodes.items():
        units = tuple(UnitRow(unit.name, str(unit.active), unit.sub) for unit in node.engine.loaded())
        yield NodeRow(name, node.agent.online, units)


def event_rows(vehicle: Vehicle) -> Iterator[EventRow]:
    """The latest events of all buses, the newest first."""
    found: list[EventRow] = []
    for bus in vehicle.buses.values():
        for _, event in zip(range(EVENTS), reversed(bus.events), strict=False):
            found.append(EventRow(event.time_ns, bus.name, event.kind.value, event.controller, event.text))
    found.sort(key=lambda row: row.time_ns, reverse=True)
    yield from found[:EVENTS]
