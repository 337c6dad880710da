"""From a library's threads into the loop: bounded, and one wake-up for many things."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Inlet(Generic[T]):
    """`put` from any thread; `take` is called in the loop with each, in their order. `dropped`: beyond the room."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[T], object], room: int) -> None:
        self.dropped = 0
        self._loop: Final = loop
        self._take: Final = take
        self._room: Final = room
        self._waiting: deque[T] = deque()
        self._lock: Final = threading.Lock()
        self._told = False
        self._closed = False

    def put(self, item: T) -> None:
        """Hand it over; when there is no room, or nobody takes any more, it is dropped."""
        with self._lock:
            if self._closed or len(self._waiting) >= self._room:
                self.dropped += 1
                return
            self._waiting.append(item)
            wake, self._told = not self._told, True
        if wake:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._empty)

    def close(self) -> None:
        """Take nothing more."""
        with self._lock:
            self._closed = True
            self._waiting.clear()

    def _empty(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            self._told = False
        for item in waiting:
            self._take(item)
