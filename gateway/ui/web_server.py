"""The web page of a vehicle: one port for the page's files and for the WebSocket that feeds it.

Runs in a process of its own: thirty times a second it asks the vehicle what is new, over a socket pair, and gives each
browser what that has on its screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import socket
from collections.abc import Sequence
from typing import Final

from gateway.ui.errors import UiError
from gateway.ui.feed_rows import Part, Visible
from gateway.ui.page_sight import SLOWLY, VALUES, PageSight
from gateway.ui.web_pages import FEED, HEADERS, Page, allowed_host, read_pages, refusal, same_origin
from gateway.ui.web_session import STORIES_EVERY, TABLES_EVERY, WebSession

try:
    from websockets.asyncio.server import Server, ServerConnection, serve
    from websockets.datastructures import Headers
    from websockets.exceptions import ConnectionClosed
    from websockets.http11 import Request, Response
except ImportError as error:
    raise UiError(f"the web page (--web) needs {error.name}: pip install 'vehicle-gateway[web]'") from None

PERIOD_S: Final = 1 / 30
LARGEST: Final = 1 << 18
"""Bytes of a browser's message."""
MOST_CLIENTS: Final = 16
_CLOSING_S: Final = 0.5
_GONE_MS: Final = 20_000
"""A browser that does not acknowledge what is sent to it for so long is gone (TCP_USER_TIMEOUT, RFC 5482)."""
_PIECE: Final = 1 << 18
_LATE_S: Final = 0.1
"""Questions that are late by no more than this are caught up with, so that there are thirty a second all the same."""


async def serve_page(vehicle: socket.socket, listening: Sequence[socket.socket], host: str) -> None:
    """Serve until the vehicle has closed its end of `vehicle`. `host`: the name that was asked for.

    ValueError when the vehicle says what is no answer.
    """
    vehicle.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=vehicle, limit=_PIECE)
    site = _Site(host)
    if not await _answer(site, reader, writer):
        return
    async with contextlib.AsyncExitStack() as servers:
        for each in listening:
            await servers.enter_async_context(await _server(site, each))
        with contextlib.suppress(OSError):  # the vehicle has gone
            await _ask(site, reader, writer)
    writer.close()


async def _server(site: _Site, listening: socket.socket) -> Server:
    silent = logging.getLogger("gateway.web")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    return await serve(
        site.client,
        sock=listening,
        process_request=site.request,
        compression=None,
        max_size=LARGEST,
        max_queue=4,
        ping_interval=None,
        close_timeout=_CLOSING_S,
        server_header=None,
        logger=silent,
    )


async def _ask(site: _Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One question after the other, thirty times a second, or at once when a browser has asked for something."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while await _answer(site, reader, writer):
        site.tell()
        due = max(due + site.turns() * PERIOD_S, loop.time() - _LATE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await site.asked.wait()


async def _answer(site: _Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Ask, and take the answer; False when the vehicle has gone."""
    writer.write(site.request_now())
    answered = 0
    while not answered:
        data = await reader.read(_PIECE)
        if not data:
            return False
        answered = site.sight.take(data)
    return True


class _Site:
    """What all browsers share."""

    def __init__(self, host: str) -> None:
        self.sight: Final = PageSight()
        self.clients: Final[set[_Client]] = set()
        self.asked: Final = asyncio.Event()
        """A browser has asked for something that need not wait for its turn."""
        self._host: Final = host
        self._pages: Final = read_pages()
        self.turn = 0
        self._next = 0

    def request(self, _connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request over HTTP; None lets a WebSocket begin."""
        host = request.headers.get("Host")
        if not allowed_host(host, self._host):
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

    def request_now(self) -> bytes:
        """What to ask the vehicle: tables now and then, plotted values always."""
        parts = VALUES
        self.turn = self._next
        if self.asked.is_set() or self.turn % TABLES_EVERY == 0:
            parts = frozenset(Part)
            if not self.asked.is_set() and self.turn % STORIES_EVERY:
                parts -= SLOWLY
        self.asked.clear()
        return self.sight.request(map(_shown, self.clients), parts)

    def turns(self) -> int:
        """How many turns it is to the next question: one while somebody plots, else tables are enough."""
        shown = [client.session.shown for client in self.clients]
        turns = 1 if any(each.decoded or each.paths for each in shown) else TABLES_EVERY - self.turn % TABLES_EVERY
        self._next = self.turn + turns
        return turns

    def tell(self) -> None:
        for client in self.clients:
            client.wake.set()


def _response(page: Page) -> Response:
    headers = Headers([("Content-Type", page.kind), ("Content-Length", str(len(page.body))), *HEADERS])
    headers["Connection"] = "close"
    return Response(http.HTTPStatus(page.status).value, page.reason, headers, page.body)


class _Client:
    """The driver of one session."""

    def __init__(self, site: _Site, connection: ServerConnection) -> None:
        self.session: Final = WebSession(site.sight)
        self.wake: Final = asyncio.Event()
        self._site = site
        self._connection = connection
        self._room = asyncio.Event()

    async def serve(self) -> None:
        _give_up_on_the_gone(self._connection)
        sending = asyncio.create_task(self._send(), name="web page: sending")
        try:
            async for text in self._connection:
                self.session.receive(text)
                self._site.asked.set()
                while self.session.full:
                    self._room.clear()
                    await self._room.wait()
        except ConnectionClosed:
            pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self) -> None:
        """One turn after the other; while the browser does not read, none."""
        try:
            while True:
                for text in self.session.turn(self._site.turn):
                    await self._connection.send(text)
                self._room.set()
                await self.wake.wait()
                self.wake.clear()
        except ConnectionClosed:
            self._room.set()


def _shown(client: _Client) -> Visible:
    return client.session.shown


def _give_up_on_the_gone(connection: ServerConnection) -> None:
    raw = connection.transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _GONE_MS)
