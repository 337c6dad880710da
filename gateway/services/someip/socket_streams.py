"""Real TCP connections of a node, in an asyncio loop. A peer that does not read loses its own events only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from gateway.ethernet import Endpoint
from gateway.services.someip.socket_options import endpoint, family_of, place, refused

if TYPE_CHECKING:
    from gateway.services.someip.sockets import SocketNetwork

STREAM_BUFFER: Final = 1 << 20
"""Bytes that may wait for a TCP peer to read them."""


class SocketStream(asyncio.Protocol):
    """A TCP connection."""

    def __init__(self, network: SocketNetwork, remote: Endpoint | None, accept: Callable[[Any], object] | None) -> None:
        self.remote = remote or Endpoint("", 0)
        self.local = Endpoint("", 0)
        self.on_open: Callable[[], object] = _nothing
        self.on_data: Callable[[bytes], object] = _ignored
        self.on_close: Callable[[], object] = _nothing
        self._network = network
        self._accept = accept
        self._transport: asyncio.Transport | None = None
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.remote = endpoint(transport.get_extra_info("peername"))
        self.local = endpoint(transport.get_extra_info("sockname"))
        self._network.streams.add(self)
        if self._closed:
            transport.close()
        elif self._accept is not None:
            self._accept(self)
        else:
            self.on_open()

    def data_received(self, data: bytes) -> None:
        if self._network.watch is not None:
            self._network.watch.observe_stream(self.remote, self.local, data)
        self.on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost()

    def lost(self) -> None:
        """It has gone, or never came to be."""
        self._network.streams.discard(self)
        on_close, self.on_close = self.on_close, _nothing
        on_close()

    def send(self, data: bytes) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > STREAM_BUFFER:
            return False
        transport.write(data)
        if self._network.watch is not None:
            self._network.watch.observe_stream(self.local, self.remote, data)
        return True

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.close()


class SocketListening:
    """A TCP port that takes connections; it is there at once, they come when the loop runs."""

    def __init__(self, network: SocketNetwork, port: int, accept: Callable[[Any], object]) -> None:
        opened = socket.socket(family_of(network.address), socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setblocking(False)
        try:
            opened.bind(place(network.address, port, network.scope))
            opened.listen(64)
        except OSError as error:
            opened.close()
            raise refused("TCP", network.address, port, error) from None
        self._network = network
        self._server: asyncio.Server | None = None
        self._closed = False
        network.spawn(self._serve(opened, accept), f"SOME/IP TCP {port}")

    async def _serve(self, opened: socket.socket, accept: Callable[[Any], object]) -> None:
        network = self._network
        self._server = await network.loop.create_server(lambda: SocketStream(network, None, accept), sock=opened)
        if self._closed:
            self._server.close()

    def close(self) -> None:
        self._closed = True
        if self._server is not None:
            self._server.close()


def _nothing() -> None:
    """Nobody wants to know."""


def _ignored(_data: bytes) -> None:
    """Nobody wants the bytes."""
