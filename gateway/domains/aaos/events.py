"""A stream of property events, bounded: who does not read gets the newest value of each property."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.domains.aaos.clients import Client
from gateway.domains.aaos.values import Place, PropertyValue

ROOM: Final = 1000
"""Events that may wait for a reader."""


class EventStream:
    """Give what `take` yields to the reader whenever `on_ready` is called; `close` it at the end."""

    def __init__(self, closed: Callable[[EventStream], object], client: Client) -> None:
        self.client: Final = client
        self.on_ready: Callable[[], object] | None = None
        self.overwritten: int = 0
        """Events that the reader was too slow for."""
        self.closed: bool = False
        self._closed = closed
        self._waiting: list[PropertyValue] = []

    @property
    def waiting(self) -> int:
        """Events that can be taken now."""
        return len(self._waiting)

    def add(self, value: PropertyValue) -> None:
        self._waiting.append(value)
        if len(self._waiting) > ROOM:
            newest: dict[Place, PropertyValue] = {}
            for waiting in self._waiting:
                newest.pop(waiting.place, None)
                newest[waiting.place] = waiting
            self.overwritten += len(self._waiting) - len(newest)
            self._waiting = list(newest.values())[-ROOM:]
        if self.on_ready is not None:
            self.on_ready()

    def take(self) -> list[PropertyValue]:
        """All that has come since the last time, in order."""
        taken, self._waiting = self._waiting, []
        return taken

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._closed(self)
            if self.on_ready is not None:
                self.on_ready()
