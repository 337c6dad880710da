"""Many frames with one system call: sendmmsg(2)."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Sequence
from errno import EINTR
from typing import Final

from gateway.links.batch import Message, Vector
from gateway.links.socketcan_frames import CANFD_MTU

_DONT_WAIT: Final = int(socket.MSG_DONTWAIT)


class SendBatch:
    """Room for so many frames, sent by `send`."""

    def __init__(self, frames: int) -> None:
        self._data = (ctypes.c_char * (frames * CANFD_MTU))()
        self._vectors = (Vector * frames)()
        self._messages = (Message * frames)()
        self._lengths = [0] * frames
        for index in range(frames):
            self._vectors[index].base = ctypes.addressof(self._data) + index * CANFD_MTU
            header = self._messages[index].header
            header.vectors = ctypes.addressof(self._vectors) + index * ctypes.sizeof(Vector)
            header.vector_count = 1
        self._view = memoryview(self._data).cast("B")
        self._send = ctypes.CDLL(None, use_errno=True).sendmmsg
        self._send.restype = ctypes.c_int

    def send(self, descriptor: int, packets: Sequence[bytes]) -> int:
        """How many of the packets, from the first on, were taken; OSError as send(2) when not even the first was.

        `packets`: no more than there is room for, of 72 bytes at most.
        """
        for index, packet in enumerate(packets):
            start, length = index * CANFD_MTU, len(packet)
            self._view[start : start + length] = packet
            if self._lengths[index] != length:
                self._lengths[index] = self._vectors[index].len = length
        while (count := self._send(descriptor, self._messages, len(packets), _DONT_WAIT)) < 0:
            error = ctypes.get_errno()
            if error != EINTR:
                raise OSError(error, os.strerror(error))
        return int(count)
