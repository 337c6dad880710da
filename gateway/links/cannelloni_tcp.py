"""cannelloni over TCP (doc/tcp_protocol.md): both sides say `CANNELLONIv1`, then frames follow one another.

The frames are those of its datagrams. Any number of peers may connect; each is a participant of the bus.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from gateway.can import ERROR, FD, Bus, Frame
from gateway.links.addresses import Address, reason
from gateway.links.cannelloni import decode_frame, encode_frame, frame_size
from gateway.links.errors import LinkError, RecordError
from gateway.links.stream_client import Clients, StreamClient
from gateway.links.wall_time import wall_time_loop
from gateway.sim import SimulationLoop

GREETING: Final = b"CANNELLONIv1"
ROOM: Final = 8192
"""Frames that wait for a peer which does not read; then the oldest is thrown away."""


class CannelloniSession:
    """One peer. Knows no socket. `lost`: frames thrown away; `unfit`: frames that the bus cannot carry."""

    def __init__(self, fd: bool) -> None:
        self.over = False
        self.failure: str | None = None
        self.lost = 0
        self.unfit = 0
        self._fd = fd
        self._greeted = False
        self._data = bytearray()
        self._greeting = GREETING
        self._frames: deque[bytes] = deque()

    def receive(self, data: bytes) -> None:
        if not self.over:
            self._data += data

    def closed(self) -> None:
        """The peer sends nothing more: half a frame is a fault then."""
        if not self.over and self._data:
            self.end("the connection ended in the middle of a frame")

    def next(self) -> Frame | None:
        """The next frame from the peer; None until one is there whole."""
        while not self.over:
            try:
                frame = self._next()
            except RecordError as error:
                self.end(error.sentence)
                return None
            if frame is None or (not frame.header & ERROR and (self._fd or not frame.header & FD)):
                return frame
            self.unfit += 1
        return None

    def _next(self) -> Frame | None:
        data = self._data
        if not self._greeted:
            begin = bytes(data[: len(GREETING)])
            if not GREETING.startswith(begin):
                raise RecordError("the peer does not begin with CANNELLONIv1")
            if begin != GREETING:
                return None
            self._greeted = True
            del data[: len(GREETING)]
        size = frame_size(data)
        if size is None or len(data) < size:
            return None
        frame, _ = decode_frame(bytes(data[:size]), 0)
        del data[:size]
        return frame

    def end(self, reason: str | None = None) -> None:
        """The conversation is over. The protocol has no words for the reason."""
        self.failure = reason
        self.over = True

    def frame(self, frame: Frame) -> None:
        """A frame for the peer; before its greeting it gets none."""
        if not self._greeted:
            return
        if len(self._frames) >= ROOM:
            self._frames.popleft()
            self.lost += 1
        self._frames.append(encode_frame(frame))

    def outgoing(self) -> bytes:
        """All that is to be sent now."""
        data = self._greeting + b"".join(self._frames)
        self._greeting = b""
        self._frames.clear()
        return data


class CannelloniServer:
    """What all peers share. `address` is where it listens."""

    def __init__(self, bus: Bus) -> None:
        self.bus: Final = bus
        self.clients: Final = Clients()
        self.address = Address("", 0)


@contextlib.asynccontextmanager
async def serve_cannelloni(bus: Bus, address: Address) -> AsyncIterator[CannelloniServer]:
    """Let cannelloni's TCP peers take part in a bus, as long as the context lasts; port 0 means any free one.

    Raises `LinkError` when the loop is in virtual time, or the address cannot be had.
    """
    loop = wall_time_loop("cannelloni")
    server = CannelloniServer(bus)
    try:
        acceptor = await loop.create_server(partial(_Peer, server, loop), address.host, address.port)
    except OSError as error:
        raise LinkError(f"cannelloni cannot listen at {address}: {reason(error)}") from None
    host, port = acceptor.sockets[0].getsockname()[:2]
    server.address = Address(host, port)
    try:
        yield server
    finally:
        await server.clients.end(acceptor)


class _Peer(StreamClient[Frame]):
    """One connection."""

    def __init__(self, server: CannelloniServer, loop: SimulationLoop) -> None:
        self._session = CannelloniSession(server.bus.fd)
        super().__init__(server.clients, loop, self._session)
        self.join(server.bus, "cannelloni")

    def do(self, request: Frame) -> None:
        assert self.participant is not None
        self.participant.send(request)

    def hear(self, frame: Frame) -> None:
        if not frame.header & ERROR:
            self._session.frame(frame)
            self.soon()

    def outgoing(self) -> bytes:
        return self._session.outgoing()
