"""The web page of a vehicle: one port for the page's files and for the WebSocket that feeds it."""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import socket
from collections.abc import AsyncIterator
from typing import Final

from gateway.links.addresses import Address, reason
from gateway.links.wall_time import wall_time_loop
from gateway.sim import WallPace
from gateway.ui.desk import Desk
from gateway.ui.errors import UiError
from gateway.ui.feed import Feed
from gateway.ui.feed_pulse import PERIOD_NS
from gateway.ui.web_pages import FEED, HEADERS, Page, allowed_host, read_pages, refusal, same_origin
from gateway.ui.web_session import WebSession

try:
    from websockets.asyncio.server import Server, ServerConnection, serve
    from websockets.datastructures import Headers
    from websockets.exceptions import ConnectionClosed
    from websockets.http11 import Request, Response
except ImportError as error:
    raise UiError(f"the web page (--web) needs {error.name}: pip install 'vehicle-gateway[web]'") from None

LARGEST: Final = 1 << 18
"""Bytes of a browser's message."""
MOST_CLIENTS: Final = 16
_OPENING_S: Final = 1000.0
"""In the vehicle's time, which may pass a hundred times as fast as the wall's."""
_CLOSING_S: Final = 0.5
_GONE_MS: Final = 20_000
"""A browser that does not acknowledge what is sent to it for so long is gone (TCP_USER_TIMEOUT, RFC 5482)."""


@contextlib.asynccontextmanager
async def serve_page(feed: Feed, desk: Desk, where: Address, title: str = "") -> AsyncIterator[Address]:
    """Serve as long as the context lasts; yields the address. UiError when that cannot be had, LinkError when the loop
    is in virtual time."""
    wall_time_loop("a web page")
    site = _Site(feed, desk, where, title)
    silent = logging.getLogger("gateway.web")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    try:
        server = await serve(
            site.client,
            where.host,
            where.port,
            process_request=site.request,
            compression=None,
            max_size=LARGEST,
            max_queue=4,
            open_timeout=_OPENING_S,
            ping_interval=None,  # in the vehicle's time, which may stand still
            close_timeout=_CLOSING_S,
            server_header=None,
            logger=silent,
        )
    except OSError as error:
        raise UiError(f"the web page cannot be at {where}: {reason(error)}") from None
    try:
        yield Address(where.host, next(iter(server.sockets)).getsockname()[1])
    finally:
        await _close(server, site)


async def _close(server: Server, site: _Site) -> None:
    if site.desk.playback is not None:
        site.desk.playback.go_on(None)  # closing takes time, which must not stand still
    server.close()
    await server.wait_closed()


class _Site:
    """What all browsers share."""

    def __init__(self, feed: Feed, desk: Desk, where: Address, title: str) -> None:
        self.feed: Final = feed
        self.desk: Final = desk
        self.title: Final = title
        self.clients: set[_Client] = set()
        self._where: Final = where
        self._pages: Final = read_pages()

    def request(self, _connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request over HTTP; None lets a WebSocket begin."""
        host = request.headers.get("Host")
        if not allowed_host(host, self._where.host):
            page = refusal(403, "Forbidden", f"this is not {host}: open the page by its address or as localhost")
        elif request.path == FEED:
            if not same_origin(request.headers.get("Origin"), host):
                page = refusal(403, "Forbidden", "another site's page may not watch this vehicle")
            elif len(self.clients) >= MOST_CLIENTS:
                page = refusal(503, "Service Unavailable", f"{MOST_CLIENTS} pages are open already: close one")
            else:
                return None
        else:
            path = request.path.partition("?")[0]
            page = self._pages.get(path) or refusal(404, "Not Found", "there is nothing here; the page is at /")
        return _response(page)

    async def client(self, connection: ServerConnection) -> None:
        client = _Client(self, connection)
        self.clients.add(client)
        try:
            await client.serve()
        finally:
            self.clients.discard(client)

    def received(self) -> None:
        """Somebody has asked for something: while time stands still, no turn comes by itself to show what came of it."""
        pace = wall_time_loop("a web page").pace
        if isinstance(pace, WallPace) and pace.paused:
            for client in self.clients:
                client.wake.set()


def _response(page: Page) -> Response:
    headers = Headers([("Content-Type", page.kind), ("Content-Length", str(len(page.body))), *HEADERS])
    headers["Connection"] = "close"
    return Response(http.HTTPStatus(page.status).value, page.reason, headers, page.body)


class _Client:
    """The driver of one session."""

    def __init__(self, site: _Site, connection: ServerConnection) -> None:
        self._site = site
        self._connection = connection
        self._session = WebSession(site.feed, site.desk, site.title)
        self._room = asyncio.Event()
        self.wake = asyncio.Event()

    async def serve(self) -> None:
        _give_up_on_the_gone(self._connection)
        tasks = [
            asyncio.create_task(self._send(), name="web page: sending"),
            asyncio.create_task(self._tick(), name="web page: time"),
        ]
        try:
            async for text in self._connection:
                self._session.receive(text)
                self._site.received()
                while self._session.full:
                    self._room.clear()
                    await self._room.wait()
        except ConnectionClosed:
            pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick(self) -> None:
        loop = wall_time_loop("a web page")
        while True:
            await loop.sleep_until(loop.kernel.now + round(PERIOD_NS * loop.pace.speed))
            self.wake.set()

    async def _send(self) -> None:
        """One turn after the other; while the browser does not read, none."""
        try:
            while True:
                for text in self._session.turn():
                    await self._connection.send(text)
                self._room.set()
                await self.wake.wait()
                self.wake.clear()
        except ConnectionClosed:
            self._room.set()


def _give_up_on_the_gone(connection: ServerConnection) -> None:
    raw = connection.transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _GONE_MS)
