"""A raw socket of one SocketCAN interface: opened, checked and prepared. Sources: can.rst of Linux, linux/can/raw.h."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterable
from typing import Final

from gateway.can import EXTENDED, ID_MASK, REMOTE
from gateway.links.batch import SO_RXQ_OVFL, SO_TIMESTAMPNS
from gateway.links.errors import LinkError
from gateway.links.socketcan_frames import CANFD_MTU, STANDARD_MASK

_BUFFER: Final = 4 << 20
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55
_COUNTS: Final = struct.Struct("@9I")
_SIOCGIFMTU: Final = 0x8921
_SIOCGIFFLAGS: Final = 0x8913
_IFF_UP: Final = 1
_CAN_RAW_ERR_FILTER: Final = 2
_ALL_ERRORS: Final = 0x1FFFFFFF
_FILTER: Final = struct.Struct("@II")


def open_socket(name: str, fd: bool, wanted: Iterable[int] | None) -> socket.socket:
    """A socket that does not block, of an interface that is up. LinkError with the reason when it cannot be had."""
    raw = _raw_socket(name)
    try:
        _check(raw, name, fd)
        raw.setblocking(False)
        _prepare(raw, fd)
        filter_frames(raw, wanted)
        raw.bind((name,))
    except LinkError:
        raw.close()
        raise
    except OSError as error:
        raw.close()
        raise LinkError(f"{name} cannot be opened: {reason(error)}") from None
    return raw


def filter_frames(raw: socket.socket, wanted: Iterable[int] | None) -> None:
    """Let the kernel take frames of these identifiers only (headers without the CAN FD flags); None for all."""
    filters = b""
    if wanted is None:
        filters = _FILTER.pack(0, 0)
    else:
        for key in sorted(wanted):
            identifier = ID_MASK if key & EXTENDED else STANDARD_MASK
            filters += _FILTER.pack(key, EXTENDED | REMOTE | identifier)
    raw.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, filters)


def _raw_socket(name: str) -> socket.socket:
    try:
        return socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    except (AttributeError, OSError) as error:
        if isinstance(error, PermissionError):
            raise LinkError(f"{name} cannot be opened: this user may not open CAN sockets") from None
        raise LinkError(
            f"{name} cannot be opened: this machine's kernel has no SocketCAN;"
            " put `gateway vcan --` before the command to have one"
        ) from None


def _check(raw: socket.socket, name: str, fd: bool) -> None:
    """LinkError unless the interface is there, is up, and has CAN FD where the bus has."""
    if len(name.encode()) > 15:
        raise LinkError(f"there is no interface {name}: a name has 15 letters at most")
    request = struct.pack("16s16x", name.encode())
    try:
        mtu = struct.unpack_from("16si", fcntl.ioctl(raw, _SIOCGIFMTU, request))[1]
        flags = struct.unpack_from("16sH", fcntl.ioctl(raw, _SIOCGIFFLAGS, request))[1]
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        there = [interface for _, interface in socket.if_nameindex() if "can" in interface]
        known = f"there are {', '.join(there)}" if there else f"ip link add {name} type vcan makes a virtual one"
        raise LinkError(f"there is no interface {name} ({known})") from None
    if not flags & _IFF_UP:
        raise LinkError(f"interface {name} is down: ip link set {name} up")
    if fd and mtu < CANFD_MTU:
        raise LinkError(
            f"interface {name} has no CAN FD (its MTU is {mtu}, not {CANFD_MTU}): ip link set {name} mtu {CANFD_MTU}"
            " for a virtual one, `fd on` for a real one; or make the bus kind: can"
        )


def _prepare(raw: socket.socket, fd: bool) -> None:
    raw.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_RECV_OWN_MSGS, 1)
    raw.setsockopt(socket.SOL_CAN_RAW, _CAN_RAW_ERR_FILTER, _ALL_ERRORS)
    if fd:
        raw.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
    raw.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    raw.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    with contextlib.suppress(PermissionError):
        raw.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)


def drops(raw: socket.socket) -> int:
    """Frames that the socket has lost so far; the count that comes with frames is that of when they came."""
    count: int = _COUNTS.unpack(raw.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _COUNTS.size))[8]
    return count


def reason(error: OSError) -> str:
    """Why an interface does not work, in words for a sentence."""
    if error.errno == errno.ENETDOWN:
        return "the interface is down"
    if error.errno in {errno.ENODEV, errno.ENXIO}:
        return "the interface is gone"
    return (error.strerror or os.strerror(error.errno or 0)).lower()
