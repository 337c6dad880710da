"""A SOME/IP host: its service discovery, what it offers, what it consumes, on any network.

The protocol objects decide; this hands datagrams and the kernel's time to them and sends what they say. It runs the same
over real sockets in wall time and on a simulated segment in virtual time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from gateway.ethernet import Endpoint, is_multicast
from gateway.services.someip.consumer import Consumer
from gateway.services.someip.definition import EventDefinition, ServiceDefinition
from gateway.services.someip.groups import MulticastPorts
from gateway.services.someip.network import ByteStream, Closable, DatagramPort, Network
from gateway.services.someip.provider import Provider
from gateway.services.someip.status import ConsumedStatus, NodeStatus, Notes, OfferedStatus
from gateway.services.someip.streams import Streams
from gateway.sim import Kernel, Stream, Timer
from gateway.someip import (
    SD_GROUP,
    SD_PORT,
    TP_FLAG,
    Acknowledged,
    Answer,
    Available,
    Calls,
    Cast,
    Found,
    Instance,
    Malformed,
    Message,
    MessageError,
    MessageType,
    NotAcknowledged,
    Offer,
    Reassembler,
    Rebooted,
    Refused,
    ReturnCode,
    SdEvent,
    SdTiming,
    Server,
    ServiceDiscovery,
    StrangerOffer,
    Subscribed,
    Subscriber,
    Unavailable,
    Unsubscribed,
    Wanted,
    messages,
    segments,
)

RECONNECT_NS: Final = 500_000_000
"""After a TCP connection was lost or refused, until the next try."""
_ANSWERS: Final = (MessageType.RESPONSE, MessageType.ERROR)


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Where a node is, and its service discovery. `client`: its client id in calls; `call_timeout_ns`: for an answer."""

    address: str
    group: str = SD_GROUP
    sd_port: int = SD_PORT
    timing: SdTiming = field(default_factory=SdTiming)
    client: int = 0x0100
    client_port: int = 0
    call_timeout_ns: int = 1_000_000_000


class _Audience(NamedTuple):
    """Where an event goes, as of so many changes of the subscriptions."""

    changes: int
    udp: tuple[Endpoint, ...]
    tcp: tuple[Endpoint, ...]


