"""A host on a segment: its UDP ports, its multicast groups, its TCP connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from gateway.ethernet.addresses import Endpoint, group_mac, is_multicast
from gateway.ethernet.errors import EthernetError
from gateway.ethernet.frames import Packet, TcpFlags, TcpHead, build, longest_payload, parse
from gateway.ethernet.tcp import Accept, Connection, Listening
from gateway.sim import Kernel

FIRST_EPHEMERAL: Final = 49_152
LAST_EPHEMERAL: Final = 65_535
Receive = Callable[[bytes, Endpoint, Endpoint], object]
"""Payload, who sent it, and the address that it was sent to."""


class UdpPort:
    """An open UDP port of a host, on one of its addresses."""

    def __init__(self, host: Host, local: Endpoint, receive: Receive) -> None:
        self._host = host
        self.local: Final = local
        self.receive: Final = receive
        self.groups: Final[set[str]] = set()

    def send(self, payload: bytes, target: Endpoint) -> bool:
        """Send a datagram; False when the target is nowhere. EthernetError when it does not fit into a frame."""
        limit = longest_payload(target.host)
        if len(payload) > limit:
            raise EthernetError(f"{len(payload)} bytes do not fit into one frame ({limit}): SOME/IP-TP or TCP would")
        return self._host.send(Packet(self.local, target, payload))

    def send_all(self, payload: bytes, targets: Sequence[Endpoint]) -> list[Endpoint]:
        """The same to many, one after the other; those that are nowhere."""
        return [target for target in targets if not self.send(payload, target)]

    def join(self, group: str) -> None:
        """Hear what goes to this group. EthernetError when it is none."""
        if not is_multicast(group):
            raise EthernetError(f"{group} is no multicast address: those are 224.0.0.0 to 239.255.255.255 and ff00::/8")
        self.groups.add(group)
        self._host.joined()

    def close(self) -> None:
        self._host.close_udp(self)


class Host:
    """One host. Made by `Segment.attach`."""

    def __init__(
        self,
        kernel: Kernel,
        name: str,
        mac: bytes,
        addresses: tuple[str, ...],
        mac_of: Callable[[str], bytes | None],
        transmit: Callable[[bytes], object],
    ) -> None:
        self.kernel: Final = kernel
        self.name: Final = name
        self.mac: Final = mac
        self.addresses: Final = addresses
        self.group_macs: frozenset[bytes] = frozenset()
        self.counts: Final[Counter[str]] = Counter()
        self._mac_of = mac_of
        self._transmit = transmit
        self._udp: list[UdpPort] = []
        self._listening: dict[Endpoint, Listening] = {}
        self._connections: dict[tuple[Endpoint, Endpoint], Connection] = {}
        self._packets = 0
        self._next_port = FIRST_EPHEMERAL - 1

    def open_udp(self, port: int, receive: Receive, *, address: str | None = None) -> UdpPort:
        """Open a UDP port (0: a free one). EthernetError when it is open already."""
        host = self._own(address)
        local = Endpoint(host, port or self._free_port(host, {each.local for each in self._udp}))
        if any(each.local == local for each in self._udp):
            raise EthernetError(f"UDP port {local} of {self.name} is open already")
        opened = UdpPort(self, local, receive)
        self._udp.append(opened)
        return opened

    def listen(self, port: int, accept: Accept, *, address: str | None = None) -> Listening:
        """Let TCP connections in at a port. EthernetError when one listens there already."""
        local = Endpoint(self._own(address), port)
        if local in self._listening:
            raise EthernetError(f"TCP port {local} of {self.name} is open already")
        listening = Listening(local, accept, lambda: self._listening.pop(local, None))
        self._listening[local] = listening
        return listening

    def connect(self, target: Endpoint, *, address: str | None = None) -> Connection:
        """Open a TCP connection; it is there when `on_open` of the connection is called."""
        host = self._own(address)
        self._next_port = FIRST_EPHEMERAL if self._next_port == LAST_EPHEMERAL else self._next_port + 1
        local = Endpoint(host, self._next_port)
        connection = self._connection(local, target)
        connection.open()
        return connection

    # For what is inside

    def send(self, packet: Packet) -> bool:
        mac = self._mac_of(packet.target.host)
        if mac is None:
            self.counts["no such host"] += 1
            return False
        self._packets += 1
        self._transmit(build(packet, self.mac, mac, self._packets))
        return True

    def joined(self) -> None:
        self.group_macs = frozenset(group_mac(group) for port in self._udp for group in port.groups)

    def close_udp(self, port: UdpPort) -> None:
        if port in self._udp:
            self._udp.remove(port)
            self.joined()

    def receive(self, frame: bytes) -> None:
        """Take a frame from the link."""
        packet = parse(frame)
        if packet is None:
            self.counts["no datagram"] += 1
        elif packet.tcp is None:
            self._receive_udp(packet)
        else:
            self._receive_tcp(packet, packet.tcp)

    def _receive_udp(self, packet: Packet) -> None:
        target = packet.target
        found = [
            port
            for port in self._udp
            if port.local.port == target.port and (port.local.host == target.host or target.host in port.groups)
        ]
        if not found:
            self.counts["nobody at the port"] += 1
        for port in found:
            port.receive(packet.payload, packet.source, target)

    def _receive_tcp(self, packet: Packet, head: TcpHead) -> None:
        connection = self._connections.get((packet.target, packet.source))
        if connection is not None and connection.forgotten_by(head):
            connection.end()
            connection = None
        if connection is None and head.flags == TcpFlags.SYN and packet.target in self._listening:
            connection = self._connection(packet.target, packet.source)
            connection.accept(self._listening[packet.target].accept)
        if connection is not None:
            connection.receive(head, packet.payload)
        elif not head.flags & TcpFlags.RST:
            reset = TcpHead(head.acknowledgement, (head.sequence + 1) & 0xFFFFFFFF, TcpFlags.RST | TcpFlags.ACK)
            self.send(Packet(packet.target, packet.source, b"", reset))

    def _connection(self, local: Endpoint, remote: Endpoint) -> Connection:
        connection = Connection(self.kernel, local, remote, self.send, self._gone)
        self._connections[local, remote] = connection
        return connection

    def _gone(self, connection: Connection) -> None:
        self._connections.pop((connection.local, connection.remote), None)

    def _own(self, address: str | None) -> str:
        if address is not None and address not in self.addresses:
            raise EthernetError(f"{address} is no address of {self.name}; it has {', '.join(self.addresses) or 'none'}")
        if not self.addresses:
            raise EthernetError(f"{self.name} has no IP address")
        return address or self.addresses[0]

    @staticmethod
    def _free_port(host: str, used: set[Endpoint]) -> int:
        port = FIRST_EPHEMERAL
        while Endpoint(host, port) in used:
            port += 1
        return port
