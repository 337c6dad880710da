"""Many frames with one system call (recvmmsg), each with its flags, its time and the count of those that were lost.

Python's own recvmsg asks the kernel for the interface's name besides, and takes one frame at a time; where system calls
are slow that is most of a frame's latency. Source: recvmmsg(2), cmsg(3), Documentation/networking/timestamping.rst.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from errno import EAGAIN, EINTR
from typing import Final, NamedTuple

from gateway.links.socketcan_frames import CANFD_MTU

SO_TIMESTAMPNS: Final = 35
SO_RXQ_OVFL: Final = 40
_DONT_WAIT: Final = int(socket.MSG_DONTWAIT)
_CONTROL: Final = 128
"""Bytes for the ancillary data of one frame; both that we ask for take 56."""


class Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("len", ctypes.c_size_t))


class Header(ctypes.Structure):
    """struct msghdr, and the length that struct mmsghdr has behind it."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_len", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_len", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", Header), ("len", ctypes.c_uint))


_MESSAGE: Final = ctypes.sizeof(Message)
_CONTROL_LENGTH: Final = struct.Struct("@Ni")
"""control_len and flags, side by side."""
_LENGTH: Final = struct.Struct("@I")
_ANCILLARY: Final = struct.Struct("@Nii")
_TIME_ONLY: Final = struct.Struct("@Niill")
_TIME: Final = struct.Struct("@ll")
_COUNT: Final = struct.Struct("@I")
_WORD: Final = ctypes.sizeof(ctypes.c_size_t)


class Reading(NamedTuple):
    """One read: `time_ns` by the calendar, 0 where the kernel told none; `lost`: since the socket was opened."""

    packet: bytes
    flags: int
    time_ns: int
    lost: int | None


class Batch:
    """Room for so many frames, filled by `read`."""

    def __init__(self, frames: int) -> None:
        self._room: Final = frames
        self._data = (ctypes.c_char * (frames * CANFD_MTU))()
        self._controls = (ctypes.c_char * (frames * _CONTROL))()
        self._vectors = (Vector * frames)()
        self._messages = (Message * frames)()
        for index in range(frames):
            self._vectors[index].base = ctypes.addressof(self._data) + index * CANFD_MTU
            self._vectors[index].len = CANFD_MTU
            header = self._messages[index].header
            header.vectors = ctypes.addressof(self._vectors) + index * ctypes.sizeof(Vector)
            header.vector_count = 1
            header.control = ctypes.addressof(self._controls) + index * _CONTROL
            header.control_len = _CONTROL
        self._fresh = bytes(self._messages)
        self._data_view = memoryview(self._data).cast("B")
        self._control_view = memoryview(self._controls).cast("B")
        self._message_view = memoryview((ctypes.c_char * (frames * _MESSAGE)).from_buffer(self._messages)).cast("B")
        self._receive = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._receive.restype = ctypes.c_int

    def read(self, descriptor: int) -> Iterator[Reading]:
        """What has come, as much as there is room for; nothing when nothing has. OSError as recvmsg(2)."""
        return self.readings(self.fill(descriptor))

    def fill(self, descriptor: int) -> int:
        """Read; how many frames that was. All of them have to be taken by `readings` before the next."""
        count = self._receive(descriptor, self._messages, self._room, _DONT_WAIT, None)
        if count < 0:
            error = ctypes.get_errno()
            if error not in {EAGAIN, EINTR}:
                raise OSError(error, os.strerror(error))
            return 0
        return int(count)

    def readings(self, count: int) -> Iterator[Reading]:
        """What `fill` has read."""
        try:
            for index in range(count):
                yield self._reading(index)
        finally:
            size = count * _MESSAGE
            self._message_view[:size] = self._fresh[:size]

    def _reading(self, index: int) -> Reading:
        place = index * _MESSAGE
        used, flags = _CONTROL_LENGTH.unpack_from(self._message_view, place + Header.control_len.offset)
        length = _LENGTH.unpack_from(self._message_view, place + Message.len.offset)[0]
        start = index * CANFD_MTU
        packet = bytes(self._data_view[start : start + length])
        position = index * _CONTROL
        if used == _TIME_ONLY.size:  # so nearly always: nothing was lost yet
            _, _, kind, seconds, nanoseconds = _TIME_ONLY.unpack_from(self._control_view, position)
            if kind == SO_TIMESTAMPNS:
                return Reading(packet, flags, seconds * 1_000_000_000 + nanoseconds, None)
        return Reading(packet, flags, *self._ancillary(position, used))

    def _ancillary(self, position: int, used: int) -> tuple[int, int | None]:
        """Time and count of what was lost, from the ancillary data of one frame."""
        time_ns, lost = 0, None
        end = position + used
        while position + _ANCILLARY.size <= end:
            size, level, kind = _ANCILLARY.unpack_from(self._control_view, position)
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIME.unpack_from(self._control_view, position + _ANCILLARY.size)
                time_ns = seconds * 1_000_000_000 + nanoseconds
            elif level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                lost = _COUNT.unpack_from(self._control_view, position + _ANCILLARY.size)[0]
            position += max(size + _WORD - 1 & -_WORD, _WORD)
        return time_ns, lost
