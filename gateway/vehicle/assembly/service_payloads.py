"""Payloads of services as the vehicle file writes them: their layouts, and the signals that they are bound to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from gateway.database import Signal
from gateway.errors import GatewayError, nearest
from gateway.routing import VssLeaf, VssSignal
from gateway.routing.vss import Kind
from gateway.services.someip import BoundPayload, CanSink, Conversion, Part, Sink, VssSink, VssValue, can_source
from gateway.someip import Array, Basic, ByteOrder, Layout, PayloadError, Struct, Text, parse_type
from gateway.vehicle.assembly.names import resolve
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.file.services import MemberSpec, PayloadSpec
from gateway.vehicle.vehicle import Vehicle

_DEEPEST: Final = 8


class Use(NamedTuple):
    """What a payload's signals are for: read from, written to, or told by somebody else."""

    reads: bool
    writes: bool
    told: bool = False
    """Its values are those of another ECU; an actuator is asked for through it."""

    @property
    def is_setter(self) -> bool:
        """The value is read and another one is asked for: of us by clients, or by us of its owner."""
        return self.reads and self.writes


class Format(NamedTuple):
    """What all payloads of a service have in common, and the structures by name."""

    order: ByteOrder
    length_bytes: int
    named: Mapping[str, Layout]

    def parse(self, text: str) -> Layout:
        return parse_type(text, named=self.named, order=self.order, length_bytes=self.length_bytes)


def named_types(
    types: Mapping[str, Mapping[str, str]], order: ByteOrder, length_bytes: int
) -> tuple[dict[str, Layout], dict[str, GatewayError]]:
    """The structures of a file, each of members that were before it; and what is wrong with others, by name."""
    named: dict[str, Layout] = {}
    faults: dict[str, GatewayError] = {}
    for name, members in types.items():
        form = Format(order, length_bytes, named)
        try:
            named[name] = Struct([(member, form.parse(text)) for member, text in members.items()], order=order)
        except PayloadError as error:
            faults[name] = error
    return named, faults


