"""Ports that hear the multicast groups over which services send events."""

from __future__ import annotations

from gateway.ethernet import Endpoint
from gateway.services.someip.network import DatagramPort, Network, Receive


class MulticastPorts:
    """One port for each port number; it joins the groups that are asked for."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ports: dict[int, DatagramPort] = {}
        self._joined: set[Endpoint] = set()

    def join(self, group: Endpoint, network: Network) -> None:
        """Hear a group from now on. GatewayError when its port cannot be had."""
        if group in self._joined:
            return
        if group.port not in self._ports:
            self._ports[group.port] = network.open_udp(group.port, self._receive)
        self._ports[group.port].join(group.host)
        self._joined.add(group)

    def close(self) -> None:
        for port in self._ports.values():
            port.close()
        self._ports.clear()
        self._joined.clear()
