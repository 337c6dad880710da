"""Where datagrams that carry a bus go out and come in: a UDP socket, or raw Ethernet frames of one EtherType."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from gateway.links.addresses import Address, reason
from gateway.links.batch import SO_RXQ_OVFL
from gateway.links.errors import LinkError

_BUFFER: Final = 4 << 20
_SO_RCVBUFFORCE: Final = 33
_ROOM: Final = 65536
_COUNT: Final = struct.Struct("@I")
_ETHERNET: Final = struct.Struct("!6s6sH")
_SHORTEST: Final = 60
"""Bytes of an Ethernet frame without its checksum."""
_SOL_PACKET: Final = 263
_PACKET_ADD_MEMBERSHIP: Final = 1
_PACKET_MR_MULTICAST: Final = 0
_OUTGOING: Final = 4
_IFF_UP: Final = 1
_NOT_NOW: Final = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM})
_NOBODY: Final = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})


class Received(NamedTuple):
    """A datagram. `lost`: how many the kernel had no room for since the socket was opened, where it tells."""

    data: bytes
    lost: int | None


class FullError(Exception):
    """The socket takes nothing now."""


class NobodyError(Exception):
    """There is no peer to send to."""


class Port(Protocol):
    """One socket. `place`: where it is, for people."""

    place: str

    def open(self) -> socket.socket:
        """A socket that does not block. LinkError with the reason when it cannot be had."""

    def send(self, data: bytes) -> None:
        """FullError, NobodyError or OSError when it did not go."""

    def receive(self) -> Received | None:
        """The next datagram; None when there is none. OSError when the interface is gone."""

    def is_up(self) -> bool:
        """The interface takes and brings datagrams."""

    def believe(self) -> None:
        """The last datagram was right: its sender is the peer, where none was named."""


class UdpPort:
    """A UDP socket and its peer: the one that is named, else whoever sent the last right datagram."""

    def __init__(self, what: str, address: Address, peer: Address | None) -> None:
        self.place = str(address)
        self.address = address
        self._what: Final = what
        self._named: Final = peer
        self._peer: tuple[Any, ...] | None = None
        self._last: tuple[Any, ...] | None = None
        self._socket: socket.socket | None = None

    def open(self) -> socket.socket:
        try:
            family, _, _, _, here = socket.getaddrinfo(*self.address, type=socket.SOCK_DGRAM)[0]
            if self._named is not None:
                self._peer = socket.getaddrinfo(*self._named, family, socket.SOCK_DGRAM)[0][4]
        except OSError as error:
            raise LinkError(f"{self._what} cannot use {self._named or self.address}: {reason(error)}") from None
        udp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            _prepare(udp)
            udp.bind(here)
        except OSError as error:
            udp.close()
            raise LinkError(f"{self._what} cannot use {self.address}: {reason(error)}") from None
        self.address = Address(self.address.host, udp.getsockname()[1])
        self.place = str(self.address)
        self._socket = udp
        return udp

    def send(self, data: bytes) -> None:
        assert self._socket is not None
        if self._peer is None:
            raise NobodyError("nobody has sent anything yet; name the peer with peer=HOST:PORT")
        try:
            self._socket.sendto(data, self._peer)
        except OSError as error:
            _look(error)

    def receive(self) -> Received | None:
        assert self._socket is not None
        try:
            data, ancillary, _, self._last = self._socket.recvmsg(_ROOM, socket.CMSG_SPACE(_COUNT.size))
        except OSError as error:
            if error.errno in _NOT_NOW | _NOBODY:
                return None
            raise
        return Received(data, _lost(ancillary))

    def is_up(self) -> bool:
        return True

    def believe(self) -> None:
        if self._named is None:
            self._peer = self._last


class EthernetPort:
    """Raw frames of one EtherType on one interface. `peer`: the MAC address that they go to, 6 bytes."""

    def __init__(self, what: str, interface: str, ethertype: int, peer: bytes) -> None:
        self.place = interface
        self._what: Final = what
        self._ethertype: Final = ethertype
        self._peer: Final = peer
        self._own = bytes(6)
        self._socket: socket.socket | None = None

    def open(self) -> socket.socket:
        try:
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(self._ethertype))
        except OSError as error:
            raise LinkError(
                f"{self._what} over raw Ethernet needs the right to it (CAP_NET_RAW): {reason(error)}"
            ) from None
        try:
            _prepare(raw)
            raw.bind((self.place, self._ethertype))
            self._own = raw.getsockname()[4]
            if self._peer[0] & 1:
                request = struct.pack(
                    "@iHH8s", socket.if_nametoindex(self.place), _PACKET_MR_MULTICAST, len(self._peer), self._peer
                )
                raw.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, request)
        except OSError as error:
            raw.close()
            raise LinkError(f"{self._what} cannot use the interface {self.place}: {reason(error)}") from None
        self._socket = raw
        return raw

    def send(self, data: bytes) -> None:
        assert self._socket is not None
        try:
            self._socket.send((_ETHERNET.pack(self._peer, self._own, self._ethertype) + data).ljust(_SHORTEST, b"\0"))
        except OSError as error:
            _look(error)

    def receive(self) -> Received | None:
        assert self._socket is not None
        try:
            data, ancillary, _, address = self._socket.recvmsg(_ROOM, socket.CMSG_SPACE(_COUNT.size))
        except OSError as error:
            if error.errno in _NOT_NOW:
                return None
            raise
        if address[2] == _OUTGOING:
            return self.receive()
        return Received(data[_ETHERNET.size :], _lost(ancillary))

    def is_up(self) -> bool:
        try:
            return bool(int(Path("/sys/class/net", self.place, "flags").read_text(), 16) & _IFF_UP)
        except OSError:
            return False

    def believe(self) -> None:
        """The peer is always the one that was named."""


def _prepare(one: socket.socket) -> None:
    one.setblocking(False)
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    try:
        one.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    except OSError:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)


def _look(error: OSError) -> None:
    """What became of a datagram that was not taken. UDP tells late that nobody listened: that is as a lost datagram."""
    if error.errno in _NOT_NOW:
        raise FullError from None
    if error.errno not in _NOBODY:
        raise error


def _lost(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
            count: int = _COUNT.unpack(data)[0]
            return count
    return None
