"""The SOME/IP services of a vehicle file: everything named in them found, the node that has them, the segment it is on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.ethernet import Endpoint, Segment, is_multicast, packed, unscoped
from gateway.links.addresses import address
from gateway.services.policy import EventPolicy, Send
from gateway.services.someip import (
    EventDefinition,
    FieldDefinition,
    MethodDefinition,
    Node,
    NodeOptions,
    ServiceDefinition,
)
from gateway.sim import NS_PER_S
from gateway.someip import EVENT_FLAG, SD_GROUP, SD_GROUP_V6, ByteOrder, Instance, OfferedGroup, SdTiming
from gateway.vehicle.assembly.service_payloads import Format, PayloadBuilder, Use, named_types
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.file.services import (
    ConsumeSpec,
    EventSpec,
    FieldSpec,
    GroupSpec,
    MethodSpec,
    OfferSpec,
    ServicesSpec,
)
from gateway.vehicle.vehicle import Vehicle

if TYPE_CHECKING:
    from gateway.com.e2e_profiles import E2EConfig

Attempt = Callable[..., object]
"""`Builder.attempt`: does something; a fault gets the place that follows."""
_IPV6: Final = 16
"""Bytes of an address."""
_READS: Final = Use(reads=True, writes=False)
_WRITES: Final = Use(reads=False, writes=True)
_BOTH: Final = Use(reads=True, writes=True)
_TOLD: Final = Use(reads=False, writes=True)
_TOLD_AND_ASKED: Final = Use(reads=True, writes=True, told=True)


class ServiceBuilder:
    """Builds the node of a vehicle from `services:`. Faults go to `attempt`, each with its place in the file."""

    def __init__(self, vehicle: Vehicle, file: VehicleFile, attempt: Attempt) -> None:
        assert file.spec.services is not None
        self._spec: ServicesSpec = file.spec.services
        self._vehicle = vehicle
        self._attempt = attempt
        self._payloads = PayloadBuilder(vehicle)
        self._instances: dict[Instance, str] = {}
        self._wanted: dict[Instance, str] = {}
        self._ports: dict[tuple[int, int], str] = {}

    def build(self) -> None:
        """Give the vehicle its node and the segment that it is on in virtual time."""
        options = self._attempt(self._options, "services")
        self._types()
        offered = [self._offered(name, spec) for name, spec in self._spec.offer.items()]
        consumed = [self._consumed(name, spec) for name, spec in self._spec.consume.items()]
        if not isinstance(options, NodeOptions):
            return
        vehicle = self._vehicle
        vehicle.someip = Node(
            vehicle.kernel,
            vehicle.streams.stream("someip"),
            options,
            [each for each in offered if each is not None],
            [each for each in consumed if each is not None],
        )
        for provider in vehicle.someip.providers.values():
            provider.tell_of(vehicle.service_events.of(vehicle.kernel, "SOME/IP"))
        vehicle.ethernet = Segment(vehicle.kernel, vehicle.streams.stream("ethernet"))
        vehicle.network = vehicle.ethernet.attach(vehicle.gateway.name, unscoped(options.address))

    # The node

    def _options(self) -> NodeOptions:
        spec = self._spec.discovery
        group = spec.group or (SD_GROUP_V6 if len(packed(self._spec.address)) == _IPV6 else SD_GROUP)
        if not is_multicast(group):
            raise VehicleFileError(f"discovery: {group} is no multicast address")
        if len(packed(group)) != len(packed(self._spec.address)):
            raise VehicleFileError(f"discovery: {group} and {self._spec.address} are not of one IP version")
        seconds, rest = divmod(spec.ttl, NS_PER_S)
        if rest or not 1 <= seconds < 0xFFFFFF:
            raise VehicleFileError("discovery: ttl is in whole seconds, at least one")
        timing = SdTiming(
            initial_delay_ns=(0, spec.initial_delay),
            repetition_base_ns=spec.repetition_base,
            repetitions=spec.repetitions,
            cyclic_ns=spec.cyclic,
            response_delay_ns=(0, spec.response_delay),
            ttl_s=seconds,
        )
        return NodeOptions(self._spec.address, group, spec.port, timing)

    def _types(self) -> None:
        _, faults = named_types(self._spec.types, ByteOrder.BIG, 4)
        for name, fault in faults.items():
            self._attempt(partial(_raise, f"type {name}: {fault.sentence}"), "services", "types", name)

    # Services

    def _offered(self, name: str, spec: OfferSpec) -> ServiceDefinition | None:
        place = ("services", "offer", name)
        instance = Instance(spec.service, spec.instance)
        if not self._attempt(partial(self._check_offer, name, spec, instance), *place):
            return None
        groups = self._attempt(partial(self._groups, spec), *place, "groups")
        contents = _Contents(self._payloads, self._attempt, place, self._format(spec), spec)
        events, fields, methods = contents.build()
        assert groups is None or isinstance(groups, dict)
        used = {group for event in events for group in event.groups}
        known = {group: OfferedGroup() for group in sorted(used)} | (groups or {})
        return ServiceDefinition(
            name, instance, spec.major, spec.minor, spec.udp, spec.tcp, known, events, fields, methods
        )

    def _consumed(self, name: str, spec: ConsumeSpec) -> ServiceDefinition | None:
        place = ("services", "consume", name)
        instance = Instance(spec.service, spec.instance)
        if not self._attempt(partial(self._check_consumed, name, spec, instance), *place):
            return None
        contents = _Contents(self._payloads, self._attempt, place, self._format(spec), spec)
        events, fields, methods = contents.build()
        return ServiceDefinition(
            name,
            instance,
            spec.major,
            events=events,
            fields=fields,
            methods=methods,
            owner=spec.owner,
            reliable=spec.transport == "tcp",
        )

    def _format(self, spec: OfferSpec | ConsumeSpec) -> Format:
        order = ByteOrder.LITTLE if spec.byte_order == "little" else ByteOrder.BIG
        named, _ = named_types(self._spec.types, order, spec.length_field)
        return Format(order, spec.length_field, named)

    def _check_offer(self, name: str, spec: OfferSpec, instance: Instance) -> bool:
        other = self._instances.setdefault(instance, name)
        if other != name:
            raise VehicleFileError(f"{name} and {other} both are service 0x{spec.service:04X} instance {spec.instance}")
        if spec.udp is None and spec.tcp is None:
            raise VehicleFileError("it has no port: give it `udp: PORT` or `tcp: PORT`")
        if spec.udp == self._spec.discovery.port:
            raise VehicleFileError(f"UDP port {spec.udp} is the service discovery's")
        for port in {spec.udp, spec.tcp} - {None}:
            other = self._ports.setdefault((port or 0, spec.service), name)
            if other != name:
                raise VehicleFileError(
                    f"{name} and {other} are two instances of one service at port {port}: a message could not tell which"
                )
        return True

    def _check_consumed(self, name: str, spec: ConsumeSpec, instance: Instance) -> bool:
        if instance in self._instances:
            raise VehicleFileError(
                f"{name} is service 0x{spec.service:04X}, which is offered here as {self._instances[instance]}"
            )
        other = self._wanted.setdefault(instance, name)
        if other != name:
            raise VehicleFileError(f"{name} and {other} both are service 0x{spec.service:04X} instance {spec.instance}")
        if spec.owner is not None:
            packed(spec.owner)
        return True

    def _groups(self, spec: OfferSpec) -> dict[int, OfferedGroup]:
        return {number: self._group(number, group, spec) for number, group in spec.groups.items()}

    def _group(self, number: int, group: GroupSpec, spec: OfferSpec) -> OfferedGroup:
        if not 0 <= number <= 0xFFFF:
            raise VehicleFileError(f"eventgroup {number} is none: those are 0 to 0xFFFF")
        if group.multicast is None:
            return OfferedGroup()
        where = address(group.multicast)
        if not is_multicast(where.host):
            raise VehicleFileError(f"eventgroup {number}: {where.host} is no multicast address")
        if len(packed(where.host)) != len(packed(self._spec.address)):
            raise VehicleFileError(
                f"eventgroup {number}: {where.host} and {self._spec.address} are not of one IP version"
            )
        if spec.udp is None:
            raise VehicleFileError(f"eventgroup {number}: multicast needs a UDP port of the service")
        return OfferedGroup(Endpoint(*where), group.threshold)


class _Contents:
    """The events, fields and methods of one service."""

    def __init__(
        self,
        payloads: PayloadBuilder,
        attempt: Attempt,
        place: tuple[str, ...],
        form: Format,
        spec: OfferSpec | ConsumeSpec,
    ) -> None:
        self._payloads = payloads
        self._attempt = attempt
        self._place = place
        self._form = form
        self._spec = spec
        self._offered = isinstance(spec, OfferSpec)
        self._ids: dict[int, str] = {}
        self._events: list[EventDefinition] = []
        self._fields: list[FieldDefinition] = []
        self._methods: list[MethodDefinition] = []

    def build(self) -> tuple[list[EventDefinition], list[FieldDefinition], list[MethodDefinition]]:
        for kind, items, add in (
            ("fields", self._spec.fields, self._field),
            ("events", self._spec.events, self._event),
            ("methods", self._spec.methods, self._method),
        ):
            for name, item in items.items():
                self._attempt(partial(add, name, item), *self._place, kind, name)  # type: ignore[arg-type]
        return self._events, self._fields, self._methods

    def _event(self, name: str, spec: EventSpec) -> None:
        self._take_id(spec.id, name)
        payload = self._payloads.single(spec, self._form, _READS if self._offered else _TOLD)
        protection = _protection(spec)
        event = EventDefinition(name, spec.id, tuple(spec.group), payload, _policy(spec), protection=protection)
        self._events.append(event)

    def _field(self, name: str, spec: FieldSpec) -> None:
        if spec.get is None and spec.set is None and spec.notify is None:
            raise VehicleFileError("a field has at least one of get, set and notify")
        if spec.e2e is not None and spec.notify is None:
            raise VehicleFileError("`e2e` protects the notifier of a field, and it has none: give it a `notify`")
        if spec.e2e is not None and spec.get is not None and not self._offered:
            raise VehicleFileError(
                "`e2e` protects the notifier; the getter's answer would come unchecked: leave `get` out"
            )
        for number in (spec.get, spec.set):
            if number is not None:
                self._take_id(number, name, method=True)
        if spec.set is None:
            use = _READS if self._offered else _TOLD
        else:
            use = _BOTH if self._offered else _TOLD_AND_ASKED
        payload = self._payloads.single(spec, self._form, use)
        self._fields.append(FieldDefinition(name, payload, spec.get, spec.set))
        if spec.notify is not None:
            self._take_id(spec.notify, name)
            event = EventDefinition(
                name,
                spec.notify,
                tuple(spec.group),
                payload,
                _policy(spec),
                is_field=True,
                protection=_protection(spec),
            )
            self._events.append(event)

    def _method(self, name: str, spec: MethodSpec) -> None:
        self._take_id(spec.id, name, method=True)
        asked, answered = (_WRITES, _READS) if self._offered else (_READS, _TOLD)
        request = self._payloads.members(spec.request, self._form, asked)
        response = None if spec.response is None else self._payloads.members(spec.response, self._form, answered)
        if spec.sets and not self._offered:
            raise VehicleFileError("`sets` is for methods that are offered")
        sets = []
        for text, value in spec.sets.items():
            sink = self._payloads.sink(text, _WRITES)
            sets.append((sink, sink.check(value)))
        self._methods.append(MethodDefinition(name, spec.id, request, response, tuple(sets)))

    def _take_id(self, number: int, name: str, *, method: bool = False) -> None:
        if method and not 1 <= number < EVENT_FLAG:
            raise VehicleFileError(f"0x{number:04X} is no method id: those are 0x0001 to 0x7FFF")
        if not method and not EVENT_FLAG <= number < 0xFFFF:
            raise VehicleFileError(f"0x{number:04X} is no event id: those are 0x8000 to 0xFFFE")
        if number in self._ids:
            raise VehicleFileError(f"id 0x{number:04X} is that of {self._ids[number]} already")
        self._ids[number] = name


def _policy(spec: EventSpec | FieldSpec) -> EventPolicy:
    if spec.send == "cyclic" and not spec.cycle:
        raise VehicleFileError("what is sent cyclically has a `cycle`")
    return EventPolicy(Send(spec.send), spec.epsilon, spec.cycle, spec.every)


def _protection(spec: EventSpec | FieldSpec) -> E2EConfig | None:
    """ComError for what a profile does not have, and where its package is missing."""
    found = spec.e2e
    if found is None:
        return None
    from gateway.com.e2e_profiles import E2EConfig, E2EProfile, Profile

    config = E2EConfig(Profile(found.profile), found.data_id, found.offset, max_delta=found.max_delta)
    E2EProfile(config)
    return config


def _raise(sentence: str) -> None:
    raise VehicleFileError(sentence)
