"""The client's half of the service discovery: what is looked for, what was found, our subscriptions to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Final, NamedTuple

from gateway.ethernet import Endpoint, Transport
from gateway.sim import FOREVER, NS_PER_S, Stream
from gateway.someip.sd_events import (
    Acknowledged,
    Available,
    Found,
    Gone,
    Instance,
    NotAcknowledged,
    SdEvent,
    StrangerOffer,
    Unavailable,
)
from gateway.someip.sd_message import ANY_INSTANCE, ANY_MAJOR, ANY_MINOR, FOREVER_TTL, Entry, EntryType
from gateway.someip.sd_options import EndpointKind, EndpointOption
from gateway.someip.sd_outbox import Outbox
from gateway.someip.sd_timing import Phases, SdTiming, drawn
from gateway.someip.sessions import Cast

FOUND: Final = 4096
"""Instances that may be known at a time."""


class Wanted(NamedTuple):
    """A service that is looked for. `owner`: the one host that may offer it, where there is one."""

    service: int
    instance: int = ANY_INSTANCE
    major: int = ANY_MAJOR
    minor: int = ANY_MINOR
    owner: str | None = None

    def matches(self, entry: Entry) -> bool:
        return (
            entry.service == self.service
            and self.instance in (ANY_INSTANCE, entry.instance)
            and self.major in (ANY_MAJOR, entry.major)
            and self.minor in (ANY_MINOR, entry.minor)
        )


class Standing(Enum):
    """How a subscription of ours stands."""

    ASKED = "asked, not answered yet"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


class _Subscription:
    __slots__ = ("standing", "tcp", "udp")

    def __init__(self, udp: Endpoint | None, tcp: Endpoint | None) -> None:
        self.udp = udp
        self.tcp = tcp
        self.standing = Standing.ASKED


class _Known:
    __slots__ = ("expiry", "found", "sd")

    def __init__(self, found: Found, sd: Endpoint, expiry: int) -> None:
        self.found = found
        self.sd = sd
        self.expiry = expiry


class Finds:
    """All that one host looks for."""

    def __init__(self, timing: SdTiming, random: Stream, outbox: Outbox, group: Endpoint) -> None:
        self._timing = timing
        self._random = random
        self._outbox = outbox
        self._group = group
        self._searches: dict[Wanted, Phases] = {}
        self._known: dict[Instance, _Known] = {}
        self._subscriptions: dict[tuple[Instance, int], _Subscription] = {}

    @property
    def due(self) -> int:
        return min(
            min((phases.due for phases in self._searches.values()), default=FOREVER),
            min((known.expiry for known in self._known.values()), default=FOREVER),
        )

    @property
    def found(self) -> Mapping[Instance, Found]:
        return {instance: known.found for instance, known in self._known.items()}

    @property
    def standings(self) -> Mapping[tuple[Instance, int], Standing]:
        """Our subscriptions by instance and eventgroup."""
        return {key: subscription.standing for key, subscription in self._subscriptions.items()}

    def search(self, wanted: Wanted, now: int) -> None:
        phases = self._searches[wanted] = Phases(self._timing, self._random, self._timing.find_cyclic_ns)
        phases.start(now)

    def subscribe(
        self, instance: Instance, eventgroup: int, udp: Endpoint | None, tcp: Endpoint | None, now: int
    ) -> None:
        """Ask for an eventgroup of what was found, now and with each of its offers."""
        self._subscriptions[instance, eventgroup] = _Subscription(udp, tcp)
        self._ask(instance, eventgroup, now)

    def unsubscribe(self, instance: Instance, eventgroup: int, now: int) -> None:
        if (instance, eventgroup) in self._subscriptions:
            self._ask(instance, eventgroup, now, ttl=0)
            del self._subscriptions[instance, eventgroup]

    def unsubscribe_all(self, now: int) -> None:
        for instance, eventgroup in list(self._subscriptions):
            self.unsubscribe(instance, eventgroup, now)

    def wake(self, now: int) -> Iterator[SdEvent]:
        for wanted, phases in self._searches.items():
            if phases.take(now):
                entry = Entry(
                    EntryType.FIND, wanted.service, wanted.instance, wanted.major, self._timing.ttl_s, wanted.minor
                )
                self._outbox.put(entry, self._group, now)
        yield from self._lose((each for each, known in self._known.items() if known.expiry <= now), Gone.EXPIRED, now)

    def rebooted(self, host: str, now: int) -> Iterator[SdEvent]:
        gone = (each for each, known in self._known.items() if known.found.host == host)
        yield from self._lose(gone, Gone.REBOOTED, now)

    def offered(self, entry: Entry, source: Endpoint, cast: Cast, now: int) -> Iterator[SdEvent]:
        """Take an OFFER (with TTL 0: its end)."""
        wanted = next((each for each in self._searches if each.matches(entry)), None)
        if wanted is None:
            return
        instance = Instance(entry.service, entry.instance)
        known = self._known.get(instance)
        owner = wanted.owner or (known.found.host if known is not None else source.host)
        if owner != source.host:
            yield StrangerOffer(instance, source.host, owner)
            return
        if entry.ttl == 0:
            yield from self._lose([instance] if known is not None else [], Gone.STOPPED, now)
            return
        found = _found(entry, source)
        if known is not None and known.found != found:
            yield from self._lose([instance], Gone.MOVED, now)
            known = None
        expiry = FOREVER if entry.ttl == FOREVER_TTL else now + entry.ttl * NS_PER_S
        if known is not None:
            known.expiry, known.sd = expiry, source
            self._renew(instance, cast, now)
        elif len(self._known) < FOUND:
            self._known[instance] = _Known(found, source, expiry)
            self._searches[wanted].stop()
            yield Available(found)

    def acknowledged(self, entry: Entry, source: Endpoint) -> Iterator[SdEvent]:
        """Take an ACK (with TTL 0: a refusal)."""
        instance = Instance(entry.service, entry.instance)
        subscription = self._subscriptions.get((instance, entry.eventgroup))
        known = self._known.get(instance)
        if subscription is None or known is None or known.found.host != source.host:
            return
        if entry.ttl == 0:
            subscription.standing = Standing.REFUSED
            yield NotAcknowledged(instance, entry.eventgroup, source.host)
            return
        known_before = subscription.standing is Standing.ACKNOWLEDGED
        subscription.standing = Standing.ACKNOWLEDGED
        if not known_before:
            multicast = next((each.endpoint for each in _places(entry) if each.kind is EndpointKind.MULTICAST), None)
            yield Acknowledged(instance, entry.eventgroup, multicast)

    def _renew(self, instance: Instance, cast: Cast, now: int) -> None:
        """Each offer renews the subscriptions; one that was not answered is taken back first (PRS_SOMEIPSD_00577)."""
        delay = drawn(self._timing.response_delay_ns, self._random) if cast is Cast.MULTICAST else 0
        for (own, eventgroup), subscription in self._subscriptions.items():
            if own == instance:
                if subscription.standing is Standing.ASKED:
                    self._ask(instance, eventgroup, now + delay, ttl=0)
                if subscription.standing is Standing.REFUSED:
                    subscription.standing = Standing.ASKED
                self._ask(instance, eventgroup, now + delay)

    def _ask(self, instance: Instance, eventgroup: int, due: int, ttl: int | None = None) -> None:
        known = self._known.get(instance)
        if known is None:
            return
        subscription = self._subscriptions[instance, eventgroup]
        places = ((subscription.udp, Transport.UDP), (subscription.tcp, Transport.TCP))
        options = tuple(EndpointOption(place, protocol) for place, protocol in places if place is not None)
        ttl = self._timing.ttl_s if ttl is None else ttl
        entry = Entry(EntryType.SUBSCRIBE, *instance, known.found.major, ttl, eventgroup=eventgroup, options=options)
        self._outbox.put(entry, known.sd, due)

    def _lose(self, instances: Iterable[Instance], why: Gone, now: int) -> Iterator[SdEvent]:
        for instance in list(instances):
            known = self._known.pop(instance)
            for key in [key for key in self._subscriptions if key[0] == instance]:
                del self._subscriptions[key]
            for wanted, phases in self._searches.items():
                if wanted.service == instance.service and wanted.instance in (ANY_INSTANCE, instance.instance):
                    phases.start(now)
            yield Unavailable(known.found, why)


def _places(entry: Entry) -> Iterator[EndpointOption]:
    return (option for option in entry.options if isinstance(option, EndpointOption))


def _found(entry: Entry, source: Endpoint) -> Found:
    places = {each.protocol: each.endpoint for each in _places(entry) if each.kind is EndpointKind.UNICAST}
    return Found(
        Instance(entry.service, entry.instance),
        entry.major,
        entry.minor,
        source.host,
        places.get(Transport.UDP),
        places.get(Transport.TCP),
    )
