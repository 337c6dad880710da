"""VISS over WebSocket (subprotocol VISSv2): the driver of its sessions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Final

from gateway.domains.errors import ServeError, need_extra
from gateway.domains.grpc_server import loop_for
from gateway.domains.sdv.access import Access
from gateway.domains.sdv.broker import Broker
from gateway.domains.sdv.server import SdvOptions
from gateway.domains.sdv.viss import VissSession
from gateway.domains.sdv.viss_history import History
from gateway.domains.sdv.viss_metadata import Transport
from gateway.links.addresses import Address, reason
from gateway.links.wall_time import epoch_ns_of

try:
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed
    from websockets.typing import Subprotocol
except ImportError as error:
    raise need_extra("VISS (--viss)", "sdv", error) from None

SUBPROTOCOL: Final = "VISSv2"
LARGEST: Final = 1 << 20
"""Bytes of a request."""


@contextlib.asynccontextmanager
async def serve_viss(broker: Broker, options: SdvOptions, *, epoch_ns: int | None = None) -> AsyncIterator[Address]:
    """Serve a broker; yields the address. ServeError when it cannot be."""
    loop = loop_for("VISS")
    access = Access.of_file(options.key)
    tls = _tls(options)
    transport = Transport.WS if tls is None else Transport.WSS
    epoch_ns = epoch_ns_of(loop) if epoch_ns is None else epoch_ns

    async def client(connection: ServerConnection) -> None:
        await _serve(connection, VissSession(broker, access, epoch_ns, history, transport))

    history = History(broker.entries.values())
    silent = logging.getLogger("gateway.viss")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    where = options.address
    try:
        server = await serve(
            client,
            where.host,
            where.port,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            select_subprotocol=_subprotocol,
            max_size=LARGEST,
            ssl=tls,
            logger=silent,
        )
    except OSError as error:
        history.close()
        raise ServeError(f"VISS cannot listen at {where}: {reason(error)}") from None
    try:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Address(where.host, port)
    finally:
        history.close()
        server.close()
        await server.wait_closed()


def _subprotocol(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """VISSv2 where it is offered; a client that offers nothing is served as well."""
    return next((one for one in offered if one == SUBPROTOCOL), None)


async def _serve(connection: ServerConnection, session: VissSession) -> None:
    ready = asyncio.Event()
    session.on_ready = ready.set
    sending = asyncio.create_task(_send(connection, session, ready), name="VISS client")
    try:
        async for text in connection:
            session.receive(text)
            if session.over:
                break
    except ConnectionClosed:
        pass
    finally:
        session.close()
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending


async def _send(connection: ServerConnection, session: VissSession, ready: asyncio.Event) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            for text in session.outgoing():
                await connection.send(text)
            ready.clear()
            await ready.wait()


def _tls(options: SdvOptions) -> ssl.SSLContext | None:
    if options.certificate is None or options.private_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.certificate, options.private_key)
    except (OSError, ssl.SSLError) as error:
        raise ServeError(f"is no certificate with its key: {error}", file=str(options.certificate)) from None
    return context
