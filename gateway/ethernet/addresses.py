"""Addresses of hosts: IP as text with its port, and the MAC addresses that go with it."""

from __future__ import annotations

import functools
import ipaddress
from typing import NamedTuple

from gateway.ethernet.errors import EthernetError


class Endpoint(NamedTuple):
    """A host (its IPv4 or IPv6 address as text) and a port of UDP or TCP."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@functools.lru_cache(maxsize=4096)
def packed(host: str) -> bytes:
    """An IP address as its 4 or 16 bytes. EthernetError for what is none."""
    try:
        return ipaddress.ip_address(host).packed
    except ValueError:
        raise EthernetError(f"{host!r} is no IP address: write it like 10.0.0.1 or fd00::1") from None


@functools.lru_cache(maxsize=4096)
def unpacked(data: bytes) -> str:
    """The text of 4 or 16 bytes."""
    return str(ipaddress.ip_address(data))


@functools.lru_cache(maxsize=4096)
def is_multicast(host: str) -> bool:
    """Whether an IP address is that of a group. EthernetError for what is no address."""
    data = packed(host)
    return data[0] >> 4 == 0xE if len(data) == 4 else data[0] == 0xFF


def unscoped(host: str) -> str:
    """An IP address without the interface that a link-local one of IPv6 may name: `fe80::1%eth0`."""
    return host.partition("%")[0]


def group_mac(host: str) -> bytes:
    """The MAC address of a multicast group (RFC 1112, 6.4; RFC 2464, 7)."""
    data = packed(host)
    if len(data) == 4:
        return bytes([0x01, 0x00, 0x5E, data[1] & 0x7F, data[2], data[3]])
    return b"\x33\x33" + data[12:]


def host_mac(number: int) -> bytes:
    """A locally administered MAC address for the host of this number on its segment."""
    return b"\x02\x00" + number.to_bytes(4, "big")
