"""SocketCAN, straight from raw sockets in the loop: no thread, no conversion, the kernel's own times.

Our own frames come back from the kernel when they are on the wire (CAN_RAW_RECV_OWN_MSGS), marked with MSG_CONFIRM.
Sources: Documentation/networking/can.rst of Linux, linux/can/raw.h.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final

from gateway.can import ERROR, EXTENDED, ID_MASK, REMOTE, Frame
from gateway.links.arrivals import AHEAD_NS
from gateway.links.batch import SO_RXQ_OVFL, SO_TIMESTAMPNS, Batch, Reading
from gateway.links.errors import LinkError
from gateway.links.link import Arbiter, LinkAddress, LinkRates, LinkUser
from gateway.links.socketcan_frames import CANFD_MTU, STANDARD_MASK, from_socket, to_socket, trouble
from gateway.sim import NS_PER_S, SimulationLoop, calendar_ns

BATCH: Final = 32
"""Frames read before others get their turn."""
_COMPARED_EVERY_NS: Final = NS_PER_S
"""Between comparisons of the calendar, which may be set, with the kernel's time."""
LOOK_EVERY_S: Final = 0.2
"""Between looks at an interface that is down."""
BUSY_S: Final = 0.001
"""Between attempts when the interface's queue is full, which no descriptor tells."""
_BUFFER: Final = 4 << 20
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55
_COUNTS: Final = struct.Struct("@9I")
_SIOCGIFMTU: Final = 0x8921
_SIOCGIFFLAGS: Final = 0x8913
_IFF_UP: Final = 1
_CONFIRMED: Final = int(socket.MSG_CONFIRM)
"""A plain number: with an enum's each frame would make one."""
_CAN_RAW_ERR_FILTER: Final = 2
_ALL_ERRORS: Final = 0x1FFFFFFF
_FILTER: Final = struct.Struct("@II")
_GONE: Final = frozenset({errno.ENETDOWN, errno.ENODEV, errno.ENXIO, errno.EBADF, errno.ENETUNREACH})
_FULL: Final = frozenset({errno.ENOBUFS, errno.EAGAIN, errno.ENOMEM})


