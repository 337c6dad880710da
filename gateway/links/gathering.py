"""Several frames in one datagram: sent when it is full, when the first of them has waited long enough, or at once.

Knows no clock: time goes in, and `deadline` says when to call `due`.
"""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Gathered(NamedTuple, Generic[T]):
    """What goes into one datagram: the parts, and what each was made of."""

    parts: list[bytes]
    items: list[T]


class Gathering(Generic[T]):
    """`size`: bytes that fill a datagram; `wait_ns`: how long the first part waits for others, 0 for not at all."""

    def __init__(self, size: int, wait_ns: int) -> None:
        self.deadline: int | None = None
        self._size: Final = size
        self._wait_ns: Final = wait_ns
        self._parts: list[bytes] = []
        self._items: list[T] = []
        self._bytes = 0

    def add(self, part: bytes, item: T, now: int, *, urgent: bool = False) -> list[Gathered[T]]:
        """One more; the datagrams that are to be sent now. What is urgent takes along all that waits."""
        ready = []
        if self._parts and self._bytes + len(part) > self._size:
            ready.append(self.take())
        self._parts.append(part)
        self._items.append(item)
        self._bytes += len(part)
        if urgent or not self._wait_ns or self._bytes >= self._size:
            ready.append(self.take())
        elif self.deadline is None:
            self.deadline = now + self._wait_ns
        return ready

    def due(self, now: int) -> list[Gathered[T]]:
        """The datagram whose time has come, if it has."""
        if self.deadline is None or now < self.deadline:
            return []
        return [self.take()]

    def take(self) -> Gathered[T]:
        """All that waits, as one datagram."""
        gathered = Gathered(self._parts, self._items)
        self._parts, self._items, self._bytes, self.deadline = [], [], 0, None
        return gathered
