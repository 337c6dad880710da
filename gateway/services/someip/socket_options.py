"""How a socket is made ready for SOME/IP: shared ports of groups, memberships by an interface's address, sentences.

IPv6 has addresses that mean something on one interface only: link-local ones and groups of that reach. The interface is
the one that has our address (or that our address names, `fe80::1%eth0`); peers' addresses are kept without it.
"""

from __future__ import annotations

import errno
import functools
import socket
import struct
from pathlib import Path
from typing import Any, Final

from gateway.ethernet import Endpoint, EthernetError, is_multicast, packed, unscoped

RECEIVE_BUFFER: Final = 1 << 20
_LINK: Final = 2
"""The reach of an IPv6 group that is no further than a link (RFC 4291, 2.7)."""


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def scope_of(address: str) -> int:
    """The index of the interface that has an IPv6 address, or that it names; 0 for IPv4, and where it cannot be told.

    EthernetError for an interface, or an address, that this machine does not have.
    """
    host, _, name = address.partition("%")
    if name:
        try:
            return socket.if_nametoindex(name)
        except OSError:
            raise EthernetError(f"there is no interface {name!r} for {host}") from None
    if ":" not in host:
        return 0
    wanted = packed(host).hex()
    try:
        addresses = Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    for number, index, *_ in map(str.split, addresses):
        if number == wanted:
            return int(index, 16)
    raise EthernetError(f"{host} is no address of this machine")


@functools.lru_cache(maxsize=4096)
def place(host: str, port: int, scope: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """An endpoint as a socket takes it; `scope` only where the address is of one link."""
    if ":" not in host:
        return host, port
    data = packed(host)
    of_link = (data[0] == 0xFE and data[1] & 0xC0 == 0x80) or (data[0] == 0xFF and data[1] & 0xF <= _LINK)
    return unscoped(host), port, 0, scope if of_link else 0


def named(host: str, scope: int) -> str:
    """A host as `getaddrinfo` takes it: with its interface where it is of one link."""
    found = place(host, 0, scope)
    return f"{found[0]}%{found[3]}" if len(found) == 4 and found[3] else found[0]


def endpoint(place: Any) -> Endpoint:
    """The endpoint that a socket tells, without its interface."""
    host, port = place[:2]
    return Endpoint(unscoped(host) if "%" in host else host, port)


def udp_socket(address: str, port: int, scope: int) -> socket.socket:
    """A socket at an address. A group's port is shared with all stacks of this machine; one of our own is not."""
    opened = socket.socket(family_of(address), socket.SOCK_DGRAM)
    if is_multicast(address):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    opened.setblocking(False)
    try:
        opened.bind(place(address, port, scope))
    except OSError as error:
        opened.close()
        raise refused("UDP", address, port, error) from None
    return opened


def prepare_multicast(sending: socket.socket, address: str, scope: int) -> None:
    """Groups are sent to from the interface of our address, no further than its link, and heard on this machine too."""
    if sending.family == socket.AF_INET6:
        sending.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, scope)
        sending.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
        sending.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
    else:
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)


def join_group(opened: socket.socket, group: str, address: str, scope: int) -> None:
    if ":" in group:
        membership = packed(group) + struct.pack("@I", scope)
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
    else:
        membership = socket.inet_aton(group) + socket.inet_aton(address)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)


def refused(protocol: str, address: str, port: int, error: OSError) -> EthernetError:
    hint = "; another gateway? give this one another address with --someip" if error.errno == errno.EADDRINUSE else ""
    return EthernetError(f"{protocol} port {port} of {address} cannot be had: {error.strerror}{hint}")
