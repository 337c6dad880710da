"""What of this machine's network SOME/IP needs: the interface of an address, its multicast, routes, all its frames."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.ethernet import EthernetError, Packet, parse
from gateway.services.someip.socket_options import family_of, place, prepare_multicast, scope_of

_SIOCGIFADDR: Final = 0x8915
_IFF_UP: Final = 0x1
_IFF_MULTICAST: Final = 0x1000
_IFF_LOOPBACK: Final = 0x8
_ALL_PROTOCOLS: Final = 0x0003
_OUTGOING: Final = 4
BATCH: Final = 64


def interface_of(address: str) -> str | None:
    """The interface that has an IP address; one of 127.0.0.0/8 is lo's. None when there is none."""
    if ":" in address:
        with contextlib.suppress(OSError, EthernetError):
            return socket.if_indextoname(scope_of(address))
        return None
    if address.startswith("127."):
        return "lo"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            with contextlib.suppress(OSError):
                found = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
                if socket.inet_ntoa(found[20:24]) == address:
                    return name
    return None


def multicast_trouble(address: str, group: str, port: int) -> str | None:
    """Why multicast does not work from this address, and what to do; None when nothing is to be seen."""
    name = interface_of(address)
    if name is None:
        return f"{address} is no address of this machine"
    flags = _flags(name)
    if not flags & _IFF_UP:
        return f"{name} is down: ip link set {name} up"
    if not flags & (_IFF_MULTICAST | _IFF_LOOPBACK):
        return f"{name} has no multicast: ip link set {name} multicast on"
    scope = scope_of(address)
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as probe:
        try:
            prepare_multicast(probe, address, scope)
            probe.connect(place(group, port, scope))
        except OSError as error:
            groups = "-6 route add multicast ff00::/8 table local" if ":" in group else "route add 224.0.0.0/4"
            return f"no route for multicast on {name} ({error.strerror}): ip {groups} dev {name}"
    return None


def route_trouble(address: str, host: str) -> str | None:
    """Why `host` cannot be reached from this address; None when there is a route."""
    scope = scope_of(address)
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(place(address, 0, scope))
            probe.connect(place(host, 9, scope))
        except OSError as error:
            return f"there is no route to {host} from {address} ({error.strerror})"
    return None


class Sniffer:
    """Sees all IP packets of an interface, this machine's own too. PermissionError without CAP_NET_RAW."""

    def __init__(self, loop: asyncio.AbstractEventLoop, interface: str, see: Callable[[Packet], object]) -> None:
        self._loop = loop
        self._see = see
        self._loopback = bool(_flags(interface) & _IFF_LOOPBACK)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
        self._socket.bind((interface, 0))
        self._socket.setblocking(False)
        loop.add_reader(self._socket, self._ready)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _ready(self) -> None:
        for _ in range(BATCH):
            try:
                frame, place = self._socket.recvfrom(65_536)
            except (BlockingIOError, InterruptedError):
                return
            if self._loopback and place[2] == _OUTGOING:
                continue  # it comes again as received
            packet = parse(frame)
            if packet is not None and packet.tcp is None:
                self._see(packet)


def _flags(interface: str) -> int:
    try:
        return int((Path("/sys/class/net") / interface / "flags").read_text(), 16)
    except (OSError, ValueError):
        return 0
