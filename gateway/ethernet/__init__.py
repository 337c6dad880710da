"""A simulated Ethernet segment: hosts, UDP, multicast, TCP, latency and faults in virtual time. Knows `sim`."""

from gateway.ethernet.addresses import Endpoint, is_multicast, packed, unpacked, unscoped
from gateway.ethernet.errors import EthernetError
from gateway.ethernet.faults import Faults
from gateway.ethernet.frames import Packet, TcpFlags, TcpHead, Transport, build, longest_payload, parse
from gateway.ethernet.host import Host, UdpPort
from gateway.ethernet.segment import Segment
from gateway.ethernet.tcp import Connection, Listening

__all__ = [
    "Connection",
    "Endpoint",
    "EthernetError",
    "Faults",
    "Host",
    "Listening",
    "Packet",
    "Segment",
    "TcpFlags",
    "TcpHead",
    "Transport",
    "UdpPort",
    "build",
    "is_multicast",
    "longest_payload",
    "packed",
    "parse",
    "unpacked",
    "unscoped",
]
