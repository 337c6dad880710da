"""A small HTTP server for one document that is made when it is asked for: metrics, as Prometheus scrapes them.

Only GET of one path, on connections of bounded number, size and time. Knows no vehicle.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

from gateway.links.addresses import Address, reason
from gateway.services.errors import ServiceError

PATH: Final = "/metrics"
HEAD_MAX: Final = 16_384
HEAD_S: Final = 10.0
"""A client has so long for the head of its request."""
CONNECTIONS: Final = 32


class Document(NamedTuple):
    """What a scrape is answered with."""

    content_type: str
    body: bytes


Make = Callable[[str], Document]
"""The document for the `Accept` header of a request."""


@contextlib.asynccontextmanager
async def serve_metrics_at(where: Address, make: Make) -> AsyncIterator[Address]:
    """Serve; yields the address. ServiceError when it cannot be had."""
    server = _Server(make)
    try:
        listening = await asyncio.start_server(server.talk, where.host, where.port, limit=HEAD_MAX)
    except OSError as error:
        raise ServiceError(f"metrics cannot be served at {where}: {reason(error).lower()}") from None
    host, port = listening.sockets[0].getsockname()[:2]
    try:
        yield Address(host, port)
    finally:
        listening.close()
        for task in tuple(server.tasks):
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)


class _Server:
    def __init__(self, make: Make) -> None:
        self._make = make
        self.tasks: set[asyncio.Task[None]] = set()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            if len(self.tasks) > CONNECTIONS:
                writer.write(_answer("503 Service Unavailable", Document("text/plain", b"too many clients\n")))
            else:
                async with asyncio.timeout(HEAD_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answered(head))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # nobody there, or no HTTP: there is nothing to answer
        finally:
            self.tasks.discard(task)
            writer.close()

    def _answered(self, head: bytes) -> bytes:
        line, *rest = head.decode("latin-1").split("\r\n")
        method, _, target = line.partition(" ")
        path = target.split(" ")[0].partition("?")[0]
        if method not in {"GET", "HEAD"}:
            return _answer("405 Method Not Allowed", Document("text/plain", b"GET only\n"))
        if path != PATH:
            return _answer("404 Not Found", Document("text/plain", f"metrics are at {PATH}\n".encode()))
        accept = next((value for name, value in map(_header, rest) if name == "accept"), "")
        answer = _answer("200 OK", self._make(accept))
        return answer if method == "GET" else answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _answer(status: str, document: Document) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {document.content_type}\r\n"
        f"Content-Length: {len(document.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + document.body
