"""A vehicle's connection to the process of its web page: answers what that asks, until one of both has gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from socket import socket

from gateway.ui.page_source import PageSource


class PageLink(asyncio.Protocol):
    """The thin driver of a `PageSource`. `gone`: set when the page's process has closed its end."""

    def __init__(self, source: PageSource) -> None:
        self.gone = asyncio.Event()
        self._source = source
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._source.receive(data)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._source.close()
        self.gone.set()

    def _send(self) -> None:
        data = self._source.outgoing()
        if data and self._transport is not None:
            self._transport.write(data)


@contextlib.asynccontextmanager
async def linked_page(source: PageSource, connection: socket) -> AsyncIterator[PageLink]:
    """Answer at this end of a socket pair as long as the context lasts."""
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    source.attach()
    transport, link = await loop.create_connection(lambda: PageLink(source), sock=connection)
    try:
        yield link
    finally:
        source.close()
        transport.abort()  # a page that does not read must not hold up the end
        await link.gone.wait()
