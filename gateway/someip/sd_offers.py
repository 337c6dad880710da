"""The server's half of the service discovery: what is offered, and who has subscribed to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.ethernet import Endpoint, Transport
from gateway.sim import FOREVER, NS_PER_S, Stream
from gateway.someip.sd_events import Gone, Instance, Refused, SdEvent, Subscribed, Subscriber, Unsubscribed
from gateway.someip.sd_message import ANY_INSTANCE, ANY_MAJOR, ANY_MINOR, FOREVER_TTL, Entry, EntryType
from gateway.someip.sd_options import EndpointKind, EndpointOption
from gateway.someip.sd_outbox import Outbox
from gateway.someip.sd_timing import Phase, Phases, SdTiming, drawn
from gateway.someip.sessions import Cast

SUBSCRIPTIONS: Final = 4096
"""That may be at a time, of all services of one host."""
HOLD_NS: Final = 100_000_000
"""How long a subscription over TCP waits for its connection: the two come over different ways, in any order."""
HELD: Final = 256
"""That may wait so."""


class OfferedGroup(NamedTuple):
    """An eventgroup of ours. `multicast`: where its events go once it has `threshold` subscribers."""

    multicast: Endpoint | None = None
    threshold: int = 1


@dataclass(frozen=True, slots=True)
class Offer:
    """A service instance of ours and where it is."""

    instance: Instance
    major: int
    minor: int = 0
    udp: Endpoint | None = None
    tcp: Endpoint | None = None
    groups: Mapping[int, OfferedGroup] = field(default_factory=dict)

    def entry(self, ttl_s: int) -> Entry:
        """What is said of it; with TTL 0 it is taken back."""
        places = ((self.udp, Transport.UDP), (self.tcp, Transport.TCP))
        options = tuple(EndpointOption(place, protocol) for place, protocol in places if place is not None)
        return Entry(EntryType.OFFER, *self.instance, self.major, ttl_s, self.minor, options=options)


class _Key(NamedTuple):
    instance: Instance
    eventgroup: int
    subscriber: Subscriber


class _Held(NamedTuple):
    entry: Entry
    source: Endpoint
    due: int


class Offers:
    """All offers of one host. `connected`: peers with a TCP connection to us, told by whoever has the sockets."""

    def __init__(self, timing: SdTiming, random: Stream, outbox: Outbox, group: Endpoint) -> None:
        self.connected: Final[set[Endpoint]] = set()
        self.changes = 0
        """Counts with each change of who is subscribed to what."""
        self.offers: Final[dict[Instance, Offer]] = {}
        self._timing = timing
        self._random = random
        self._outbox = outbox
        self._group = group
        self._phases: dict[Instance, Phases] = {}
        self._expiry: dict[_Key, int] = {}
        self._held: dict[_Key, _Held] = {}

    @property
    def due(self) -> int:
        return min(
            min((phases.due for phases in self._phases.values()), default=FOREVER),
            min(self._expiry.values(), default=FOREVER),
            min((held.due for held in self._held.values()), default=FOREVER),
        )

    def subscribers(self, instance: Instance, eventgroup: int) -> list[Subscriber]:
        """Who is subscribed, in the order in which they came."""
        return [key.subscriber for key in self._expiry if key[:2] == (instance, eventgroup)]

    def start(self, offer: Offer, now: int) -> None:
        self.offers[offer.instance] = offer
        phases = self._phases[offer.instance] = Phases(self._timing, self._random, self._timing.cyclic_ns)
        phases.start(now)

    def stop(self, instance: Instance, now: int) -> None:
        offer = self.offers.pop(instance, None)
        if offer is not None:
            if self._phases.pop(instance).phase is not Phase.INITIAL_WAIT:
                self._outbox.put(offer.entry(0), self._group, now)
            for key in [key for key in self._expiry if key.instance == instance]:
                self.changes += 1
                del self._expiry[key]

    def wake(self, now: int) -> Iterator[SdEvent]:
        for instance, phases in self._phases.items():
            if phases.take(now):
                self._outbox.put(self.offers[instance].entry(self._timing.ttl_s), self._group, now)
        yield from self._end((key for key, expiry in self._expiry.items() if expiry <= now), Gone.EXPIRED)
        for key in [key for key, held in self._held.items() if held.due <= now]:
            entry, source, _ = self._held.pop(key)
            faulty = f"there is no TCP connection from {key.subscriber.tcp}"
            yield from self.subscribe(entry, source, now, faulty=faulty)

    def rebooted(self, host: str) -> Iterator[SdEvent]:
        self._held = {key: held for key, held in self._held.items() if key.subscriber.host != host}
        yield from self._end((key for key in self._expiry if key.subscriber.host == host), Gone.REBOOTED)

    def connect(self, peer: Endpoint, now: int) -> Iterator[SdEvent]:
        """A TCP connection is there; the subscriptions over it may have come before."""
        self.connected.add(peer)
        for key in [key for key in self._held if key.subscriber.tcp == peer]:
            entry, source, _ = self._held.pop(key)
            yield from self.subscribe(entry, source, now)

    def disconnected(self, peer: Endpoint) -> Iterator[SdEvent]:
        """A TCP connection is gone, and the subscriptions over it with it."""
        self.connected.discard(peer)
        yield from self._end((key for key in self._expiry if key.subscriber.tcp == peer), Gone.STOPPED)

    def found(self, entry: Entry, source: Endpoint, cast: Cast, now: int) -> None:
        """Answer a FIND; not while an offer is in its initial wait (PRS_SOMEIPSD_00319)."""
        for instance, offer in self.offers.items():
            if (
                entry.service == instance.service
                and entry.instance in (ANY_INSTANCE, instance.instance)
                and entry.major in (ANY_MAJOR, offer.major)
                and entry.minor in (ANY_MINOR, offer.minor)
                and self._phases[instance].phase is not Phase.INITIAL_WAIT
            ):
                delay = drawn(self._timing.response_delay_ns, self._random) if cast is Cast.MULTICAST else 0
                self._outbox.put(offer.entry(self._timing.ttl_s), source, now + delay)

    def subscribe(self, entry: Entry, source: Endpoint, now: int, *, faulty: str = "") -> Iterator[SdEvent]:
        """Answer a SUBSCRIBE (with TTL 0: its end). `faulty`: why its options cannot be."""
        instance = Instance(entry.service, entry.instance)
        offer = self.offers.get(instance)
        subscriber, reason = _subscriber(entry, source)
        key = _Key(instance, entry.eventgroup, subscriber)
        if entry.ttl == 0:
            self._held.pop(key, None)
            yield from self._end([key] if key in self._expiry else [], Gone.STOPPED)
            return
        reason = faulty or self._refusal(offer, entry, subscriber) or reason
        if not reason and key not in self._expiry and len(self._expiry) >= SUBSCRIPTIONS:
            reason = f"there are {SUBSCRIPTIONS} subscriptions already"
        if not reason and subscriber.tcp is not None and subscriber.tcp not in self.connected:
            if key in self._held or len(self._held) < HELD:
                self._held.setdefault(key, _Held(entry, source, now + HOLD_NS))
                return
            reason = f"{HELD} others wait for their TCP connections"
        answer = entry._replace(type=EntryType.ACK, initial_data=0, options=())
        if reason or offer is None:
            self._outbox.put(answer._replace(ttl=0), source, now)
            yield Refused(instance, entry.eventgroup, source.host, reason)
            return
        multicast = offer.groups[entry.eventgroup].multicast
        if multicast is not None:
            answer = answer._replace(options=(EndpointOption(multicast, Transport.UDP, EndpointKind.MULTICAST),))
        self._outbox.put(answer, source, now)
        known = key in self._expiry
        self.changes += not known
        self._expiry[key] = FOREVER if entry.ttl == FOREVER_TTL else now + entry.ttl * NS_PER_S
        if not known:
            yield Subscribed(instance, entry.eventgroup, subscriber)

    def _refusal(self, offer: Offer | None, entry: Entry, subscriber: Subscriber) -> str:
        if offer is None:
            return "this service is not offered here"
        if entry.major != offer.major:
            return f"its major version is {offer.major}, not {entry.major}"
        if entry.eventgroup not in offer.groups:
            return "it has no such eventgroup"
        if subscriber.udp is not None and offer.udp is None and not offer.groups[entry.eventgroup].multicast:
            return "it is offered over TCP only"
        if subscriber.tcp is not None and offer.tcp is None:
            return "it is offered over UDP only"
        return ""

    def _end(self, keys: Iterable[_Key], why: Gone) -> Iterator[SdEvent]:
        for key in list(keys):
            self.changes += 1
            del self._expiry[key]
            yield Unsubscribed(key.instance, key.eventgroup, key.subscriber, why)


def _subscriber(entry: Entry, source: Endpoint) -> tuple[Subscriber, str]:
    """Where the events shall go, and what is wrong with that. A multicast address of the client's own will do."""
    places: dict[int, Endpoint] = {}
    reason = ""
    for option in entry.options:
        if not isinstance(option, EndpointOption) or option.kind is EndpointKind.SD:
            continue
        if places.setdefault(option.protocol, option.endpoint) != option.endpoint:
            reason = "it names two addresses of one protocol"
    if not places:
        reason = "it names no address for the events"
    subscriber = Subscriber(source.host, places.get(Transport.UDP), places.get(Transport.TCP), entry.counter)
    return subscriber, reason
