"""Where a node's consumed services are: found by the discovery, connected to where they come over TCP, subscribed to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from gateway.ethernet import Endpoint
from gateway.services.someip.consumer import Consumer
from gateway.services.someip.network import DatagramPort, Network
from gateway.services.someip.status import Notes
from gateway.services.someip.streams import Streams
from gateway.sim import Kernel
from gateway.someip import ANY_INSTANCE, Available, Found, Message, ServiceDiscovery, Unavailable

RECONNECT_NS: Final = 500_000_000
"""After a TCP connection was lost or refused, until the next try."""


class Consumption:
    """The consumers of a node. It is at work between `open` and `close`; `changed` is called when there is more to send."""

    def __init__(
        self,
        kernel: Kernel,
        consumers: Sequence[Consumer],
        streams: Streams,
        notes: Notes,
        changed: Callable[[], object],
    ) -> None:
        self._kernel = kernel
        self._consumers = consumers
        self._streams = streams
        self._notes = notes
        self._changed = changed
        self._discovery: ServiceDiscovery | None = None
        self._network: Network | None = None
        self._client: DatagramPort | None = None

    def open(self, discovery: ServiceDiscovery, network: Network, client: DatagramPort | None) -> None:
        """Be at work: `client` is the UDP port at which events and answers come."""
        self._discovery, self._network, self._client = discovery, network, client
        for consumer in self._consumers:
            consumer.start()

    def close(self) -> None:
        self._discovery = self._network = self._client = None
        for consumer in self._consumers:
            consumer.stop()

    def event(self, message: Message, source: Endpoint) -> bool:
        """Give a notification to its consumer; False when there is none, or it is not from where its service is."""
        for consumer in self._consumers:
            found = consumer.found
            if found is not None and found.instance.service == message.service and source.host == found.host:
                consumer.event(message)
                return True
        return False

    def available(self, event: Available) -> None:
        """A service was found: subscribe to what is wanted of it."""
        found = event.found
        for consumer in self._consumers:
            if consumer.found is None and _is_meant(consumer, found):
                name = consumer.definition.name
                self._notes.add(self._kernel.now, f"{name} ({found.instance}) is offered by {found.host}")
                if consumer.definition.reliable:
                    self._connect(consumer, found)
                elif found.udp is None or self._client is None:
                    consumer.missing = f"offered by {found.host}, but not over UDP"
                else:
                    self._subscribe(consumer, found, udp=self._client.local)

    def unavailable(self, event: Unavailable) -> None:
        """It is there no more."""
        found = event.found
        for consumer in self._consumers:
            if consumer.found is not None and consumer.found.instance == found.instance:
                text = f"{found.host} no longer offers it: {event.why.value}"
                consumer.unavailable(text)
                self._notes.add(self._kernel.now, f"{consumer.definition.name}: {text}")
                if found.tcp is not None and consumer.definition.reliable:
                    self._streams.close(found.tcp)

    def disconnected(self, remote: Endpoint) -> None:
        """A TCP connection is gone: what came over it is not fresh, and it is tried again."""
        for consumer in self._consumers:
            found = consumer.found
            if consumer.definition.reliable and found is not None and found.tcp == remote:
                consumer.unavailable(f"the TCP connection to {remote} was lost")
                self._connect_later(consumer, found)

    def _subscribe(
        self, consumer: Consumer, found: Found, *, udp: Endpoint | None = None, tcp: Endpoint | None = None
    ) -> None:
        assert self._discovery is not None
        consumer.available(found)
        for group in consumer.groups:
            self._discovery.subscribe(found.instance, group, self._kernel.now, udp=udp, tcp=tcp)

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
                self._subscribe(consumer, found, tcp=stream.local)
                self._changed()
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
        discovery = self._discovery
        return discovery is not None and consumer.found is None and discovery.finds.found.get(found.instance) == found


def _is_meant(consumer: Consumer, found: Found) -> bool:
    wanted = consumer.definition.instance
    return wanted.service == found.instance.service and wanted.instance in (ANY_INSTANCE, found.instance.instance)
