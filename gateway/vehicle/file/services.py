"""SOME/IP in the vehicle file: services that are offered and consumed, their payloads, the service discovery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gateway.vehicle.file.words import Duration, Scalar, Section, Table


def _numbers(value: object) -> object:
    """One number or several."""
    return [value] if isinstance(value, int) else value


def _by_number(value: object) -> object:
    """YAML's keys are words here; these are numbers."""
    if not isinstance(value, dict):
        return value
    found: dict[object, object] = {}
    for key, item in value.items():
        try:
            found[int(key, 0) if isinstance(key, str) else key] = item
        except ValueError:
            found[key] = item
    return found


Id = Annotated[int, Field(ge=0, le=0xFFFF)]
Port = Annotated[int, Field(ge=1, le=65535)]
Numbers = Annotated[list[Id], BeforeValidator(_numbers)]


class PayloadSpec(Section):
    """What a value of a payload is, and which signal it is."""

    type: str | None = Field(
        None, description="bool, uint8 to uint64, int8 to int64, float32, float64, string, string(20), a type; [4], []"
    )
    signal: str | None = Field(None, description="VSS path, or bus.Message.Signal")
    members: dict[str, str | PayloadSpec] | None = Field(None, description="Of a structure, in order")
    scale: float = Field(1, allow_inf_nan=False, description="The signal is the payload's number times this")
    offset: float = Field(0, allow_inf_nan=False, description="and this added")
    map: Table | None = Field(None, description="Value or label of the signal to the payload's, in place of the two")
    value: Scalar | None = Field(None, description="What it always is, where it has no signal")
    on_timeout: Scalar | None = Field(None, description="What the payload has while the signal is stale or absent")


MemberSpec = str | PayloadSpec
"""A type alone, or more than that."""


class EndToEndSpec(Section):
    """AUTOSAR's end-to-end protection of an event."""

    profile: Literal["P04", "P05", "P06", "P07"] = Field(description="Its profile")
    data_id: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] = Field(description="Data identifier, of both sides")
    offset: int = Field(8, ge=8, le=1400, description="Bytes from the request id to the header; 8: before the payload")
    max_delta: int = Field(1, ge=1, description="So far the counter may jump")


class _Sent(PayloadSpec):
    group: Numbers = Field(default=[1], description="Its eventgroup, or several")
    send: Literal["on_change", "each", "cyclic"] = Field("on_change", description="What makes it go out")
    epsilon: float = Field(0, ge=0, allow_inf_nan=False, description="Numbers that differ by no more are the same")
    cycle: Duration = Field(
        0, description="Again after so long, though nothing changed; consumed: it comes that often, or is stale"
    )
    every: Duration = Field(0, description="At most one in each span of so long")
    e2e: EndToEndSpec | None = Field(None, description="End-to-end protection: sent with it, or checked")


class EventSpec(_Sent):
    """An event."""

    id: Id = Field(description="0x8000 to 0xFFFE")


class FieldSpec(_Sent):
    """A field: a value that can be asked for, set, and that tells when it changes."""

    get: Id | None = Field(None, description="Method id of its getter")
    set: Id | None = Field(None, description="Method id of its setter")
    notify: Id | None = Field(None, description="Event id of its notifier")


class MethodSpec(Section):
    """A method."""

    id: Id = Field(description="0x0001 to 0x7FFF")
    request: dict[str, MemberSpec] = Field(default_factory=dict, description="Its parameters, in order")
    response: dict[str, MemberSpec] | None = Field(
        None, description="What it answers; absent: nothing but that it was done"
    )
    sets: dict[str, Scalar] = Field(default_factory=dict, description="Signals that a call gives these values")


class GroupSpec(Section):
    """An eventgroup."""

    multicast: str | None = Field(None, description="GROUP:PORT to which its events go, like 239.1.1.1:30600")
    threshold: int = Field(1, ge=1, description="so long as it has so many subscribers")


