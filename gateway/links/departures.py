"""What the frames of one read lead to goes out together when they are all done.

A read may bring dozens of frames, and a gateway sends as many. Where system calls are slow, one for all of them and not
one each is the difference between keeping up and not. Frames that are sent at another time do not wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from gateway.sim import SimulationLoop


class Sender(Protocol):
    """A socket with frames that wait for the end of a read."""

    def depart(self) -> None:
        """Send them."""

    def hear(self) -> None:
        """Take what the socket has by now: vcan has the frames back as soon as they are sent."""


class Departures:
    """The sockets of one loop."""

    def __init__(self) -> None:
        self._depth = 0
        self._due: dict[Sender, None] = {}

    @property
    def wait(self) -> bool:
        """A read is going on: what is sent now goes out at its end."""
        return self._depth > 0

    def add(self, sender: Sender) -> None:
        """Let `sender` depart at the end of the read."""
        self._due[sender] = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A read; one that a departure leads to is a part of it."""
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                for sender in self._depart():
                    sender.hear()
        finally:
            if self._depth == 1:
                self._depart()
            self._depth -= 1

    def _depart(self) -> list[Sender]:
        due, self._due = list(self._due), {}
        for sender in due:
            sender.depart()
        return due


_OF_LOOP: Final[WeakKeyDictionary[SimulationLoop, Departures]] = WeakKeyDictionary()


def departures_of(loop: SimulationLoop) -> Departures:
    """Those of a loop, the same for all its sockets."""
    return _OF_LOOP.setdefault(loop, Departures())
