"""TCP connections of a node: those that were let in, those that it made, and the messages in their bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from gateway.ethernet import Endpoint
from gateway.services.someip.network import ByteStream
from gateway.someip import Message, MessageStream

STREAMS: Final = 1024
"""Connections that may be open at a time."""


class Streams:
    """Open connections by the peer's endpoint. `counts`: what was wrong with them."""

    def __init__(
        self,
        counts: Counter[str],
        receive: Callable[[Message, Endpoint, ByteStream], object],
        closed: Callable[[Endpoint], object],
    ) -> None:
        self._counts = counts
        self._receive = receive
        self._closed = closed
        self._open: dict[Endpoint, ByteStream] = {}

    def add(self, stream: ByteStream) -> None:
        """Take a connection that is open."""
        if len(self._open) >= STREAMS:
            self._counts["TCP connections refused: too many"] += 1
            stream.close()
            return
        remote = stream.remote
        self._open[remote] = stream
        gathered = MessageStream()

        def data(received: bytes) -> None:
            for message in gathered.feed(received):
                self._receive(message, remote, stream)
            if not gathered.in_step:
                self._counts["TCP streams out of step"] += 1
                stream.close()

        def gone() -> None:
            if self._open.get(remote) is stream:
                del self._open[remote]
                self._closed(remote)

        stream.on_data, stream.on_close = data, gone

    def send(self, data: bytes, remote: Endpoint) -> bool:
        """Send bytes; False when there is no such connection or its peer does not take what it gets."""
        stream = self._open.get(remote)
        return stream is not None and stream.send(data)

    def has(self, remote: Endpoint) -> bool:
        return remote in self._open

    def close(self, remote: Endpoint) -> None:
        stream = self._open.get(remote)
        if stream is not None:
            stream.close()

    def close_all(self) -> None:
        for stream in list(self._open.values()):
            stream.close()
        self._open.clear()