class Node:
    """One host. `open` puts it on a network, `close` takes it off; `status` tells how it stands."""

    def __init__(
        self,
        kernel: Kernel,
        random: Stream,
        options: NodeOptions,
        offered: Sequence[ServiceDefinition] = (),
        consumed: Sequence[ServiceDefinition] = (),
    ) -> None:
        self.options: Final = options
        self.counts: Final[Counter[str]] = Counter()
        self.notes: Final = Notes()
        self._kernel = kernel
        self._random = random
        local = Endpoint(options.address, options.sd_port)
        self._group = Endpoint(options.group, options.sd_port)
        self.discovery = ServiceDiscovery(local, self._group, options.timing, random)
        self._calls = Calls(options.client)
        self._timer = Timer(kernel, self._wake)
        self.providers: Final = {each.instance: self._provider(each) for each in offered}
        self.consumers: Final = [Consumer(each, self._request) for each in consumed]
        self._sessions: Counter[tuple[Instance, int]] = Counter()
        self._audiences: dict[tuple[Instance, int], _Audience] = {}
        self._servers: dict[int, Server] = {}
        self._ports: dict[int, DatagramPort] = {}
        self._listening: list[Closable] = []
        self._sd: DatagramPort | None = None
        self._client: DatagramPort | None = None
        self._network: Network | None = None
        self._streams = Streams(self.counts, self._stream_message, self._stream_closed)
        self._multicast = MulticastPorts(self._datagram)
        self._reassembler = Reassembler()

    # On and off the network

    def open(self, network: Network) -> None:
        """Go on the network: offer, look for, listen. GatewayError when a port cannot be had; then nothing is open."""
        self._network = network
        try:
            self._open_ports(network)
        except BaseException:
            self._close_ports()
            raise
        now = self._kernel.now
        for provider in self.providers.values():
            provider.start()
            self.discovery.offer(self._offer(provider.definition), now)
        for consumer in self.consumers:
            consumer.start()
            definition = consumer.definition
            self.discovery.search(Wanted(*definition.instance, definition.major, owner=definition.owner), now)
        self._pump()

    def _open_ports(self, network: Network) -> None:
        options = self.options
        self._sd = network.open_udp(options.sd_port, self._sd_datagram)
        self._sd.join(options.group)
        if self.consumers:
            self._client = network.open_udp(options.client_port, self._datagram)
        for provider in self.providers.values():
            definition = provider.definition
            for port in dict.fromkeys(each for each in (definition.udp, definition.tcp) if each is not None):
                self._servers.setdefault(port, Server()).add(provider.served)
            if definition.udp is not None and definition.udp not in self._ports:
                self._ports[definition.udp] = network.open_udp(definition.udp, self._datagram)
            if definition.tcp is not None:
                self._listening.append(network.listen(definition.tcp, self._accept))

    def close(self) -> None:
        """Take back offers and subscriptions, and go off the network."""
        if self._sd is None:
            return
        self.discovery.stop(self._kernel.now)
        self._send_discovery()
        self._timer.cancel()
        for provider in self.providers.values():
            provider.stop()
        for consumer in self.consumers:
            consumer.stop()
        self._close_ports()
        self._reset()

    def _close_ports(self) -> None:
        for port in (self._sd, self._client, *self._ports.values(), *self._listening):
            if port is not None:
                port.close()
        self._sd = self._client = None
        self._ports.clear()
        self._listening.clear()
        self._servers.clear()
        self._streams.close_all()
        self._multicast.close()

    def _reset(self) -> None:
        """As after a start: whoever opens it again meets a rebooted host."""
        self.discovery = ServiceDiscovery(self.discovery.local, self._group, self.options.timing, self._random)
        self._sessions.clear()
        self._audiences.clear()
        self._reassembler = Reassembler()

    # Calls

    def request(self, instance: Instance, method: int, payload: bytes, done: Callable[[Answer], object]) -> None:
        """Call a method of an instance that was found; `done` gets the answer, TIMEOUT or NOT_REACHABLE."""
        found = self.discovery.finds.found.get(instance)
        message = None
        if found is not None:
            due = self._kernel.now + self.options.call_timeout_ns
            message = self._calls.request(instance.service, method, payload, found.major, due, done)
        if found is None or message is None:
            done(Answer(ReturnCode.NOT_REACHABLE))
            return
        if found.tcp is not None and self._streams.has(found.tcp):
            self._streams.send(message.build(), found.tcp)
        elif found.udp is not None and self._client is not None:
            for segment in segments(message):
                self._client.send(segment.build(), found.udp)
        self._set_timer()

    def _request(self, consumer: Consumer, method: int, payload: bytes, done: Callable[[Answer], object]) -> None:
        instance = consumer.found.instance if consumer.found is not None else consumer.definition.instance
        self.request(instance, method, payload, done)

    # Events

    def _provider(self, definition: ServiceDefinition) -> Provider:
        return Provider(self._kernel, definition, lambda event, payload: self._notify(definition, event, payload))

    def _notify(self, service: ServiceDefinition, event: EventDefinition, payload: bytes) -> None:
        """Send an event to everyone who has subscribed to one of its eventgroups, to each once."""
        audience = self._audiences.get((service.instance, event.id))
        if audience is None or audience.changes != self.discovery.offers.changes:
            audience = self._audience(service, event)
            self._audiences[service.instance, event.id] = audience
        if audience.udp or audience.tcp:
            self._emit(service, self._notification(service, event, payload), audience.udp, audience.tcp)

    def _audience(self, service: ServiceDefinition, event: EventDefinition) -> _Audience:
        offers = self.discovery.offers
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

    def _emit(
        self, service: ServiceDefinition, message: Message, udp: Sequence[Endpoint], tcp: Sequence[Endpoint]
    ) -> None:
        if udp and service.udp is not None:
            port = self._ports[service.udp]
            for segment in segments(message):
                for target in port.send_all(segment.build(), udp):
                    self.counts[f"events not sent to {target}"] += 1
        if tcp:
            data = message.build()
            for target in tcp:
                if not self._streams.send(data, target):
                    self.counts[f"events not sent to {target}"] += 1

    def _notification(self, service: ServiceDefinition, event: EventDefinition, payload: bytes) -> Message:
        key = (service.instance, event.id)
        session = self._sessions[key] % 0xFFFF + 1
        self._sessions[key] = session
        return Message(service.instance.service, event.id, payload, MessageType.NOTIFICATION, 0, session, service.major)

    def _initial(self, instance: Instance, eventgroup: int, subscriber: Subscriber) -> None:
        """The values of the fields, to the new subscriber only."""
        provider = self.providers[instance]
        for event, payload in provider.initial(eventgroup):
            message = self._notification(provider.definition, event, payload)
            udp = () if subscriber.tcp is not None or subscriber.udp is None else (subscriber.udp,)
            self._emit(provider.definition, message, udp, () if subscriber.tcp is None else (subscriber.tcp,))

    # What comes in

    def _datagram(self, data: bytes, source: Endpoint, target: Endpoint) -> None:
        port = self._ports.get(target.port)
        try:
            for message in messages(data):
                answer = self._message(message, source, target.port)
                if answer is not None and port is not None:
                    for segment in segments(answer):
                        port.send(segment.build(), source)
        except MessageError as error:
            self.counts["malformed datagrams"] += 1
            self.notes.add(self._kernel.now, f"from {source}: {error.sentence}")

    def _message(self, message: Message, source: Endpoint, port: int) -> Message | None:
        """Take a message; gives the answer to it, where there is one."""
        if message.type & TP_FLAG:
            whole = self._reassembler.feed(message, source, self._kernel.now)
            if whole is None:
                return None
            message = whole
        if message.type in _ANSWERS:
            if not self._calls.receive(message):
                self.counts["answers that nobody waits for"] += 1
            return None
        if message.type == MessageType.NOTIFICATION:
            self._event(message, source)
            return None
        server = self._servers.get(port)
        return None if server is None else server.receive(message)

    def _event(self, message: Message, source: Endpoint) -> None:
        for consumer in self.consumers:
            found = consumer.found
            if found is not None and found.instance.service == message.service and source.host == found.host:
                consumer.event(message)
                return
        self.counts["events that nobody wants"] += 1

    def _accept(self, stream: ByteStream) -> None:
        self._streams.add(stream)
        self.discovery.offers.connected.add(stream.remote)

    def _stream_message(self, message: Message, source: Endpoint, stream: ByteStream) -> None:
        answer = self._message(message, source, stream.local.port)
        if answer is not None:
            stream.send(answer.build())

    def _stream_closed(self, remote: Endpoint) -> None:
        self._handle(self.discovery.offers.disconnected(remote))
        for consumer in self.consumers:
            found = consumer.found
            if consumer.definition.reliable and found is not None and found.tcp == remote:
                consumer.unavailable(f"the TCP connection to {remote} was lost")
                self._connect_later(consumer, found)

    def _sd_datagram(self, data: bytes, source: Endpoint, target: Endpoint) -> None:
        cast = Cast.MULTICAST if is_multicast(target.host) else Cast.UNICAST
        self._handle(self.discovery.receive(data, source, self._kernel.now, cast))

    def _wake(self) -> None:
        now = self._kernel.now
        self._calls.wake(now)
        self._handle(self.discovery.wake(now))

    def _handle(self, events: object) -> None:
        """What the discovery says goes out first; then what its events lead to: the initial event follows its ack."""
        found = list(events)  # type: ignore[call-overload]
        self._send_discovery()
        for event in found:
            self._sd_event(event)
        self._pump()

    def _sd_event(self, event: SdEvent) -> None:
        now = self._kernel.now
        if isinstance(event, Subscribed):
            self.notes.add(now, f"{event.subscriber} subscribed to {event.instance} eventgroup {event.eventgroup}")
            self._initial(event.instance, event.eventgroup, event.subscriber)
        elif isinstance(event, Unsubscribed):
            who = f"{event.subscriber} of {event.instance} eventgroup {event.eventgroup}"
            self.notes.add(now, f"subscription ended: {who}: {event.why.value}")
        elif isinstance(event, Available):
            self._available(event)
        elif isinstance(event, Unavailable):
            self._unavailable(event)
        elif isinstance(event, Acknowledged):
            if event.multicast is not None and self._network is not None:
                self._multicast.join(event.multicast, self._network)
        else:
            self._trouble(event, now)

    def _trouble(self, event: SdEvent, now: int) -> None:
        """What is counted and told, and changes nothing else."""
        if isinstance(event, Refused):
            what = f"subscriptions refused: {event.reason}"
            text = f"{event.host} may not subscribe to {event.instance} eventgroup {event.eventgroup}: {event.reason}"
        elif isinstance(event, NotAcknowledged):
            what = "subscriptions refused to us"
            text = f"{event.host} refuses a subscription to {event.instance} eventgroup {event.eventgroup}"
        elif isinstance(event, StrangerOffer):
            what = "offers of strangers"
            text = f"{event.host} offers {event.instance}, which is {event.owner}'s; it is ignored"
        elif isinstance(event, Malformed):
            what, text = "malformed SD datagrams", f"from {event.source}: {event.sentence}"
        else:
            assert isinstance(event, Rebooted)
            what, text = "reboots of peers", f"{event.host} has started anew"
        self.counts[what] += 1
        self.notes.add(now, text)

    # Consumed services

    def _available(self, event: Available) -> None:
        found = event.found
        for consumer in self.consumers:
            if consumer.found is not None or consumer.definition.instance.service != found.instance.service:
                continue
            if consumer.definition.instance.instance not in (0xFFFF, found.instance.instance):
                continue
            self.notes.add(
                self._kernel.now, f"{consumer.definition.name} ({found.instance}) is offered by {found.host}"
            )
            if consumer.definition.reliable:
                self._connect(consumer, found)
            elif found.udp is None or self._client is None:
                consumer.missing = f"offered by {found.host}, but not over UDP"
            else:
                consumer.available(found)
                for group in consumer.groups:
                    self.discovery.subscribe(found.instance, group, self._kernel.now, udp=self._client.local)

    def _connect(self, consumer: Consumer, found: Found) -> None:
        """Events over TCP: the connection comes first, then the subscription."""
        if found.tcp is None or self._network is None:
            consumer.missing = f"offered by {found.host}, but not over TCP"
            return
        stream = self._network.connect(found.tcp)
        consumer.missing = f"offered by {found.host}, and {found.tcp} does not take the TCP connection"

        def opened() -> None:
            if self._is_wanted(consumer, found):
                self._streams.add(stream)
                consumer.available(found)
                for group in consumer.groups:
                    self.discovery.subscribe(found.instance, group, self._kernel.now, tcp=stream.local)
                self._pump()
            else:
                stream.close()

        stream.on_open = opened
        stream.on_close = partial(self._connect_later, consumer, found)

    def _connect_later(self, consumer: Consumer, found: Found) -> None:
        def again() -> None:
            if self._is_wanted(consumer, found):
                self._connect(consumer, found)

        self._kernel.after(RECONNECT_NS, again)

    def _is_wanted(self, consumer: Consumer, found: Found) -> bool:
        """It is still offered so, we still want it and do not have it."""
        on = self._sd is not None and consumer.found is None
        return on and self.discovery.finds.found.get(found.instance) == found

    def _unavailable(self, event: Unavailable) -> None:
        found = event.found
        for consumer in self.consumers:
            if consumer.found is not None and consumer.found.instance == found.instance:
                text = f"{found.host} no longer offers it: {event.why.value}"
                consumer.unavailable(text)
                self.notes.add(self._kernel.now, f"{consumer.definition.name}: {text}")
                if found.tcp is not None and consumer.definition.reliable:
                    self._streams.close(found.tcp)

    # Time

    def _pump(self) -> None:
        self._send_discovery()
        self._set_timer()

    def _send_discovery(self) -> None:
        if self._sd is None:
            return
        for datagram in self.discovery.outgoing():
            if not self._sd.send(datagram.data, datagram.target):
                self.counts[f"SD messages not sent to {datagram.target}"] += 1

    def _set_timer(self) -> None:
        deadlines = [due for due in (self.discovery.deadline, self._calls.deadline) if due is not None]
        if deadlines:
            self._timer.set(min(deadlines))
        else:
            self._timer.cancel()

    def _offer(self, service: ServiceDefinition) -> Offer:
        host = self.options.address
        udp = None if service.udp is None else Endpoint(host, service.udp)
        tcp = None if service.tcp is None else Endpoint(host, service.tcp)
        return Offer(service.instance, service.major, service.minor, udp, tcp, service.groups)

    # Telling

    def status(self) -> NodeStatus:
        """How things stand."""
        faults = Counter(self.counts)
        for fault, count in self._reassembler.faults.items():
            faults[f"TP: {fault.value}"] += count
        return NodeStatus(
            self.options.address,
            [self._offered(provider) for provider in self.providers.values()],
            [self._consumed(consumer) for consumer in self.consumers],
            dict(self.discovery.counts),
            dict(faults),
        )

    def _offered(self, provider: Provider) -> OfferedStatus:
        definition = provider.definition
        offers = self.discovery.offers
        groups = {
            each: [str(one) for one in offers.subscribers(definition.instance, each)] for each in definition.groups
        }
        port = definition.udp if definition.udp is not None else definition.tcp
        server = self._servers.get(port) if port is not None else None
        answers = {} if server is None else {code.name: count for code, count in server.counts.items()}
        events = {event.definition.name: event.sent for event in provider.events}
        return OfferedStatus(definition.name, str(definition.instance), groups, events, answers, dict(provider.faults))

    def _consumed(self, consumer: Consumer) -> ConsumedStatus:
        definition, found = consumer.definition, consumer.found
        standings = self.discovery.finds.standings
        groups = {
            group: standings[found.instance, group].value if (found.instance, group) in standings else "not asked"
            for group in consumer.groups
            if found is not None
        }
        return ConsumedStatus(
            definition.name,
            str(definition.instance),
            None if found is None else found.host,
            consumer.missing,
            groups,
            dict(consumer.events),
            dict(consumer.faults),
        )
