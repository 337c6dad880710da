"""Peer-to-peer D-Bus between controller and agents: listening, dialling, the handshake and the messages.

dbus-fast marshals; the accepting and the authentication are ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Final

from gateway.orchestrator.control import Agent, Controller
from gateway.orchestrator.control.config import PORT
from gateway.orchestrator.control.connection import Connection
from gateway.orchestrator.control.messages import AGENT_NAME, CONTROLLER_NAME, Message
from gateway.orchestrator.dbus.convert import from_dbus, to_dbus
from gateway.orchestrator.dbus.framing import Framing
from gateway.orchestrator.dbus.handshake import ClientHandshake, ServerHandshake
from gateway.orchestrator.errors import OrchestratorError, WrongArgumentError
from gateway.sim import Kernel

_FULL: Final = 16 << 20
"""So many bytes may wait for a peer that does not read; then it is hung up on."""
_REASONS: Final = 1000
"""So many of the latest reasons are kept."""
_GUID: Final = "0123456789abcdef0123456789abcdef"
_HANDSHAKE_NS: Final = 30_000_000_000
Opened = Callable[[Callable[[Message], None], Callable[[], None], str], Connection]
"""Makes the connection's end: from how to send, how to hang up, and the peer's IP address."""


class PeerProtocol(asyncio.Protocol):
    """One end of a connection. `wrong`: told when the other end does not speak D-Bus."""

    def __init__(
        self,
        kernel: Kernel,
        handshake: ServerHandshake | ClientHandshake,
        destination: str,
        opened: Opened,
        wrong: Callable[[str], None],
    ) -> None:
        self._kernel = kernel
        self._handshake = handshake
        self._destination = destination
        self._opened = opened
        self._wrong = wrong
        self._framing = Framing()
        self._transport: asyncio.Transport | None = None
        self._connection: Connection | None = None
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        _keep_alive(transport.get_extra_info("socket"))
        if isinstance(self._handshake, ClientHandshake):
            transport.write(self._handshake.first)
        self._kernel.after(_HANDSHAKE_NS, self._not_yet)

    @property
    def alive(self) -> bool:
        """Connected, whether or not the handshake is done."""
        return self._transport is not None

    def _not_yet(self) -> None:
        if self._connection is None and self._transport is not None:
            self._hang_up()

    def data_received(self, data: bytes) -> None:
        try:
            if self._connection is None:
                data = self._shake(data)
            if self._connection is not None and data:
                for message in self._framing.feed(data):
                    found = from_dbus(message)
                    if found is not None:
                        self._connection.receive(found)
        except OrchestratorError as error:
            self._wrong(f"{self._ip or 'a local peer'}: {error.sentence}")
            self._hang_up()

    def _shake(self, data: bytes) -> bytes:
        """Go on with the handshake; the bytes that came after it."""
        answer = self._handshake.receive(data)
        if answer and self._transport is not None:
            self._transport.write(answer)
        if not self._handshake.done:
            return b""
        self._connection = self._opened(self._send, self._hang_up, self._ip)
        return self._handshake.rest

    @property
    def _ip(self) -> str:
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(name[0]) if isinstance(name, tuple) else ""

    def _send(self, message: Message) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._count += 1
        found = to_dbus(message, self._destination, self._count)
        if found is not None:
            transport.write(found._marshall(False))
            if transport.get_write_buffer_size() > _FULL:
                self._wrong(f"{self._ip or 'a local peer'}: it does not read what it is sent")
                self._hang_up()

    def _hang_up(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if self._connection is not None:
            self._connection.close()


def _keep_alive(link: socket.socket) -> None:
    """As BlueChi's defaults: 1 s idle, 1 s between tries, 6 tries."""
    if link.family in {socket.AF_INET, socket.AF_INET6}:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 6)):
            link.setsockopt(socket.IPPROTO_TCP, option, value)


