"""A monitor's connections to the vehicle that it shows: snapshots, questions, frames to send."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gateway.can import Frame
from gateway.links.client import Client
from gateway.links.errors import LinkError
from gateway.links.wire import encode_frame
from gateway.ui.errors import UiError
from gateway.ui.feed_about import VehicleAbout
from gateway.ui.feed_rows import Snapshot, Visible
from gateway.ui.feed_wire import STREAM, line_of, of_line

ANSWER_S: Final = 10.0
_LINE_LIMIT: Final = 1 << 24
NAME: Final = "monitor"


def _stream(place: Path, name: str) -> socket.socket:
    """A stream of the vehicle that listens there. LinkError when it has none."""
    client = Client(place, NAME)
    try:
        return client.stream(name)
    except LinkError:
        client.close()
        raise


class VehicleLink:
    """One vehicle by its socket. `about` is there at once, snapshots come with `watch`."""

    def __init__(self, place: Path) -> None:
        """Connect. LinkError when nobody is there; UiError when its answer is none."""
        self.place: Final = place
        self._stream = _stream(place, STREAM)
        self._stream.settimeout(ANSWER_S)
        self._rest = b""
        try:
            self.about: Final = of_line(VehicleAbout, self._first_line())
        except (OSError, ValueError):
            self._stream.close()
            raise UiError(f"{place}: the vehicle does not tell what it is: is it of another version?") from None
        self._writer: asyncio.StreamWriter | None = None
        self._clients: dict[str, Client] = {}

    def _first_line(self) -> bytes:
        data = b""
        while b"\n" not in data:
            piece = self._stream.recv(1 << 16)
            if not piece:
                raise ValueError("closed")
            data += piece
        line, _, self._rest = data.partition(b"\n")
        return line

    async def watch(self, visible: Visible, deliver: Callable[[Snapshot], object]) -> None:
        """Deliver snapshots until the vehicle has gone. UiError for what is no snapshot."""
        self._stream.setblocking(False)
        reader, self._writer = await asyncio.open_connection(sock=self._stream, limit=_LINE_LIMIT)
        self.show(visible)
        *whole, begun = self._rest.split(b"\n")
        try:
            for line in whole:
                deliver(of_line(Snapshot, line))
            while (line := begun + await reader.readline()).endswith(b"\n"):
                deliver(of_line(Snapshot, line))
                begun = b""
        except OSError:
            return
        except ValueError as error:
            raise UiError(f"the vehicle said what is no snapshot: {error}") from None
        finally:
            self._writer.close()

    def show(self, visible: Visible) -> None:
        """What is on the screen from now on."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(line_of(visible))

    def ask(self, question: str) -> list[str]:
        """The lines of an answer, as `gateway explain` gives them; blocking. LinkError, or UiError with its reason."""
        try:
            with _stream(self.place, "explain") as stream, stream.makefile("rwb") as file:
                stream.settimeout(ANSWER_S)
                file.write(question.encode() + b"\n")
                file.flush()
                answer: dict[str, Any] = json.loads(file.readline() or b"{}")
        except (OSError, ValueError):
            raise UiError("the vehicle does not answer") from None
        if "lines" not in answer:
            raise UiError(answer.get("error", "the vehicle does not answer"))
        return [str(each) for each in answer["lines"]]

    def send(self, bus: str, frame: Frame) -> None:
        """Send a frame as a participant of the bus of its own; blocking. LinkError when it cannot be."""
        client = self._clients.get(bus)
        if client is None:
            client = Client(self.place, NAME)
            try:
                client.open(bus, False)
            except LinkError:
                client.close()
                raise
            self._clients[bus] = client
        if not client.send(encode_frame(0, frame), ANSWER_S):
            raise LinkError(f"{bus} did not take the frame")

    def close(self) -> None:
        """End all connections."""
        for client in self._clients.values():
            client.close()
        with contextlib.suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)
        self._stream.close()