class _Service(Section):
    service: Annotated[int, Field(ge=1, le=0xFFFE)] = Field(description="Its id")
    major: Annotated[int, Field(ge=0, le=0xFE)] = Field(1, description="Major version: that of the interface")
    byte_order: Literal["big", "little"] = Field("big", description="Of all its payloads")
    length_field: Literal[1, 2, 4] = Field(4, description="Bytes of the length fields of strings and of arrays")
    fields: dict[str, FieldSpec] = Field(default_factory=dict)
    events: dict[str, EventSpec] = Field(default_factory=dict)
    methods: dict[str, MethodSpec] = Field(default_factory=dict)


class OfferSpec(_Service):
    """A service that the gateway offers."""

    instance: Annotated[int, Field(ge=1, le=0xFFFE)] = Field(1, description="Which instance of it")
    minor: Annotated[int, Field(ge=0, le=0xFFFFFFFE)] = Field(0, description="Minor version")
    udp: Port | None = Field(None, description="Port of UDP")
    tcp: Port | None = Field(None, description="Port of TCP")
    groups: Annotated[dict[int, GroupSpec], BeforeValidator(_by_number)] = Field(
        default_factory=dict, description="Eventgroups that are more than their events"
    )


class ConsumeSpec(_Service):
    """A service that another ECU offers."""

    instance: Annotated[int, Field(ge=1, le=0xFFFF)] = Field(0xFFFF, description="0xFFFF: any")
    owner: str | None = Field(None, alias="from", description="The one host (IP address) that may offer it")
    transport: Literal["udp", "tcp"] = Field("udp", description="What its events and calls go over")


class DiscoverySpec(Section):
    """The service discovery."""

    group: str | None = Field(
        None,
        description="Its multicast group; 224.224.224.245 if absent, ff02::1:ff00 where the address is one of IPv6",
    )
    port: Port = Field(30490, description="Its UDP port")
    ttl: Duration = Field(3_000_000_000, description="For how long an offer or a subscription holds; whole seconds")
    initial_delay: Duration = Field(
        10_000_000, description="The first message comes within so long, drawn from the seed"
    )
    repetition_base: Duration = Field(
        100_000_000, description="The first repetition; then after twice as long, and so on"
    )
    repetitions: int = Field(3, ge=0, le=10, description="How many of them")
    cyclic: Duration = Field(1_000_000_000, description="Then an offer in each span of so long")
    response_delay: Duration = Field(0, description="Answers to multicast wait up to so long, drawn from the seed")


class ServicesSpec(Section):
    """SOME/IP."""

    address: str = Field("127.0.0.1", description="IP address of the gateway, on the simulated segment and for real")
    discovery: DiscoverySpec = Field(default_factory=lambda: DiscoverySpec.model_validate({}))
    types: dict[str, dict[str, str]] = Field(default_factory=dict, description="Structures: the types of their members")
    offer: dict[str, OfferSpec] = Field(default_factory=dict, description="Services of the gateway, by name")
    consume: dict[str, ConsumeSpec] = Field(default_factory=dict, description="Services of others, by name")


def written(spec: ServicesSpec) -> Iterator[tuple[tuple[str, ...], str]]:
    """The signals that services give values: where in the section, and the signal as the file names it."""
    for name, offer in spec.offer.items():
        for field, item in offer.fields.items():
            if item.set is not None:
                yield from _named(("offer", name, "fields", field), item)
        for call, method in offer.methods.items():
            place = ("offer", name, "methods", call)
            yield from ((place, text) for text in method.sets)
            yield from _named_in(place, method.request)
    for name, consumed in spec.consume.items():
        for kind, told in (("fields", consumed.fields), ("events", consumed.events)):
            for item_name, payload in told.items():
                yield from _named(("consume", name, kind, item_name), payload)
        for call, method in consumed.methods.items():
            yield from _named_in(("consume", name, "methods", call), method.response or {})


def _named(place: tuple[str, ...], spec: PayloadSpec) -> Iterator[tuple[tuple[str, ...], str]]:
    if spec.signal is not None:
        yield place, spec.signal
    yield from _named_in(place, spec.members or {})


def _named_in(place: tuple[str, ...], members: Mapping[str, MemberSpec]) -> Iterator[tuple[tuple[str, ...], str]]:
    for member in members.values():
        if isinstance(member, PayloadSpec):
            yield from _named(place, member)
