"""Services as the vehicle file describes them, with everything named in it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.com.e2e_profiles import E2EConfig
from gateway.routing import Value
from gateway.services.policy import EventPolicy
from gateway.services.someip.binding import BoundPayload, Sink
from gateway.someip import Instance, OfferedGroup


@dataclass(frozen=True, slots=True)
class EventDefinition:
    """An event, or the notifier of a field (`is_field`: new subscribers get its value at once).

    `protection`: end to end. `cycle_ns` of a consumed event's policy: it comes that often at least; 0 where that is not known.
    """

    name: str
    id: int
    groups: tuple[int, ...]
    payload: BoundPayload
    policy: EventPolicy = field(default_factory=EventPolicy)
    is_field: bool = False
    protection: E2EConfig | None = None


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A field: a value with a getter, a setter and a notifier, as far as it has them."""

    name: str
    payload: BoundPayload
    getter: int | None = None
    setter: int | None = None


@dataclass(frozen=True, slots=True)
class MethodDefinition:
    """A method. `response` None: it has none (fire and forget). `sets`: fixed values that a call gives to signals."""

    name: str
    id: int
    request: BoundPayload
    response: BoundPayload | None = None
    sets: Sequence[tuple[Sink, Value]] = ()


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """A service instance, offered or consumed. Ports of an offered one are ours; of a consumed one they do not count.

    `owner`: the one host that may offer a consumed one. `reliable`: a consumed one's events come over TCP.
    """

    name: str
    instance: Instance
    major: int
    minor: int = 0
    udp: int | None = None
    tcp: int | None = None
    groups: Mapping[int, OfferedGroup] = field(default_factory=dict)
    events: Sequence[EventDefinition] = ()
    fields: Sequence[FieldDefinition] = ()
    methods: Sequence[MethodDefinition] = ()
    owner: str | None = None
    reliable: bool = False
