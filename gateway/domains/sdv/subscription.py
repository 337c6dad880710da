"""A subscription: what has changed since its reader took the last message, bounded.

All changes of one time are one message, made once for all readers of the same signals, and what waits goes together as
long as no signal is in it twice. When more messages wait than the reader wished for, the oldest two become one, with the
newer value of each signal: values in between are lost (and counted), the last one of a signal never is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.domains.sdv.changes import Changes, Message
from gateway.sim import Kernel, Timer


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reader wants it. `buffer`: messages that may wait besides the latest; `interval_ns`: at most one value of
    a signal in so long, the last one; `duration_ns`: the subscription ends then. 0: no limit."""

    buffer: int = 0
    interval_ns: int = 0
    duration_ns: int = 0


class Subscription:
    """Give what `take` yields to the reader whenever `on_ready` is called; `close` it at the end.

    The first message has all that was subscribed, whatever its quality.
    """

    def __init__(self, kernel: Kernel, changes: Changes, sampling: Sampling) -> None:
        self.on_ready: Callable[[], object] | None = None
        self.overwritten: int = 0
        """Values that the reader was too slow for."""
        self.closed: bool = False
        self._kernel = kernel
        self._changes: Final = changes
        self._limit = sampling.buffer + 1
        self._interval_ns = sampling.interval_ns
        self._waiting: deque[Message] = deque([changes.all()])
        self._behind: Message | None = None
        """What there was no room for: it goes with the oldest message, where that has nothing newer."""
        self._released_ns = kernel.now
        self._held: Message | None = None
        self._latest: Message | None = None
        self._sample = Timer(kernel, self._release)
        self._end = Timer(kernel, self.close)
        if sampling.duration_ns:
            self._end.set(kernel.now + sampling.duration_ns)
        self._follower = self._hold if self._interval_ns else self._add
        changes.follow(self._follower)

    @property
    def waiting(self) -> int:
        """Messages that can be taken now."""
        return len(self._waiting)

    def take(self) -> Message | None:
        """The oldest message, with those after it that have other signals; None while there is none."""
        waiting = self._waiting
        if not waiting:
            return None
        self._changes.seal()
        first = waiting.popleft()
        if self._behind is not None:
            first = self._merged(self._behind, first)
            self._behind = None
        parts = [first]
        keys = set(first)
        while waiting and keys.isdisjoint(waiting[0]):
            parts.append(waiting.popleft())
            keys.update(parts[-1])
        return self._changes.joined(parts)

    def close(self) -> None:
        """No more messages; the reader is told."""
        if self.closed:
            return
        self.closed = True
        self._changes.leave(self._follower)
        self._sample.cancel()
        self._end.cancel()
        if self.on_ready is not None:
            self.on_ready()

    def _add(self, message: Message) -> None:
        """A message, which may get more changes while its time lasts."""
        self._waiting.append(message)
        if len(self._waiting) > self._limit:
            self._behind = self._merged(self._behind, self._waiting.popleft())
        if self.on_ready is not None:
            self.on_ready()

    def _hold(self, message: Message) -> None:
        """With an interval, messages gather until it has passed."""
        if self._latest is not None:
            self._held = self._merged(self._held, self._latest)
        self._latest = message
        if self._sample.due is None:
            self._sample.set(max(self._kernel.now, self._released_ns + self._interval_ns))

    def _release(self) -> None:
        assert self._latest is not None
        self._changes.seal()
        self._released_ns = self._kernel.now
        held = self._merged(self._held, self._latest)
        self._held = self._latest = None
        self._add(held)

    def _merged(self, older: Message | None, newer: Message) -> Message:
        """Both as one; what the reader does not get is counted."""
        if older is None:
            return newer
        self.overwritten += len(older.keys() & newer.keys())
        return Message({**older, **newer})
