"""How services stand, and what is told of the discovery's events that change nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.services.someip.consumer import Consumer
from gateway.services.someip.provider import Provider
from gateway.services.someip.status import ConsumedStatus, OfferedStatus
from gateway.someip import (
    Finds,
    Malformed,
    NotAcknowledged,
    Offers,
    Rebooted,
    Refused,
    SdEvent,
    Server,
    StrangerOffer,
)


def trouble(event: SdEvent) -> tuple[str, str]:
    """What an event is counted as, and what is noted of it."""
    if isinstance(event, Refused):
        what = f"subscriptions refused: {event.reason}"
        return what, f"{event.host} may not subscribe to {event.instance} eventgroup {event.eventgroup}: {event.reason}"
    if isinstance(event, NotAcknowledged):
        what = "subscriptions refused to us"
        return what, f"{event.host} refuses a subscription to {event.instance} eventgroup {event.eventgroup}"
    if isinstance(event, StrangerOffer):
        what = "offers of strangers"
        return what, f"{event.host} offers {event.instance}, which is {event.owner}'s; it is ignored"
    if isinstance(event, Malformed):
        return "malformed SD datagrams", f"from {event.source}: {event.sentence}"
    assert isinstance(event, Rebooted)
    return "reboots of peers", f"{event.host} has started anew"


def offered(provider: Provider, offers: Offers, servers: Mapping[int, Server]) -> OfferedStatus:
    """An offered service as it stands."""
    definition = provider.definition
    groups = {each: [str(one) for one in offers.subscribers(definition.instance, each)] for each in definition.groups}
    port = definition.udp if definition.udp is not None else definition.tcp
    server = servers.get(port) if port is not None else None
    return OfferedStatus(
        definition.name,
        str(definition.instance),
        groups,
        {event.definition.name: event.sent for event in provider.events},
        {} if server is None else {code.name: count for code, count in server.counts.items()},
        dict(provider.faults),
    )


def consumed(consumer: Consumer, finds: Finds) -> ConsumedStatus:
    """A consumed service as it stands."""
    definition, found = consumer.definition, consumer.found
    groups: dict[int, str] = {}
    for group in consumer.groups if found is not None else ():
        standing = finds.standings.get((found.instance, group)) if found is not None else None
        groups[group] = "not asked" if standing is None else standing.value
    unwanted = {f"event 0x{event:04X} is not of {definition.name}": count for event, count in consumer.unwanted.items()}
    return ConsumedStatus(
        definition.name,
        str(definition.instance),
        None if found is None else found.host,
        consumer.missing,
        groups,
        consumer.events,
        consumer.checks,
        {**consumer.faults, **unwanted},
    )