class PayloadBuilder:
    """Builds payloads over the signals of a vehicle. One CAN signal is one source, whoever reads it."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._vehicle = vehicle
        self._can: dict[str, VssSignal] = {}

    def single(self, spec: PayloadSpec, form: Format, use: Use) -> BoundPayload:
        """The payload of an event or a field. VehicleFileError or PayloadError for what cannot be."""
        layout, parts = self._value(spec, form, use, ())
        return BoundPayload(layout, parts)

    def members(self, members: Mapping[str, MemberSpec], form: Format, use: Use) -> BoundPayload:
        """Parameters of a method, one after the other."""
        layout, parts = self._struct(members, form, use, ())
        return BoundPayload(layout, parts)

    def sink(self, text: str, use: Use) -> Sink:
        """Where values for a signal go: `bus.Message.Signal`, or a VSS path."""
        leaf = self._leaf(text)
        if leaf is not None:
            if use.is_setter and leaf.kind is not Kind.ACTUATOR:
                raise VehicleFileError(f"{leaf.path} is of type {leaf.kind.value}: only an actuator has a setter")
            signal = self._vehicle.gateway.store.declare(leaf.path)
            return VssValue(signal, leaf) if use.told else VssSink(signal, leaf)
        bus, signal_of_bus = self._can_signal(text)
        assert signal_of_bus.message is not None
        return CanSink(self._vehicle.gateway.command(bus, signal_of_bus.message), signal_of_bus.name)

    def _value(self, spec: PayloadSpec, form: Format, use: Use, path: tuple[str, ...]) -> tuple[Layout, list[Part]]:
        if len(path) > _DEEPEST:
            raise VehicleFileError("its structures are nested too deeply")
        if spec.members is not None:
            return self._members(spec, form, use, path)
        if spec.type is None:
            raise VehicleFileError("it has neither a type nor members")
        layout = form.parse(spec.type)
        if spec.signal is None and spec.value is None and not (use.writes and not use.reads):
            raise VehicleFileError("it has no signal; name one, or give it a value")
        return layout, [self._part(spec, layout, use, path)]

    def _members(self, spec: PayloadSpec, form: Format, use: Use, path: tuple[str, ...]) -> tuple[Layout, list[Part]]:
        assert spec.members is not None
        if spec.signal is not None or spec.value is not None:
            raise VehicleFileError("a structure has no signal of its own; its members have")
        if spec.type is None:
            return self._struct(spec.members, form, use, path)
        layout = form.parse(spec.type)
        if not isinstance(layout, Struct):
            raise VehicleFileError(f"{spec.type} is no structure, so it has no members")
        types = dict(layout.members)
        for name in spec.members:
            if name not in types:
                raise VehicleFileError(f"{spec.type} has no member {name!r}{nearest(name, list(types))}")
        parts: list[Part] = []
        for name, inner in types.items():
            member = _spec(spec.members.get(name, PayloadSpec.model_validate({})))
            if member.signal is None and member.value is None and use.reads:
                raise VehicleFileError(f"{name}: it has no signal; name one, or give it a value")
            parts.append(self._part(member, inner, use, (*path, name)))
        return layout, parts

    def _struct(
        self, members: Mapping[str, MemberSpec], form: Format, use: Use, path: tuple[str, ...]
    ) -> tuple[Layout, list[Part]]:
        layouts: list[tuple[str, Layout]] = []
        parts: list[Part] = []
        for name, member in members.items():
            try:
                layout, inner = self._value(_spec(member), form, use, (*path, name))
            except GatewayError as error:
                raise VehicleFileError(f"{name}: {error.sentence}") from None
            layouts.append((name, layout))
            parts += inner
        return Struct(layouts, order=form.order), parts

    def _part(self, spec: PayloadSpec, layout: Layout, use: Use, path: tuple[str, ...]) -> Part:
        if spec.signal is None:
            if spec.value is not None:
                layout.encode(spec.value)
            return Part(path, constant=spec.value)
        leaf = self._leaf(spec.signal)
        can = None if leaf is not None else self._can_signal(spec.signal)[1]
        conversion = _conversion(spec, layout, leaf, can)
        if spec.on_timeout is not None:
            layout.encode(spec.on_timeout)
        source = self._source(spec.signal, leaf) if use.reads else None
        sink = self.sink(spec.signal, use) if use.writes else None
        return Part(path, conversion, source, sink, substitute=spec.on_timeout)

    def _source(self, text: str, leaf: VssLeaf | None) -> VssSignal:
        gateway = self._vehicle.gateway
        if leaf is not None:
            signal = gateway.store.declare(leaf.path)
            if leaf.default is not None and signal.datapoint.value is None:
                signal.publish(leaf.default)
            return signal
        if text not in self._can:
            bus, can = self._can_signal(text)
            end = resolve(text, self._vehicle.databases)
            assert can.message is not None and end.key is not None
            source, receive = can_source(gateway.kernel, can.message, can, text)
            gateway.controllers[bus].receive(end.key, receive)
            self._can[text] = source
        return self._can[text]

    def _leaf(self, text: str) -> VssLeaf | None:
        """The leaf of a VSS path; None for a signal of a bus. VehicleFileError for what is neither."""
        mapping = self._vehicle.mapping
        if mapping is not None and text in mapping.tree:
            return mapping.tree.leaf(text)
        bus = text.partition(".")[0]
        if bus in self._vehicle.databases:
            return None
        known = [*(mapping.tree if mapping is not None else ())]
        near = nearest(text, known) or nearest(bus, list(self._vehicle.databases))
        hint = "" if mapping is not None else "; the file has no VSS tree (`gateway: {signals: FILE}`)"
        raise VehicleFileError(f"there is no signal {text!r}{near}{hint}")

    def _can_signal(self, text: str) -> tuple[str, Signal]:
        end = resolve(text, self._vehicle.databases)
        if end.signal is None:
            raise VehicleFileError(f"{text!r} is no signal: write bus.Message.Signal, or a VSS path")
        return end.bus, end.signal


def _spec(member: MemberSpec) -> PayloadSpec:
    return PayloadSpec.model_validate({"type": member}) if isinstance(member, str) else member


def _conversion(spec: PayloadSpec, layout: Layout, leaf: VssLeaf | None, can: Signal | None) -> Conversion:
    """How values change between the signal and the payload. VehicleFileError where they cannot."""
    inner = layout.element if isinstance(layout, Array) else layout
    if spec.map is not None:
        if {"scale", "offset"} & spec.model_fields_set:
            raise VehicleFileError("`map` gives the payload's values as they are: no `scale`, no `offset`")
        return _mapped(spec.map, inner, leaf, can)
    is_list = leaf is not None and leaf.is_array
    is_text = leaf is not None and leaf.element == "string"
    if isinstance(layout, Struct) or is_list is not isinstance(layout, Array):
        what = "a list" if is_list else "one value"
        raise VehicleFileError(f"{spec.signal} is {what}, and {spec.type} is {'no array' if is_list else 'not'}")
    if is_text is not isinstance(inner, Text):
        what = f"text ({', '.join(map(str, leaf.allowed)) or 'any'})" if is_text and leaf is not None else "a number"
        raise VehicleFileError(f"{spec.signal} is {what}, and {spec.type} is not: give it a `map`")
    if spec.scale == 0:
        raise VehicleFileError("a scale of 0 makes every value the same")
    return Conversion(spec.scale, spec.offset, whole=isinstance(inner, Basic) and inner.whole)


def _mapped(table: Mapping[Any, Any], layout: Layout, leaf: VssLeaf | None, can: Signal | None) -> Conversion:
    up: dict[Any, Any] = {}
    down: dict[Any, Any] = {}
    convert = (
        partial(_can_value, can) if leaf is None and can is not None else leaf.coerce if leaf is not None else None
    )
    assert convert is not None
    for key, wire in table.items():
        layout.encode(wire)
        value = convert(key)
        up[value] = wire
        down.setdefault(wire, value)
    return Conversion(up=up, down=down)


def _can_value(signal: Signal, key: Any) -> Any:
    """The number that a value or a label of a CAN signal comes as."""
    raw = signal.to_raw(key)
    number = raw * signal.scale + signal.offset
    return int(number) if float(number).is_integer() else number
