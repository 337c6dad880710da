"""The routes of a vehicle file, checked before anything drives: ends, lengths, loops, conditions."""

from __future__ import annotations

from collections.abc import Callable

from gateway.com import MISSED_CYCLES, label_of
from gateway.database import Message, Signal
from gateway.errors import nearest
from gateway.routing import (
    Condition,
    FrameRoute,
    Rule,
    SendMode,
    SignalRoute,
    Transform,
    compile_expression,
)
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.model import RouteSpec
from gateway.vehicle.names import End, resolve
from gateway.vehicle.vehicle import Vehicle

Edge = tuple[str, int | None]
"""A message on a bus, by key; None for all of the bus."""


class RouteBuilder:
    """Adds the routes of one vehicle to its gateway, one after the other."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._vehicle = vehicle
        self._edges: dict[Edge, list[tuple[Edge, str]]] = {}

    def add(self, index: int, spec: RouteSpec, file: str, line: int) -> None:
        """VehicleFileError for a route that cannot be."""
        source = resolve(spec.source, self._vehicle.databases)
        target = resolve(spec.target, self._vehicle.databases)
        if source.bus == target.bus:
            raise VehicleFileError(f"a route must lead to another bus than {source.bus}, where it comes from")
        rule = Rule(index, str(source), str(target), file, line)
        if source.signal is not None or target.signal is not None:
            self._add_signal_route(rule, spec, source, target)
        else:
            self._add_frame_route(rule, spec, source, target)
        self._check_loop(rule, source, target)

    def _add_frame_route(self, rule: Rule, spec: RouteSpec, source: End, target: End) -> None:
        for key in ("scale", "offset", "map", "send", "timeout", "on_timeout"):
            if key in spec.model_fields_set:
                raise VehicleFileError(
                    f"{key!r} is for signals, and {spec.source} -> {spec.target} is a route of frames"
                )
        bus = self._vehicle.buses[target.bus]
        message = source.message
        if message is not None and not bus.fd and (message.fd or message.length > 8):
            raise VehicleFileError(
                f"message {source} of {message.length} bytes needs CAN FD, and {target.bus} has none"
                " (route its signals, or make it `kind: canfd`)"
            )
        if target.message is not None and message is not None and target.message.length < message.length:
            raise VehicleFileError(
                f"{source} has {message.length} bytes, and {target} only {target.message.length}: it would need a longer frame"
            )
        gateway = self._vehicle.gateway
        route = FrameRoute(gateway.kernel, rule, gateway.journeys, gateway.lane(target.bus, spec.latency), target.key)
        route.every_ns = spec.every
        route.condition = self._condition(spec.when, message)
        gateway.add(route, source.bus, source.key)

    def _add_signal_route(self, rule: Rule, spec: RouteSpec, source: End, target: End) -> None:
        if source.signal is None or target.signal is None or target.message is None or source.message is None:
            raise VehicleFileError(
                "a route leads from a frame to a bus, or from a signal to a signal: bus.Message.Signal"
            )
        if target.signal.end_bit > 8 * target.message.length:
            raise VehicleFileError(f"{target} lies past the end of its message of {target.message.length} bytes")
        gateway = self._vehicle.gateway
        ends = (source.signal, gateway.target(target.bus, target.message), target.signal.name)
        lane = gateway.lane(target.bus, spec.latency)
        route = SignalRoute(gateway.kernel, rule, gateway.journeys, lane, ends)
        route.transform = Transform(spec.scale, spec.offset, spec.map)
        route.mode = _mode(spec, target.message)
        route.timeout_ns = MISSED_CYCLES * (source.message.cycle_ns or 0) if spec.timeout is None else spec.timeout
        route.on_timeout = spec.on_timeout
        route.every_ns = spec.every
        route.condition = self._condition(spec.when, source.message)
        if spec.map is not None:
            _check_table(spec, source.signal, target.signal)
        if spec.on_timeout is not None:
            target.signal.to_raw(spec.on_timeout)
        gateway.add(route, source.bus, source.key)

    def _condition(self, text: str | None, message: Message | None) -> Condition | None:
        if text is None:
            return None
        if message is None:
            raise VehicleFileError("a condition (`when`) needs a route from one message of a database")
        expression = compile_expression(text, list(message.by_name))
        getters = [_getter(message.by_name[name], name in expression.labels) for name in expression.names]

        def condition(data: bytes) -> bool | None:
            values = [get(data) for get in getters]
            if None in values:
                return None
            return bool(expression.function(*values))

        return condition

    def _check_loop(self, rule: Rule, source: End, target: End) -> None:
        """A frame that comes back to where it was would run for ever as soon as two gateways share the buses."""
        start: Edge = (source.bus, source.key)
        end: Edge = (target.bus, source.key if target.key is None else target.key)
        self._edges.setdefault(start, []).append((end, rule.name))
        path = self._path(end, start, set())
        if path is not None:
            raise VehicleFileError(
                f"a route loop: {' and '.join([rule.name, *path])} lead {source} back to {source.bus}"
            )

    def _path(self, place: Edge, goal: Edge, seen: set[Edge]) -> list[str] | None:
        if place == goal or (place[0] == goal[0] and None in {place[1], goal[1]}):
            return []
        if place in seen:
            return None
        seen.add(place)
        for key in {place[1], None}:
            for following, name in self._edges.get((place[0], key), []):
                if following[1] is None:
                    following = (following[0], place[1])
                path = self._path(following, goal, seen)
                if path is not None:
                    return [name, *path]
        return None

    @staticmethod
    def forwarded(vehicle: Vehicle) -> set[tuple[str, str]]:
        """The messages, by bus and name, that come to a bus by a frame route."""
        found = set()
        for route in vehicle.gateway.frame_routes():
            bus, _, name = route.rule.target.partition(".")
            name = name or route.rule.source.partition(".")[2]
            found.add((bus, name))
        return found


def _mode(spec: RouteSpec, target: Message) -> SendMode:
    """As the route says; otherwise as the target message is sent: cyclic when it has a cycle, else with each value."""
    if spec.send is not None:
        mode = SendMode(spec.send)
        if mode is SendMode.CYCLIC and not target.cycle_ns:
            raise VehicleFileError(
                f"{target.name} has no cycle time in its database (GenMsgCycleTime), so it cannot be cyclic"
            )
        return mode
    return SendMode.CYCLIC if target.cycle_ns else SendMode.EACH


def _getter(signal: Signal, wants_label: bool) -> Callable[[bytes], int | float | str | None]:
    if not wants_label:
        return signal.decode

    def label(data: bytes) -> int | float | str | None:
        value = signal.decode(data)
        return None if value is None else label_of(signal, value) or value

    return label


def _check_table(spec: RouteSpec, source: Signal, target: Signal) -> None:
    labels = list((source.choices or {}).values())
    for key, value in (spec.map or {}).items():
        if isinstance(key, str) and key not in labels:
            raise VehicleFileError(f"{source} has no value {key!r}{nearest(key, labels)}")
        target.to_raw(value)
