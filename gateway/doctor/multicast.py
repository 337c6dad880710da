"""Multicast, which SOME/IP-SD needs: where 224.0.0.0/4 is routed to, and whether loopback really carries it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from gateway.doctor.finding import Area, Finding, Standing

GROUP: Final = "224.244.224.245"
"""AUTOSAR's example of a service discovery group."""
LIMIT_S: Final = 1.0
_RTF_UP: Final = 1
_ROUTE_REMEDY: Final = "sudo ip route add 224.0.0.0/4 dev lo"


class _IpRoute(NamedTuple):
    interface: str
    network: int
    mask: int


def multicast() -> Iterator[Finding]:
    """The route of the group, and a datagram over loopback."""
    try:
        table = Path("/proc/net/route").read_text(encoding="ascii")
    except OSError:
        table = ""
    interface = route_of(GROUP, table)
    if interface is None:
        yield Finding(Area.MULTICAST, "route", Standing.MISSING, "224.0.0.0/4 has no route", _ROUTE_REMEDY)
    else:
        remedy = "" if interface == "lo" else f"to keep it on this machine: {_ROUTE_REMEDY}"
        yield Finding(Area.MULTICAST, "route", Standing.WORKS, f"224.0.0.0/4 goes out on {interface}", remedy)
    fault = loopback_fault()
    if fault is None:
        yield Finding(Area.MULTICAST, "loopback", Standing.WORKS, f"a datagram to {GROUP} on lo came back (tried)")
    else:
        remedy = f"sudo ip link set lo multicast on && {_ROUTE_REMEDY}"
        yield Finding(Area.MULTICAST, "loopback", Standing.MISSING, f"a datagram to {GROUP} on lo: {fault}", remedy)


def route_of(address: str, table: str) -> str | None:
    """The interface for an address by /proc/net/route (numbers in the machine's order); the longest mask wins."""
    wanted = struct.unpack("=I", socket.inet_aton(address))[0]
    best: _IpRoute | None = None
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) < 8 or not int(words[3], 16) & _RTF_UP:
            continue
        route = _IpRoute(words[0], int(words[1], 16), int(words[7], 16))
        if wanted & route.mask == route.network and (best is None or _bits(route.mask) > _bits(best.mask)):
            best = route
    return None if best is None else best.interface


def _bits(mask: int) -> int:
    return mask.bit_count()


def loopback_fault(group: str = GROUP) -> str | None:
    """Send one datagram to the group over loopback and wait for it; None when it came, else what was wrong."""
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            receiver.bind((group, 0))
            here = socket.inet_aton("127.0.0.1")
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + here)
            receiver.settimeout(LIMIT_S)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            sender.sendto(b"gateway doctor", (group, receiver.getsockname()[1]))
            receiver.recv(64)
    except TimeoutError:
        return f"nothing came within {LIMIT_S:g} s"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None
