"""The routes of a vehicle file, checked before anything drives: ends, lengths, loops, conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.com import MISSED_CYCLES, label_of
from gateway.database import Message, Signal
from gateway.errors import GatewayError, nearest
from gateway.routing import (
    Condition,
    ExpressionError,
    FrameRoute,
    Rule,
    SendMode,
    SignalRoute,
    Transform,
    compile_expression,
)
from gateway.vehicle.assembly.lin import check_frame_target
from gateway.vehicle.assembly.loops import Loops
from gateway.vehicle.assembly.names import End, key_of, resolve
from gateway.vehicle.errors import VehicleFileError, keep, raise_all
from gateway.vehicle.file.model import RouteSpec
from gateway.vehicle.vehicle import Vehicle

_OF_SIGNALS = ("scale", "offset", "map", "send", "timeout", "on_timeout")


class RouteBuilder:
    """Adds the routes of one vehicle to its gateway, one after the other.

    `forwarded`: what comes to a bus by a frame route, by bus and key.
    """

    def __init__(self, vehicle: Vehicle) -> None:
        self.forwarded: set[tuple[str, int]] = set()
        self._vehicle = vehicle
        self._loops = Loops()

    def add(self, index: int, spec: RouteSpec, file: str, line: int) -> None:
        """VehicleFileError, with all its faults, for a route that cannot be."""
        source, target = self._ends(spec)
        if source.bus == target.bus:
            raise VehicleFileError(f"a route must lead to another bus than {source.bus}, where it comes from")
        rule = Rule(index, str(source), str(target), file, line, source.key, target.key, spec.when or "")
        if source.signal is not None or target.signal is not None:
            self._add_signal_route(rule, spec, source, target)
        else:
            self._add_frame_route(rule, spec, source, target)
        self._loops.check(rule, source, target)

    def _ends(self, spec: RouteSpec) -> tuple[End, End]:
        faults: list[GatewayError] = []
        source = keep(faults, lambda: resolve(spec.source, self._vehicle.databases))
        target = keep(faults, lambda: resolve(spec.target, self._vehicle.databases))
        raise_all(faults)
        assert source is not None and target is not None
        return source, target

    def _add_frame_route(self, rule: Rule, spec: RouteSpec, source: End, target: End) -> None:
        for key in _OF_SIGNALS:
            if key in spec.model_fields_set:
                raise VehicleFileError(
                    f"{key!r} is for signals, and {spec.source} -> {spec.target} is a route of frames"
                )
        self._check_frame_ends(source, target)
        gateway = self._vehicle.gateway
        route = FrameRoute(gateway.kernel, rule, gateway.journeys, gateway.lane(target.bus, spec.latency), target.key)
        route.every_ns = spec.every
        route.condition = self._condition(spec.when, source)
        gateway.add(route, source.bus, source.key)
        if source.key is not None:
            self.forwarded.add((target.bus, source.key if target.key is None else target.key))
        else:
            messages = self._vehicle.databases[source.bus].messages
            self.forwarded |= {(target.bus, key_of(message)) for message in messages}

    def _check_frame_ends(self, source: End, target: End) -> None:
        bus = self._vehicle.buses[target.bus]
        message = source.message
        check_frame_target(bus, source, target)
        if source.key is None and target.key is not None:
            raise VehicleFileError(f"all frames of {source.bus} cannot get the one identifier of {target}")
        if message is not None and not bus.fd and (message.fd or message.length > 8):
            raise VehicleFileError(
                f"message {source} of {message.length} bytes needs CAN FD, and {target.bus} has none"
                " (route its signals, or make it `kind: canfd`)"
            )
        if target.message is not None and message is not None and target.message.length < message.length:
            raise VehicleFileError(
                f"{source} has {message.length} bytes, and {target} only {target.message.length}: it would need a longer frame"
            )

    def _add_signal_route(self, rule: Rule, spec: RouteSpec, source: End, target: End) -> None:
        if source.signal is None or target.signal is None or target.message is None or source.message is None:
            raise VehicleFileError(
                "a route leads from a frame to a bus, or from a signal to a signal: bus.Message.Signal"
            )
        faults: list[GatewayError] = [
            VehicleFileError(f"{end} lies past the end of its message of {message.length} bytes")
            for end, signal, message in (
                (source, source.signal, source.message),
                (target, target.signal, target.message),
            )
            if signal.end_bit > 8 * message.length
        ]
        raise_all(faults)
        gateway = self._vehicle.gateway
        ends = (source.signal, gateway.target(target.bus, target.message), target.signal.name)
        route = SignalRoute(gateway.kernel, rule, gateway.journeys, gateway.lane(target.bus, spec.latency), ends)
        route.transform = Transform(spec.scale, spec.offset, spec.map)
        route.timeout_ns = MISSED_CYCLES * (source.message.cycle_ns or 0) if spec.timeout is None else spec.timeout
        route.on_timeout = spec.on_timeout
        route.every_ns = spec.every
        faults += _value_faults(spec, source, source.signal, target.signal)
        target_message = target.message
        route.mode = keep(faults, lambda: _mode(spec, target_message)) or SendMode.EACH
        route.condition = keep(faults, lambda: self._condition(spec.when, source))
        raise_all(faults)
        protected = None if source.key is None else self._vehicle.protected.get((source.bus, source.key))
        if protected is not None:
            route.check = protected.checker().accepts
        gateway.add(route, source.bus, source.key)

    def _condition(self, text: str | None, source: End) -> Condition | None:
        if text is None:
            return None
        message = source.message
        if message is None:
            raise VehicleFileError("a condition (`when`) needs a route from one message of a database")
        try:
            expression = compile_expression(text, list(message.by_name))
        except ExpressionError as error:
            raise VehicleFileError(f"when: {error.sentence}") from None
        for name, labels in expression.labels.items():
            _check_labels(message.by_name[name], sorted(labels))
        getters = [_getter(message.by_name[name], name in expression.labels) for name in expression.names]

        def condition(data: bytes) -> bool | None:
            values = [get(data) for get in getters]
            if None in values:
                return None
            try:
                return bool(expression.function(*values))
            except ExpressionError:  # a division by zero, a label where a number was meant
                return None

        return condition


def _check_labels(signal: Signal, labels: Iterable[str]) -> None:
    known = list((signal.choices or {}).values())
    if not known:
        raise VehicleFileError(f"when: {signal} has no value table; compare it with a number")
    for label in labels:
        if label not in known:
            near = nearest(label, known) or f" (there are {', '.join(known[:8])})"
            raise VehicleFileError(f"when: {signal} has no value {label!r}{near}")


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


def _value_faults(spec: RouteSpec, end: End, source: Signal, target: Signal) -> list[GatewayError]:
    """What of `map` and `on_timeout` the two signals do not have."""
    faults: list[GatewayError] = []
    if spec.map is not None and {"scale", "offset"} & spec.model_fields_set:
        faults.append(VehicleFileError("`map` gives the values of the target as they are: no `scale`, no `offset`"))
    labels = list((source.choices or {}).values())
    for key in spec.map or {}:
        if isinstance(key, str) and key not in labels:
            near = nearest(key, labels) or (f" (there are {', '.join(labels[:8])})" if labels else "")
            faults.append(VehicleFileError(f"map: {end} has no value {key!r}{near}"))
    values = [("map", value) for value in (spec.map or {}).values()]
    if spec.on_timeout is not None:
        values.append(("on_timeout", spec.on_timeout))
    for word, value in values:
        try:
            target.to_raw(value)
        except GatewayError as error:
            faults.append(VehicleFileError(f"{word}: {error.sentence}"))
    return faults
