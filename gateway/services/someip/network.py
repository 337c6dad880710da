"""What a node needs of a network; a host of a simulated segment has it, and so have real sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from gateway.ethernet import Endpoint

Receive = Callable[[bytes, Endpoint, Endpoint], object]
"""Payload, who sent it, and the address that it was sent to."""


class DatagramPort(Protocol):
    """An open UDP port. `send` is false for what could not be sent; `send_all` gives the targets of which that is so."""

    @property
    def local(self) -> Endpoint: ...
    def send(self, payload: bytes, target: Endpoint) -> bool: ...
    def send_all(self, payload: bytes, targets: Sequence[Endpoint]) -> list[Endpoint]: ...
    def join(self, group: str) -> None: ...
    def close(self) -> None: ...


class ByteStream(Protocol):
    """A TCP connection. `on_open` is called when it is there, `on_data` with bytes, `on_close` once when it has gone."""

    on_open: Callable[[], object]
    on_data: Callable[[bytes], object]
    on_close: Callable[[], object]

    @property
    def local(self) -> Endpoint: ...
    @property
    def remote(self) -> Endpoint: ...
    def send(self, data: bytes) -> bool: ...
    def close(self) -> None: ...


class Closable(Protocol):
    """A port that takes connections."""

    def close(self) -> None: ...


class Network(Protocol):
    """Opens ports on one host. GatewayError when a port cannot be had."""

    def open_udp(self, port: int, receive: Receive) -> DatagramPort: ...
    def listen(self, port: int, accept: Callable[[Any], object]) -> Closable: ...
    def connect(self, target: Endpoint) -> ByteStream: ...