class SocketCanLink:
    """One interface, one socket."""

    def __init__(self, address: LinkAddress, rates: LinkRates) -> None:
        if address.bitrate is not None:
            raise LinkError(
                f"link {address}: SocketCAN's bit rate belongs to the interface:"
                f" ip link set {address.channel} type can bitrate {address.bitrate}"
            )
        if address.options:
            raise LinkError(f"link {address}: SocketCAN has no option {next(iter(address.options))!r}")
        self.name = address.channel
        self.arbiter = Arbiter.KERNEL
        self._fd = rates.data_bitrate is not None
        self._socket: socket.socket | None = None
        self._wanted: frozenset[int] | None = None
        self._overflows = 0
        self._batch = Batch(BATCH)
        self._compared_ns = -_COMPARED_EVERY_NS
        self._compared = 0, 0
        """The same moment by the calendar and by the kernel."""
        self._latest = 0
        self._timer: asyncio.TimerHandle | None = None

    # The seam

    def open(self, user: LinkUser) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        self._loop = loop
        self._user = user
        self._connect()

    def close(self) -> None:
        if self._socket is not None:
            unread = sum(1 for _ in self._everything(self._socket))
            self._count_overflows(_drops(self._socket) + unread)
        self._disconnect()
        if self._timer is not None:
            self._timer.cancel()

    def drain(self) -> int:
        return self._read()

    def send(self, frame: Frame) -> bool:
        if self._socket is None:
            return False
        try:
            self._socket.send(to_socket(frame))
        except OSError as error:
            return self._not_sent(frame, error)
        return True

    def want(self, keys: frozenset[int] | None) -> None:
        self._wanted = keys
        if self._socket is not None:
            self._filter(self._socket)

    # The socket

    def _connect(self) -> None:
        """LinkError with the reason when the interface cannot be had."""
        raw = _raw_socket(self.name)
        try:
            _check(raw, self.name, self._fd)
            raw.setblocking(False)
            _prepare(raw, self._fd)
            self._filter(raw)
            raw.bind((self.name,))
        except LinkError:
            raw.close()
            raise
        except OSError as error:
            raw.close()
            raise LinkError(f"{self.name} cannot be opened: {_reason(error)}") from None
        self._overflows = 0
        self._socket = raw
        self._loop.add_reader(raw, self._read)

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None

    def _filter(self, raw: socket.socket) -> None:
        wanted = b""
        if self._wanted is None:
            wanted = _FILTER.pack(0, 0)
        else:
            for key in sorted(self._wanted):
                identifier = ID_MASK if key & EXTENDED else STANDARD_MASK
                wanted += _FILTER.pack(key, EXTENDED | REMOTE | identifier)
        raw.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, wanted)

    # In

    def _read(self) -> int:
        """One batch; how many frames it was."""
        user, raw = self._user, self._socket
        count = 0
        if raw is None:
            return count
        try:
            for packet, flags, calendar, lost in self._batch.read(raw.fileno()):
                count += 1
                if lost is not None and lost != self._overflows:
                    self._count_overflows(lost)
                frame = from_socket(packet)
                if frame is None:
                    continue
                time_ns = self._time_ns(calendar)
                if frame.header & ERROR:
                    user.trouble(*trouble(frame))
                elif flags & _CONFIRMED:
                    user.confirmed(frame, time_ns)
                else:
                    user.received(frame, time_ns)
        except OSError as error:
            self._fail(error)
        return count

    def _everything(self, raw: socket.socket) -> Iterator[Reading]:
        """What a socket still holds, without new frames."""
        raw.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, b"")
        more = True
        while more:
            more = False
            with contextlib.suppress(OSError):
                for reading in self._batch.read(raw.fileno()):
                    more = True
                    yield reading

    def _time_ns(self, calendar: int) -> int:
        """The kernel's time of a time stamp: never before the one before, never in the future.

        A kernel that has fallen behind the wall is before the time at which the frame came.
        """
        now = self._loop.kernel.now
        if now - self._compared_ns > _COMPARED_EVERY_NS:
            self._compared_ns = now
            self._compared = calendar_ns(), self._loop.pace.time_ns()
        then, here = self._compared
        speed = self._loop.pace.speed
        came = here + (calendar - then if speed == 1 else round((calendar - then) * speed))
        if came > now:
            came = now if came <= now + AHEAD_NS else min(came, self._loop.pace.time_ns())
        self._latest = max(self._latest, came)
        return self._latest

    def _count_overflows(self, overflows: int) -> None:
        new = (overflows - self._overflows) & 0xFFFFFFFF
        if new:
            self._overflows = overflows
            self._user.lost(new)

    # Trouble

    def _not_sent(self, frame: Frame, error: OSError) -> bool:
        """What becomes of a frame that the socket did not take: True when it is lost, False when it may try again."""
        if error.errno in _FULL:
            if self._timer is None:
                self._timer = self._loop.call_later(BUSY_S, self._ready)
            return False
        if error.errno in _GONE:
            self._loop.call_soon(self._fail, error)
            return True
        self._loop.call_soon(self._user.rejected, frame, f"{self.name}: {_reason(error)}")
        return True

    def _ready(self) -> None:
        self._timer = None
        self._user.ready()

    def _fail(self, error: OSError) -> None:
        """The interface is down or gone."""
        if self._socket is None:
            return
        self._disconnect()
        self._user.down(f"{self.name}: {_reason(error)}")
        self._look_later()

    def _look_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._timer = None
        try:
            self._connect()
        except LinkError:
            self._look_later()
        else:
            self._user.up()


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


def _drops(raw: socket.socket) -> int:
    """Frames that the socket has lost so far; the count that comes with frames is that of when they came."""
    count: int = _COUNTS.unpack(raw.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _COUNTS.size))[8]
    return count


def _reason(error: OSError) -> str:
    if error.errno == errno.ENETDOWN:
        return "the interface is down"
    if error.errno in {errno.ENODEV, errno.ENXIO}:
        return "the interface is gone"
    return (error.strerror or os.strerror(error.errno or 0)).lower()
