"""Ethernet frames with IPv4 or IPv6 and UDP or TCP in them, as bytes (IEEE 802.3; RFC 791, 8200, 768, 9293).

Whole checksums are written, so that Wireshark finds nothing to complain of. No VLAN tags, no IP options, no fragments.
"""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from gateway.ethernet.addresses import Endpoint, packed, unpacked

MTU: Final = 1500
SMALLEST: Final = 60
"""Bytes of a frame without its check sequence; shorter ones are padded (IEEE 802.3, 3.2.8)."""
OVERHEAD: Final = 24
"""What a frame costs on the wire besides these bytes: preamble 8, check sequence 4, gap between frames 12."""
_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_TTL: Final = 64
_ETHERNET = struct.Struct(">6s6sH")
_IP4 = struct.Struct(">BBHHHBBH4s4s")
_IP6 = struct.Struct(">IHBB16s16s")
_UDP = struct.Struct(">HHHH")
_TCP = struct.Struct(">HHIIBBHHH")


class Transport(IntEnum):
    """Protocol numbers of IP, which SOME/IP's endpoint options have as well."""

    TCP = 0x06
    UDP = 0x11


class TcpFlags(IntFlag):
    """Control bits of a segment (RFC 9293, 3.1)."""

    NONE = 0
    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10


class TcpHead(NamedTuple):
    """What a TCP segment says besides its ports."""

    sequence: int
    acknowledgement: int
    flags: TcpFlags


class Packet(NamedTuple):
    """A datagram or a TCP segment (`tcp` is not None) in a frame."""

    source: Endpoint
    target: Endpoint
    payload: bytes
    tcp: TcpHead | None = None


def longest_payload(host: str) -> int:
    """Bytes of UDP payload that fit into one frame to `host`."""
    return MTU - (20 if len(packed(host)) == 4 else 40) - _UDP.size


def build(packet: Packet, source_mac: bytes, target_mac: bytes, identification: int = 0) -> bytes:
    """The frame of a packet, without its check sequence. `identification`: of IPv4."""
    source, target = packed(packet.source.host), packed(packet.target.host)
    protocol = Transport.UDP if packet.tcp is None else Transport.TCP
    body = _transport(packet, source, target, protocol)
    if len(source) == 4:
        kind, head = _IPV4, _ip4_head(source, target, protocol, len(body), identification)
    else:
        kind, head = _IPV6, _IP6.pack(6 << 28, len(body), protocol, _TTL, source, target)
    return (_ETHERNET.pack(target_mac, source_mac, kind) + head + body).ljust(SMALLEST, b"\0")


def parse(frame: bytes) -> Packet | None:
    """The packet of a frame; None for another protocol's frame and for one that is damaged."""
    if len(frame) < SMALLEST - 18:
        return None
    kind = frame[12] << 8 | frame[13]
    if kind == _IPV4:
        head = _IP4.unpack_from(frame, 14)
        length, protocol, source, target = head[2], head[6], head[8], head[9]
        start, end = 34, 14 + length
        if head[0] != 0x45 or head[4] & 0x3FFF:
            return None
    elif kind == _IPV6 and len(frame) >= 54:
        _, length, protocol, _, source, target = _IP6.unpack_from(frame, 14)
        start, end = 54, 54 + length
    else:
        return None
    if end > len(frame):
        return None
    if protocol == Transport.UDP and end - start >= _UDP.size:
        source_port, target_port, length, _ = _UDP.unpack_from(frame, start)
        if not _UDP.size <= length <= end - start:
            return None
        payload, tcp = frame[start + _UDP.size : start + length], None
    elif protocol == Transport.TCP and end - start >= _TCP.size:
        source_port, target_port, sequence, acknowledgement, offset, flags, _, _, _ = _TCP.unpack_from(frame, start)
        payload = frame[start + (offset >> 4) * 4 : end]
        tcp = TcpHead(sequence, acknowledgement, TcpFlags(flags & 0x1F))
    else:
        return None
    return Packet(Endpoint(unpacked(source), source_port), Endpoint(unpacked(target), target_port), payload, tcp)


def _transport(packet: Packet, source: bytes, target: bytes, protocol: int) -> bytes:
    tcp = packet.tcp
    ports = (packet.source.port, packet.target.port)
    if tcp is None:
        length = _UDP.size + len(packet.payload)
        head, place = _UDP.pack(*ports, length, 0), 6
    else:
        fields = (tcp.sequence, tcp.acknowledgement, 0x50, tcp.flags, 0xFFFF, 0, 0)
        head, place = _TCP.pack(*ports, *fields), 16
    body = head + packet.payload
    if len(source) == 4:
        pseudo = source + target + struct.pack(">BBH", 0, protocol, len(body))
    else:
        pseudo = source + target + struct.pack(">II", len(body), protocol)
    total = _checksum(pseudo + body)
    if tcp is None:
        total = total or 0xFFFF
    return body[:place] + total.to_bytes(2, "big") + body[place + 2 :]


def _ip4_head(source: bytes, target: bytes, protocol: int, length: int, identification: int) -> bytes:
    head = _IP4.pack(0x45, 0, 20 + length, identification & 0xFFFF, 0x4000, _TTL, protocol, 0, source, target)
    return head[:10] + _checksum(head).to_bytes(2, "big") + head[12:]


def _checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    if len(data) & 1:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
