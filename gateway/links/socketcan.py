"""SocketCAN, straight from raw sockets in the loop: no thread, no conversion, the kernel's own times.

Our own frames come back from the kernel when they are on the wire (CAN_RAW_RECV_OWN_MSGS), marked with MSG_CONFIRM.
Sources: Documentation/networking/can.rst of Linux, linux/can/raw.h.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Final

from gateway.can import ERROR, Frame
from gateway.links.arrivals import AHEAD_NS
from gateway.links.batch import Batch, Reading
from gateway.links.departures import departures_of
from gateway.links.errors import LinkError
from gateway.links.link import Arbiter, LinkAddress, LinkRates, LinkUser
from gateway.links.send_batch import SendBatch
from gateway.links.socketcan_frames import from_socket, to_socket, trouble
from gateway.links.socketcan_socket import drops, filter_frames, open_socket, reason
from gateway.sim import NS_PER_S, SimulationLoop, calendar_ns

BATCH: Final = 32
"""Frames that are read before others get their turn."""
TOGETHER: Final = 8
"""Frames that are sent together: the first of them waits while the others are worked on."""
_COMPARED_EVERY_NS: Final = NS_PER_S
"""Between comparisons of the calendar, which may be set, with the kernel's time."""
LOOK_EVERY_S: Final = 0.2
"""Between looks at an interface that is down."""
BUSY_S: Final = 0.001
"""Between attempts when the interface's queue is full, which no descriptor tells."""
_CONFIRMED: Final = int(socket.MSG_CONFIRM)
"""A plain number: with an enum's each frame would make one."""
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
        self._send_batch = SendBatch(TOGETHER)
        self._outgoing: list[Frame] = []
        """Taken and not yet with the kernel: until a read is over, or while the interface's queue is full."""
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
        self._departures = departures_of(loop)
        self._connect()

    def close(self) -> None:
        if self._socket is not None:
            unread = sum(1 for _ in self._everything(self._socket))
            self._count_overflows(drops(self._socket) + unread)
        self._disconnect()
        if self._timer is not None:
            self._timer.cancel()

    def drain(self) -> int:
        return self._read()

    def send(self, frame: Frame) -> bool:
        if self._socket is None:
            return False
        if self._outgoing or self._departures.wait:
            return self._keep(frame)
        try:
            self._socket.send(to_socket(frame))
        except OSError as error:
            return self._not_sent(frame, error)
        return True

    def want(self, keys: frozenset[int] | None) -> None:
        self._wanted = keys
        if self._socket is not None:
            filter_frames(self._socket, keys)

    # The socket

    def _connect(self) -> None:
        """LinkError with the reason when the interface cannot be had."""
        self._socket = raw = open_socket(self.name, self._fd, self._wanted)
        self._overflows = 0
        self._loop.add_reader(raw, self._read)

    def _disconnect(self) -> None:
        self._outgoing.clear()
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None

    # Out, several together

    def _keep(self, frame: Frame) -> bool:
        if self._timer is not None or len(self._outgoing) >= TOGETHER:
            return False
        self._departures.add(self)
        self._outgoing.append(frame)
        if len(self._outgoing) == TOGETHER:
            self.depart()
        return True

    def depart(self) -> None:
        """Hand the kernel what has been kept, as much as it takes."""
        outgoing = self._outgoing
        while outgoing and self._socket is not None:
            try:
                sent = self._send_batch.send(self._socket.fileno(), [to_socket(frame) for frame in outgoing])
            except OSError as error:
                if not self._not_sent(outgoing[0], error):
                    return
                sent = 1
            del outgoing[:sent]

    def hear(self) -> None:
        self._read()

    # In

    def _read(self) -> int:
        """One batch; how many frames it was."""
        if self._socket is None:
            return 0
        try:
            count = self._batch.fill(self._socket.fileno())
        except OSError as error:
            self._fail(error)
            return 0
        if count > 1:
            with self._departures.reading():
                self._take(count)
        elif count:
            self._take(count)  # what one frame leads to need not wait for others
        return count

    def _take(self, count: int) -> None:
        user = self._user
        for packet, flags, calendar, lost in self._batch.readings(count):
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

    def _everything(self, raw: socket.socket) -> Iterator[Reading]:
        """What a socket still holds, without new frames."""
        filter_frames(raw, ())
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
        self._loop.call_soon(self._user.rejected, frame, f"{self.name}: {reason(error)}")
        return True

    def _ready(self) -> None:
        self._timer = None
        self.depart()
        if not self._outgoing:
            self._user.ready()

    def _fail(self, error: OSError) -> None:
        """The interface is down or gone."""
        if self._socket is None:
            return
        self._disconnect()
        self._user.down(f"{self.name}: {reason(error)}")
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