class PeerServer:
    """Listening for agents. `addresses`: where, as D-Bus addresses; `wrong`: what came that was no D-Bus."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.addresses: list[str] = []
        self.wrong: deque[str] = deque(maxlen=_REASONS)
        self._servers: list[asyncio.Server] = []

    def _protocol(self) -> PeerProtocol:
        controller = self._controller

        def opened(send: Callable[[Message], None], hang_up: Callable[[], None], ip: str) -> Connection:
            return controller.accept(send, hang_up, peer_ip=ip)

        return PeerProtocol(controller.kernel, ServerHandshake(_GUID), AGENT_NAME, opened, self.wrong.append)

    async def listen_tcp(self, host: str, port: int = PORT) -> None:
        """OrchestratorError when the port cannot be had."""
        try:
            server = await asyncio.get_running_loop().create_server(self._protocol, host, port)
        except OSError as error:
            raise OrchestratorError(f"cannot listen for agents at {host}:{port}: {error.strerror}") from None
        self._servers.append(server)
        self.addresses.append(f"tcp:host={host},port={server.sockets[0].getsockname()[1]}")

    async def listen_unix(self, path: Path) -> None:
        """OrchestratorError when the socket cannot be made."""
        try:
            path.unlink(missing_ok=True)  # noqa: ASYNC240 - a local file, at once
            server = await asyncio.get_running_loop().create_unix_server(self._protocol, str(path))
        except OSError as error:
            raise OrchestratorError(f"cannot listen for agents at {path}: {error.strerror}") from None
        self._servers.append(server)
        self.addresses.append(f"unix:path={path}")

    async def listen_on(self, opened: socket.socket) -> None:
        """Take a socket that listens already (socket activation)."""
        loop = asyncio.get_running_loop()
        if opened.family == socket.AF_UNIX:
            self._servers.append(await loop.create_unix_server(self._protocol, sock=opened))
            self.addresses.append(f"unix:path={opened.getsockname()}")
        else:
            self._servers.append(await loop.create_server(self._protocol, sock=opened))
            host, port, *_ = opened.getsockname()
            self.addresses.append(f"tcp:host={host},port={port}")

    async def close(self) -> None:
        for server in self._servers:
            server.close()


@contextlib.asynccontextmanager
async def serve_peers(
    controller: Controller,
    *,
    tcp: tuple[str, int] | None = None,
    unix: Path | None = None,
    inherited: Iterable[socket.socket] = (),
) -> AsyncIterator[PeerServer]:
    """Let agents in by TCP, by a unix socket, by sockets that listen already, side by side, while the context lasts."""
    server = PeerServer(controller)
    try:
        if tcp is not None:
            await server.listen_tcp(*tcp)
        if unix is not None:
            await server.listen_unix(unix)
        for opened in inherited:
            await server.listen_on(opened)
        yield server
    finally:
        controller.stop()
        await server.close()


class AgentDialler:
    """Connects an agent to its controller, and again when the connection is lost. `wrong`: why it could not.

    `told` is called with each reason that is not the one before.
    """

    def __init__(self, agent: Agent, told: Callable[[str], object] | None = None) -> None:
        self._agent = agent
        self._told = told
        self._task: asyncio.Task[None] | None = None
        self._protocol: PeerProtocol | None = None
        self.wrong: deque[str] = deque(maxlen=_REASONS)
        agent.dial = self.dial

    def dial(self) -> None:
        """Connect, unless that is under way: a slow handshake must not lead to a second connection."""
        if self._protocol is not None and self._protocol.alive:
            return
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._dial(), name=f"dial {self._agent.name}")

    async def _dial(self) -> None:
        agent = self._agent
        loop = asyncio.get_running_loop()

        def opened(send: Callable[[Message], None], hang_up: Callable[[], None], ip: str) -> Connection:
            connection = Connection(agent.kernel, agent, send, hang_up, peer_ip=ip)
            loop.call_soon(agent.connected, connection)
            return connection

        def protocol() -> PeerProtocol:
            shake = ClientHandshake(os.getuid())
            self._protocol = PeerProtocol(agent.kernel, shake, CONTROLLER_NAME, opened, self._note)
            return self._protocol

        config = agent.config
        try:
            kind, options = parse_address(config.address or f"tcp:host={config.host},port={config.port}")
            if kind == "tcp":
                await loop.create_connection(protocol, options["host"], int(options["port"]))
            else:
                await loop.create_unix_connection(protocol, options["path"])
        except (OSError, OrchestratorError) as error:
            self._note(str(error))

    def _note(self, reason: str) -> None:
        if self._told is not None and (not self.wrong or self.wrong[-1] != reason):
            self._told(reason)
        self.wrong.append(reason)

    async def close(self) -> None:
        self._agent.dial = None
        self._agent.stop()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


def parse_address(text: str) -> tuple[str, dict[str, str]]:
    """A D-Bus address of kind tcp or unix. WrongArgumentError for others."""
    kind, _, rest = text.partition(":")
    options = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
    if kind == "tcp" and options.get("host") and options.get("port", "").isdigit():
        return kind, options
    if kind == "unix" and options.get("path"):
        return kind, options
    raise WrongArgumentError(f"{text!r} is no address: write tcp:host=10.0.0.1,port=842 or unix:path=/run/bluechi.sock")
