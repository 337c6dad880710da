"""A subscription: what has changed since its reader took the last message, bounded.

All changes of one time go into one message, and what waits goes together as long as no signal is in it twice. When
more messages wait than the reader wished for, the oldest two become one, with the newer value of each signal: values
in between are lost (and counted), the last one of a signal never is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.domains.sdv.entry import Aspect, Entry
from gateway.routing import Datapoint, VssSignal
from gateway.sim import Kernel, Timer

Key = tuple[Entry, Aspect]
Message = dict[Key, Datapoint]


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

    def __init__(self, kernel: Kernel, keys: Iterable[Key], sampling: Sampling) -> None:
        self.keys: Final[Sequence[Key]] = tuple(dict.fromkeys(keys))
        self.on_ready: Callable[[], object] | None = None
        self.overwritten: int = 0
        """Values that the reader was too slow for."""
        self.closed: bool = False
        self._kernel = kernel
        self._limit = sampling.buffer + 1
        self._interval_ns = sampling.interval_ns
        self._waiting: deque[Message] = deque([{key: key[0].datapoint(key[1]) for key in self.keys}])
        self._time_ns = kernel.now
        self._held: Message = {}
        self._sample = Timer(kernel, self._release)
        self._end = Timer(kernel, self.close)
        if sampling.duration_ns:
            self._end.set(kernel.now + sampling.duration_ns)
        self._stops = [self._listen(key) for key in self.keys]

    @property
    def waiting(self) -> int:
        """Messages that can be taken now."""
        return len(self._waiting)

    def take(self) -> Message | None:
        """The oldest message, with those after it that have other signals; None while there is none."""
        waiting = self._waiting
        if not waiting:
            return None
        message = waiting.popleft()
        while waiting and message.keys().isdisjoint(waiting[0]):
            message |= waiting.popleft()
        return message

    def close(self) -> None:
        """No more messages; the reader is told."""
        if self.closed:
            return
        self.closed = True
        for stop in self._stops:
            stop()
        self._sample.cancel()
        self._end.cancel()
        if self.on_ready is not None:
            self.on_ready()

    def _listen(self, key: Key) -> Callable[[], None]:
        entry, aspect = key
        if aspect is Aspect.VALUE:
            return entry.signal.listen(partial(self._changed, key))
        entry.watch_target()
        return entry.signal.listen_target(partial(self._target_changed, key))

    def _changed(self, key: Key, signal: VssSignal) -> None:
        self._add(key, signal.datapoint)

    def _target_changed(self, key: Key, signal: VssSignal) -> None:
        self._add(key, signal.target)

    def _add(self, key: Key, datapoint: Datapoint) -> None:
        if self._interval_ns:
            self.overwritten += key in self._held
            self._held[key] = datapoint
            if self._sample.due is None:
                self._sample.set(max(self._kernel.now, self._time_ns + self._interval_ns))
            return
        now = self._kernel.now
        waiting = self._waiting
        if waiting and now == self._time_ns and key not in waiting[-1]:
            waiting[-1][key] = datapoint
        else:
            self._time_ns = now
            self._append({key: datapoint})
        if self.on_ready is not None:
            self.on_ready()

    def _release(self) -> None:
        """Hand over what has gathered within an interval."""
        self._time_ns = self._kernel.now
        held, self._held = self._held, {}
        self._append(held)
        if self.on_ready is not None:
            self.on_ready()

    def _append(self, message: Message) -> None:
        waiting = self._waiting
        waiting.append(message)
        if len(waiting) > self._limit:
            oldest = waiting.popleft()
            newer = waiting[0]
            self.overwritten += len(oldest.keys() & newer.keys())
            for key, datapoint in oldest.items():
                newer.setdefault(key, datapoint)
