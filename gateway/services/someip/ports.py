"""The open ports of a node: the service discovery's, that of its calls, those of its services with what is served there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from gateway.services.someip.network import ByteStream, Closable, DatagramPort, Network, Receive
from gateway.services.someip.options import NodeOptions
from gateway.services.someip.provider import Provider
from gateway.someip import ReturnCode, Server


class Receivers(NamedTuple):
    """Who takes what comes: to the discovery's port, to all others, and new connections."""

    discovery: Receive
    datagram: Receive
    stream: Callable[[ByteStream], object]


class NodePorts:
    """`sd`, `client`: None while closed; `udp` and `servers` by port number. The same objects after each `open`."""

    def __init__(self, options: NodeOptions, receivers: Receivers) -> None:
        self.sd: DatagramPort | None = None
        self.client: DatagramPort | None = None
        self.udp: Final[dict[int, DatagramPort]] = {}
        self.servers: Final[dict[int, Server]] = {}
        self._answers: Final[Counter[ReturnCode]] = Counter()
        self._options = options
        self._receivers = receivers
        self._listening: list[Closable] = []

    def open(self, network: Network, providers: Iterable[Provider]) -> None:
        """Open the discovery's and the services'. GatewayError when a port cannot be had; close what is open then."""
        self.sd = network.open_udp(self._options.sd_port, self._receivers.discovery)
        self.sd.join(self._options.group)
        for provider in providers:
            self._serve(network, provider)

    def open_client(self, network: Network) -> None:
        """Open that of the calls; GatewayError as above."""
        self.client = network.open_udp(self._options.client_port, self._receivers.datagram)

    def _serve(self, network: Network, provider: Provider) -> None:
        udp, tcp = provider.definition.udp, provider.definition.tcp
        for port in dict.fromkeys(each for each in (udp, tcp) if each is not None):
            self.servers.setdefault(port, Server()).add(provider.served)
        if udp is not None and udp not in self.udp:
            self.udp[udp] = network.open_udp(udp, self._receivers.datagram)
        if tcp is not None:
            self._listening.append(network.listen(tcp, self._receivers.stream))

    @property
    def answers(self) -> Counter[ReturnCode]:
        """All answers by return code, those of ports that are closed too."""
        return sum((server.counts for server in self.servers.values()), Counter(self._answers))

    def close(self) -> None:
        self._answers.update(self.answers - self._answers)
        for port in (self.sd, self.client, *self.udp.values(), *self._listening):
            if port is not None:
                port.close()
        self.sd = self.client = None
        self.udp.clear()
        self.servers.clear()
        self._listening.clear()
