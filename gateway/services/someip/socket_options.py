"""How a socket is made ready for SOME/IP: shared ports of groups, memberships by an interface's address, sentences."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from typing import Final

from gateway.ethernet import EthernetError, is_multicast

RECEIVE_BUFFER: Final = 1 << 20


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def udp_socket(address: str, port: int) -> socket.socket:
    """A socket at an address. A group's port is shared with all stacks of this machine; one of our own is not."""
    opened = socket.socket(family_of(address), socket.SOCK_DGRAM)
    if is_multicast(address):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    opened.setblocking(False)
    try:
        opened.bind((address, port))
    except OSError as error:
        opened.close()
        raise refused("UDP", address, port, error) from None
    return opened


def join_group(opened: socket.socket, group: str, address: str) -> None:
    if ":" in group:
        membership = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", _interface_of(address))
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
    else:
        membership = socket.inet_aton(group) + socket.inet_aton(address)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)


def _interface_of(address: str) -> int:
    """The index of the interface that has an IPv6 address; 0, the system's choice, when it cannot be told."""
    wanted = socket.inet_pton(socket.AF_INET6, address.partition("%")[0]).hex()
    with contextlib.suppress(OSError), open("/proc/net/if_inet6", encoding="ascii") as lines:
        for line in lines:
            number, index = line.split()[:2]
            if number == wanted:
                return int(index, 16)
    return 0


def refused(protocol: str, address: str, port: int, error: OSError) -> EthernetError:
    hint = "; another gateway? give this one another address with --someip" if error.errno == errno.EADDRINUSE else ""
    return EthernetError(f"{protocol} port {port} of {address} cannot be had: {error.strerror}{hint}")
