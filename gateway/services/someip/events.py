"""The events of a node on their way to those who have subscribed: to each once, in segments where they are long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.com.e2e_profiles import E2EConfig
from gateway.ethernet import Endpoint
from gateway.services.someip.definition import EventDefinition, ServiceDefinition
from gateway.services.someip.network import DatagramPort
from gateway.services.someip.protection import EventProtector
from gateway.services.someip.provider import Provider
from gateway.services.someip.streams import Streams
from gateway.someip import Instance, Message, MessageType, Offers, Subscriber, segments


class _Audience(NamedTuple):
    """Where an event goes, as of so many changes of the subscriptions."""

    changes: int
    udp: tuple[Endpoint, ...]
    tcp: tuple[Endpoint, ...]


class EventSender:
    """Sends over the ports of a node and its streams. `counts` gets what could not be sent, by target."""

    def __init__(self, ports: Mapping[int, DatagramPort], streams: Streams, counts: Counter[str]) -> None:
        self._ports = ports
        self._streams = streams
        self._counts = counts
        self._sessions: Counter[tuple[Instance, int]] = Counter()
        self._audiences: dict[tuple[Instance, int], _Audience] = {}
        self._protectors: dict[tuple[Instance, int], EventProtector] = {}

    def notify(self, service: ServiceDefinition, offers: Offers, event: EventDefinition, payload: bytes) -> None:
        """Send an event to everyone who has subscribed to one of its eventgroups."""
        key = (service.instance, event.id)
        audience = self._audiences.get(key)
        if audience is None or audience.changes != offers.changes:
            audience = self._audiences[key] = _audience(service, offers, event)
        if audience.udp or audience.tcp:
            message = self._notification(service, event, payload)
            if event.protection is not None:
                message = self._protector(key, event.protection).protect(message)
            self._emit(service, message, audience.udp, audience.tcp)

    def initial(self, provider: Provider, eventgroup: int, subscriber: Subscriber) -> None:
        """The values of an eventgroup's fields, to a new subscriber only."""
        tcp = () if subscriber.tcp is None else (subscriber.tcp,)
        udp = () if tcp or subscriber.udp is None else (subscriber.udp,)
        for event, payload in provider.initial(eventgroup):
            message = self._notification(provider.definition, event, payload)
            if event.protection is not None:
                message = self._protector((provider.definition.instance, event.id), event.protection).again(message)
            self._emit(provider.definition, message, udp, tcp)

    def forget(self) -> None:
        """As after a start."""
        self._sessions.clear()
        self._audiences.clear()
        self._protectors.clear()

    def _emit(
        self, service: ServiceDefinition, message: Message, udp: Sequence[Endpoint], tcp: Sequence[Endpoint]
    ) -> None:
        if udp and service.udp is not None:
            port = self._ports[service.udp]
            for segment in segments(message):
                for target in port.send_all(segment.build(), udp):
                    self._counts[f"events not sent to {target}"] += 1
        if tcp:
            data = message.build()
            for target in tcp:
                if not self._streams.send(data, target):
                    self._counts[f"events not sent to {target}"] += 1

    def _notification(self, service: ServiceDefinition, event: EventDefinition, payload: bytes) -> Message:
        key = (service.instance, event.id)
        session = self._sessions[key] % 0xFFFF + 1
        self._sessions[key] = session
        return Message(service.instance.service, event.id, payload, MessageType.NOTIFICATION, 0, session, service.major)

    def _protector(self, key: tuple[Instance, int], config: E2EConfig) -> EventProtector:
        found = self._protectors.get(key)
        if found is None:
            found = self._protectors[key] = EventProtector(config)
        return found


def _audience(service: ServiceDefinition, offers: Offers, event: EventDefinition) -> _Audience:
    udp: dict[Endpoint, None] = {}
    tcp: dict[Endpoint, None] = {}
    for group in event.groups:
        subscribers = offers.subscribers(service.instance, group)
        multicast = service.groups[group].multicast
        together = multicast is not None and len(subscribers) >= service.groups[group].threshold
        for subscriber in subscribers:
            if subscriber.tcp is not None:
                tcp[subscriber.tcp] = None
            elif subscriber.udp is not None:
                udp[multicast if together and multicast is not None else subscriber.udp] = None
    return _Audience(offers.changes, tuple(udp), tuple(tcp))
