"""Streams beside the buses: a client that asks for one by name gets bytes that are not frames of one bus.

What the bytes are is the stream's affair: a capture of all buses, what a monitor shows. `Streaming` is the asyncio side
of one of them; it asks its source for bytes as often as a screen can show them, and not at all while the client does
not read. So a source that gathers must bound what it holds; one that shows gives the latest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from gateway.links.stream_client import WRITE_BUFFER, Clients

PERIOD_S: Final = 1 / 30


class StreamSource(Protocol):
    """One client's stream. `receive` may raise ValueError: what came is none of it, and the client is dropped."""

    def receive(self, data: bytes) -> None: ...
    def outgoing(self) -> bytes: ...
    def close(self) -> None: ...


StreamSources = Mapping[str, Callable[[], StreamSource]]
"""What can be asked for, by name; a source is made for each client."""


class Streaming(asyncio.Protocol):
    """One client of one stream, from the moment at which it was promised. `ended` is called when it has gone."""

    def __init__(
        self,
        clients: Clients,
        loop: asyncio.AbstractEventLoop,
        source: StreamSource,
        transport: asyncio.WriteTransport,
        ended: Callable[[], object] | None = None,
    ) -> None:
        self._clients = clients
        self._loop = loop
        self._source = source
        self._transport = transport
        self._ended = ended
        self._full = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Take the connection over."""
        self._clients.now.add(self)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._transport.set_protocol(self)
        self._send()

    def data_received(self, data: bytes) -> None:
        try:
            self._source.receive(data)
        except ValueError:
            self._clients.broken += 1
            self._transport.abort()
            return
        self._write()  # at once: what was asked for need not wait, and may come while time stands still

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._source.close()
        self._clients.now.discard(self)
        if self._ended is not None:
            self._ended()

    def stop(self, reason: str) -> None:
        """Send what there still is, and close."""
        del reason  # the stream has no place for it
        if self._full:
            self._transport.abort()  # it does not read, so it would not read the end either
        elif not self._transport.is_closing():
            self._transport.write(self._source.outgoing())
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def _send(self) -> None:
        if self._transport.is_closing():
            return
        self._write()
        self._timer = self._loop.call_later(PERIOD_S, self._send)

    def _write(self) -> None:
        if not self._full and not self._transport.is_closing():
            data = self._source.outgoing()
            if data:
                self._transport.write(data)
