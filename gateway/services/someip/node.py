"""A SOME/IP host: its service discovery, what it offers, what it consumes, on any network.

The protocol objects decide; this hands datagrams and the kernel's time to them and sends what they say. It runs the same
over real sockets in wall time and on a simulated segment in virtual time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from gateway.errors import GatewayError
from gateway.ethernet import Endpoint, is_multicast, unscoped
from gateway.services.someip.consumer import Consumer
from gateway.services.someip.consumption import Consumption
from gateway.services.someip.definition import EventDefinition, ServiceDefinition
from gateway.services.someip.events import EventSender
from gateway.services.someip.groups import MulticastPorts
from gateway.services.someip.network import ByteStream, Network
from gateway.services.someip.options import NodeOptions
from gateway.services.someip.ports import NodePorts, Receivers
from gateway.services.someip.provider import Provider
from gateway.services.someip.reporting import consumed, offered, trouble
from gateway.services.someip.status import NodeStatus, Notes
from gateway.services.someip.streams import Streams
from gateway.sim import Kernel, Stream, Timer
from gateway.someip import (
    TP_FLAG,
    Acknowledged,
    Answer,
    Available,
    Calls,
    Cast,
    Instance,
    Message,
    MessageError,
    MessageType,
    Offer,
    Reassembler,
    ReturnCode,
    SdEvent,
    ServiceDiscovery,
    Subscribed,
    Unavailable,
    Unsubscribed,
    Wanted,
    messages,
    segments,
)

_ANSWERS: Final = (MessageType.RESPONSE, MessageType.ERROR)


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
        self._host = unscoped(options.address)
        local = Endpoint(self._host, options.sd_port)
        self._group = Endpoint(options.group, options.sd_port)
        self.discovery = ServiceDiscovery(local, self._group, options.timing, random)
        self._calls = Calls(options.client)
        self._timer = Timer(kernel, self._wake)
        self.providers: Final = {each.instance: self._provider(each) for each in offered}
        self.consumers: Final = [Consumer(kernel, each, self._request) for each in consumed]
        self._ports = NodePorts(options, Receivers(self._sd_datagram, self._datagram, self._accept))
        self._network: Network | None = None
        self._streams = Streams(self.counts, self._stream_message, self._stream_closed)
        self._multicast = MulticastPorts(self._datagram)
        self._consumption = Consumption(kernel, self.consumers, self._streams, self.notes, self._pump)
        self._sender = EventSender(self._ports.udp, self._streams, self.counts)
        self._reassembler = Reassembler()

    # On and off the network

    def open(self, network: Network) -> None:
        """Go on the network: offer, look for, listen. GatewayError when a port cannot be had; then nothing is open."""
        self._network = network
        try:
            self._ports.open(network, self.providers.values())
            if self.consumers:
                self._ports.open_client(network)
        except BaseException:
            self._close_ports()
            raise
        now = self._kernel.now
        for provider in self.providers.values():
            provider.start()
            self.discovery.offer(self._offer(provider.definition), now)
        self._consumption.open(self.discovery, network, self._ports.client)
        for consumer in self.consumers:
            definition = consumer.definition
            self.discovery.search(Wanted(*definition.instance, definition.major, owner=definition.owner), now)
        self._pump()

    def close(self) -> None:
        """Take back offers and subscriptions, and go off the network."""
        if self._ports.sd is None:
            return
        self.discovery.stop(self._kernel.now)
        self._send_discovery()
        self._timer.cancel()
        for provider in self.providers.values():
            provider.stop()
        self._consumption.close()
        self._close_ports()
        self._reset()

    def _close_ports(self) -> None:
        self._ports.close()
        self._streams.close_all()
        self._multicast.close()

    def _reset(self) -> None:
        """As after a start: whoever opens it again meets a rebooted host."""
        self.discovery = ServiceDiscovery(self.discovery.local, self._group, self.options.timing, self._random)
        self._sender.forget()
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
        elif found.udp is not None and self._ports.client is not None:
            for segment in segments(message):
                self._ports.client.send(segment.build(), found.udp)
        self._set_timer()

    def _request(self, consumer: Consumer, method: int, payload: bytes, done: Callable[[Answer], object]) -> None:
        instance = consumer.found.instance if consumer.found is not None else consumer.definition.instance
        self.request(instance, method, payload, done)

    # Events

    def _provider(self, definition: ServiceDefinition) -> Provider:
        def notify(event: EventDefinition, payload: bytes) -> None:
            self._sender.notify(definition, self.discovery.offers, event, payload)

        return Provider(self._kernel, definition, notify)

    # What comes in

    def _datagram(self, data: bytes, source: Endpoint, target: Endpoint) -> None:
        port = self._ports.udp.get(target.port)
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
            if not self._consumption.event(message, source):
                self.counts["events that nobody wants"] += 1
            return None
        server = self._ports.servers.get(port)
        return None if server is None else server.receive(message)

    def _accept(self, stream: ByteStream) -> None:
        self._streams.add(stream)
        self._handle(self.discovery.connected(stream.remote, self._kernel.now))

    def _stream_message(self, message: Message, source: Endpoint, stream: ByteStream) -> None:
        answer = self._message(message, source, stream.local.port)
        if answer is not None:
            stream.send(answer.build())

    def _stream_closed(self, remote: Endpoint) -> None:
        self._handle(self.discovery.offers.disconnected(remote))
        self._consumption.disconnected(remote)

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
            self._sender.initial(self.providers[event.instance], event.eventgroup, event.subscriber)
        elif isinstance(event, Unsubscribed):
            who = f"{event.subscriber} of {event.instance} eventgroup {event.eventgroup}"
            self.notes.add(now, f"subscription ended: {who}: {event.why.value}")
        elif isinstance(event, Available):
            self._consumption.available(event)
        elif isinstance(event, Unavailable):
            self._consumption.unavailable(event)
        elif isinstance(event, Acknowledged):
            self._join(event)
        else:
            what, text = trouble(event)
            self.counts[what] += 1
            self.notes.add(now, text)

    def _join(self, event: Acknowledged) -> None:
        """Hear the group that a server names for its events; what cannot be heard is told."""
        if event.multicast is None or self._network is None:
            return
        try:
            self._multicast.join(event.multicast, self._network)
        except GatewayError as error:
            self.counts["multicast groups that cannot be heard"] += 1
            self.notes.add(self._kernel.now, f"{event.instance} eventgroup {event.eventgroup}: {error.sentence}")

    # Time

    def _pump(self) -> None:
        self._send_discovery()
        self._set_timer()

    def _send_discovery(self) -> None:
        port = self._ports.sd
        if port is None:
            return
        for datagram in self.discovery.outgoing():
            if not port.send(datagram.data, datagram.target):
                self.counts[f"SD messages not sent to {datagram.target}"] += 1

    def _set_timer(self) -> None:
        deadlines = [due for due in (self.discovery.deadline, self._calls.deadline) if due is not None]
        if deadlines:
            self._timer.set(min(deadlines))
        else:
            self._timer.cancel()

    def _offer(self, service: ServiceDefinition) -> Offer:
        host = self._host
        udp = None if service.udp is None else Endpoint(host, service.udp)
        tcp = None if service.tcp is None else Endpoint(host, service.tcp)
        return Offer(service.instance, service.major, service.minor, udp, tcp, service.groups)

    @property
    def answers(self) -> Counter[ReturnCode]:
        """To all requests since the start, by return code."""
        return self._ports.answers

    def status(self) -> NodeStatus:
        """How things stand."""
        faults = Counter(self.counts)
        for fault, count in self._reassembler.faults.items():
            faults[f"TP: {fault.value}"] += count
        return NodeStatus(
            self.options.address,
            [offered(each, self.discovery.offers, self._ports.servers) for each in self.providers.values()],
            [consumed(each, self.discovery.finds) for each in self.consumers],
            dict(self.discovery.counts),
            dict(faults),
        )
