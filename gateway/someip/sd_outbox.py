"""Entries on their way: those to one target at one time go in one message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from gateway.ethernet import Endpoint
from gateway.sim import FOREVER
from gateway.someip.sd_message import Entry

ENTRIES: Final = 20
"""Entries in one message, so that it fits a frame with their options."""
WAITING: Final = 4096
"""Entries that may wait; what is more is left out, to be said the next time round."""


class Datagram(NamedTuple):
    """Bytes to be sent."""

    data: bytes
    target: Endpoint


class _Waiting(NamedTuple):
    due: int
    target: Endpoint
    entry: Entry


class Outbox:
    """What is to be said, and when."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def put(self, entry: Entry, target: Endpoint, due: int) -> None:
        item = _Waiting(due, target, entry)
        if len(self._waiting) < WAITING and item not in self._waiting:
            self._waiting.append(item)

    @property
    def due(self) -> int:
        return min((item.due for item in self._waiting), default=FOREVER)

    def take(self, now: int) -> Iterator[tuple[Endpoint, tuple[Entry, ...]]]:
        """The entries whose time has come, by target."""
        ready = [item for item in self._waiting if item.due <= now]
        self._waiting = [item for item in self._waiting if item.due > now]
        groups: dict[Endpoint, list[Entry]] = {}
        for item in ready:
            groups.setdefault(item.target, []).append(item.entry)
        for target, entries in groups.items():
            for start in range(0, len(entries), ENTRIES):
                yield target, tuple(entries[start : start + ENTRIES])
