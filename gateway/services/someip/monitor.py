"""What goes on around the service discovery of a network, as an onlooker sees it: offers, searches, subscriptions.

It says nothing itself. Offers and searches are multicast, so every host hears them; subscriptions are unicast and are
seen only where all frames of an interface are (`complete`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from gateway.ethernet import Endpoint, Transport
from gateway.services.someip.definition import ServiceDefinition
from gateway.sim import FOREVER, NS_PER_S
from gateway.someip import (
    ANY_INSTANCE,
    EndpointOption,
    Entry,
    EntryType,
    Instance,
    MessageError,
    SdError,
    messages,
    parse_sd,
)
from gateway.someip.sd_message import ANY_MAJOR, FOREVER_TTL, SD_METHOD, SD_SERVICE

KNOWN: Final = 4096
"""Services, and searches, that are remembered."""


class Seen(NamedTuple):
    """A service that is offered."""

    instance: Instance
    host: str
    major: int
    minor: int
    places: tuple[str, ...]
    expiry_ns: int


class Search(NamedTuple):
    """Somebody looks for a service (`instance` may be any)."""

    host: str
    service: int
    instance: int
    major: int


class Missing(NamedTuple):
    """A service that somebody wants and does not have, and why."""

    service: str
    who: str
    why: str


@dataclass(slots=True)
class Monitor:
    """Feed it with `receive`; it gives what has changed, as sentences. `services`, `subscribers`, `missing`: as it is."""

    wanted: Sequence[ServiceDefinition] = ()
    """Services that this vehicle consumes."""
    services: dict[Instance, Seen] = field(default_factory=dict)
    searches: dict[Search, int] = field(default_factory=dict)
    subscribers: dict[tuple[Instance, int], dict[str, str]] = field(default_factory=dict)
    """By instance and eventgroup: where the events go, and how the subscription stands."""
    strangers: dict[Instance, set[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    complete: bool = False
    """Subscriptions are seen as well."""
    _asked: dict[tuple[str, Instance, int], str] = field(default_factory=dict)

    def receive(self, data: bytes, source: Endpoint, target: Endpoint, now: int) -> list[str]:
        """Take a datagram of an SD port; what it changes."""
        self.counts["messages"] += 1
        said: list[str] = list(self.expire(now))
        try:
            for message in messages(data):
                if (message.service, message.method) != (SD_SERVICE, SD_METHOD):
                    raise SdError(f"{message} is no message of the service discovery")
                content = parse_sd(message.payload)
                for entry in (*content.entries, *content.faulty):
                    said += self._entry(entry, source, target, now)
        except (MessageError, SdError) as error:
            self.counts["malformed"] += 1
            said.append(f"{source.host} sends what is no SD message: {error.sentence}")
        return said

    def expire(self, now: int) -> Iterator[str]:
        """Forget offers whose time to live is over."""
        for seen in [seen for seen in self.services.values() if seen.expiry_ns <= now]:
            self._forget(seen.instance)
            yield f"{seen.host} no longer offers {seen.instance}: its time to live ran out"

    def missing(self) -> list[Missing]:
        """What is wanted and not there, and why."""
        found = [Missing(str(each.instance), f"{each.name} of this vehicle", why) for each, why in self._lacking()]
        for search in self.searches:
            if not any(_fits(search, seen) for seen in self.services.values()):
                near = [seen for seen in self.services.values() if seen.instance.service == search.service]
                why = f"only {_versions(near)} is offered" if near else "nobody offers it"
                found.append(Missing(str(Instance(search.service, search.instance)), search.host, why))
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            "services": [
                {
                    "service": str(seen.instance),
                    "version": f"{seen.major}.{seen.minor}",
                    "host": seen.host,
                    "at": list(seen.places),
                    "subscribers": {
                        str(group): who for (own, group), who in self.subscribers.items() if own == seen.instance
                    },
                    "strangers": sorted(self.strangers.get(seen.instance, ())),
                }
                for seen in self.services.values()
            ],
            "missing": [missing._asdict() for missing in self.missing()],
            "subscriptions_seen": self.complete,
            "counts": dict(self.counts),
        }

    def _lacking(self) -> Iterator[tuple[ServiceDefinition, str]]:
        for each in self.wanted:
            near = [seen for seen in self.services.values() if seen.instance.service == each.instance.service]
            good = [seen for seen in near if each.instance.instance in (ANY_INSTANCE, seen.instance.instance)]
            if not near:
                yield each, "nobody offers it"
            elif not good:
                yield each, f"only {_versions(near)} is offered"
            elif each.owner is not None and all(seen.host != each.owner for seen in good):
                yield each, f"{good[0].host} offers it, and only {each.owner} may"
            elif all(seen.major != each.major for seen in good):
                yield each, f"{good[0].host} offers major version {good[0].major}, and the file says {each.major}"
            elif not any(("TCP" if each.reliable else "UDP") in place for seen in good for place in seen.places):
                yield each, f"{good[0].host} does not offer it over {'TCP' if each.reliable else 'UDP'}"

    def _entry(self, entry: Entry, source: Endpoint, target: Endpoint, now: int) -> Iterator[str]:
        instance = Instance(entry.service, entry.instance)
        if entry.type == EntryType.OFFER:
            yield from self._offer(entry, instance, source.host, now)
        elif entry.type == EntryType.FIND:
            search = Search(source.host, entry.service, entry.instance, entry.major)
            if search not in self.searches and len(self.searches) < KNOWN:
                self.searches[search] = now
                yield f"{source.host} looks for {instance}"
        elif entry.type == EntryType.SUBSCRIBE:
            yield from self._subscribe(entry, instance, source.host)
        elif entry.type == EntryType.ACK:
            yield from self._acknowledge(entry, instance, target.host)

    def _offer(self, entry: Entry, instance: Instance, host: str, now: int) -> Iterator[str]:
        known = self.services.get(instance)
        if known is not None and known.host != host:
            if host not in self.strangers.setdefault(instance, set()):
                self.strangers[instance].add(host)
                yield f"{host} offers {instance} as well, which {known.host} offers"
            return
        if entry.ttl == 0:
            if known is not None:
                self._forget(instance)
                yield f"{host} takes its offer of {instance} back"
            return
        expiry = FOREVER if entry.ttl == FOREVER_TTL else now + entry.ttl * NS_PER_S
        seen = Seen(instance, host, entry.major, entry.minor, tuple(_places(entry)), expiry)
        if len(self.services) < KNOWN or known is not None:
            self.services[instance] = seen
        if known is None or known.places != seen.places:
            where = ", ".join(seen.places) or "no address"
            yield f"{host} offers {instance}, version {entry.major}.{entry.minor}, at {where}"

    def _subscribe(self, entry: Entry, instance: Instance, host: str) -> Iterator[str]:
        self.complete = True
        where = ", ".join(_places(entry)) or host
        group = self.subscribers.setdefault((instance, entry.eventgroup), {})
        if entry.ttl == 0:
            if group.pop(where, None) is not None:
                yield f"{where} ends its subscription to {instance} eventgroup {entry.eventgroup}"
            return
        if len(self._asked) < KNOWN:
            self._asked[host, instance, entry.eventgroup] = where
        if where not in group and len(group) < KNOWN:
            group[where] = "not answered"

    def _acknowledge(self, entry: Entry, instance: Instance, host: str) -> Iterator[str]:
        self.complete = True
        where = self._asked.get((host, instance, entry.eventgroup), host)
        standing = "acknowledged" if entry.ttl else "refused"
        group = self.subscribers.setdefault((instance, entry.eventgroup), {})
        if group.get(where) != standing:
            group[where] = standing
            yield f"subscription of {where} to {instance} eventgroup {entry.eventgroup}: {standing}"

    def _forget(self, instance: Instance) -> None:
        del self.services[instance]
        self.strangers.pop(instance, None)
        for key in [key for key in self.subscribers if key[0] == instance]:
            del self.subscribers[key]


def _fits(search: Search, seen: Seen) -> bool:
    return (
        seen.instance.service == search.service
        and search.instance in (ANY_INSTANCE, seen.instance.instance)
        and search.major in (ANY_MAJOR, seen.major)
    )


def _versions(seen: Sequence[Seen]) -> str:
    return " and ".join(f"{each.instance} version {each.major}.{each.minor}" for each in seen)


def _places(entry: Entry) -> Iterator[str]:
    for option in entry.options:
        if isinstance(option, EndpointOption):
            yield f"{'TCP' if option.protocol == Transport.TCP else 'UDP'} {option.endpoint}"
