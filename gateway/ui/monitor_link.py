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
from gateway.ui.feed_rows import Part, Snapshot, Visible
from gateway.ui.page_sight import PageSight
from gateway.ui.page_wire import STREAM

ANSWER_S: Final = 10.0
PERIOD_S: Final = 0.1
"""Between two questions: nobody reads numbers that change more often."""
_PIECE: Final = 1 << 18
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
    """One vehicle by its socket. `about` is there at once, snapshots come with `watch`.

    It asks ten times a second what is new, as a web page does: counting and decoding are done on this side.
    """

    def __init__(self, place: Path) -> None:
        """Connect. LinkError when nobody is there; UiError when its answer is none."""
        self.place: Final = place
        self._stream = _stream(place, STREAM)
        self._stream.settimeout(ANSWER_S)
        self._sight: Final = PageSight()
        self._subscription: Final = self._sight.subscribe()
        self._asked: Final = asyncio.Event()
        self._clients: dict[str, Client] = {}
        try:
            while not self._sight.about.name:
                data = self._stream.recv(_PIECE)
                if not data:
                    raise ValueError("closed")
                self._sight.take(data)
        except (OSError, ValueError):
            self._stream.close()
            raise UiError(f"{place}: the vehicle does not tell what it is: is it of another version?") from None
        self.about: Final = self._sight.about

    async def watch(self, visible: Visible, deliver: Callable[[Snapshot], object]) -> None:
        """Deliver snapshots until the vehicle has gone. UiError for what is none."""
        self._stream.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=self._stream, limit=_PIECE)
        self.show(visible)
        loop = asyncio.get_running_loop()
        try:
            while True:
                due = loop.time() + PERIOD_S
                self._asked.clear()
                writer.write(self._sight.request([self._subscription.visible], frozenset(Part)))
                while not self._sight.take(data := await reader.read(_PIECE)):
                    if not data:
                        return
                deliver(self._subscription.snapshot())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._asked.wait()
        except OSError:
            return
        except ValueError as error:
            raise UiError(f"the vehicle said what is no snapshot: {error}") from None
        finally:
            writer.close()

    def show(self, visible: Visible) -> None:
        """What is on the screen from now on."""
        self._subscription.visible = visible
        self._asked.set()

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
