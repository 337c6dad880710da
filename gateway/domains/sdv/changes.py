"""What changes of some signals, as messages that all their readers share: made once, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from gateway.domains.sdv.entry import Aspect, Entry
from gateway.routing import Datapoint, VssSignal
from gateway.sim import Kernel

Key = tuple[Entry, Aspect]
_JOINED: Final = 16
"""Joins that are remembered: readers are seldom further apart."""


class Message(dict[Key, Datapoint]):
    """Values by key. `wire`: what protocols have made of it, so that they do it once; whoever reads changes nothing."""

    __slots__ = ("number", "wire")

    def __init__(self, content: dict[Key, Datapoint] | None = None, number: int = 0) -> None:
        super().__init__(content or {})
        self.number = number
        """Counted where readers share it; 0 for one of a reader's own."""
        self.wire: dict[object, bytes] = {}


Follower = Callable[[Message], None]


class Changes:
    """The changes of `keys`: each time has a message, which its followers get at once and which is filled while the time
    lasts. `close` is called when nobody follows any more."""

    def __init__(self, kernel: Kernel, keys: Sequence[Key], close: Callable[[], object]) -> None:
        self.keys: Final = keys
        self._kernel = kernel
        self._close = close
        self._followers: list[Follower] = []
        self._open: Message | None = None
        self._time_ns: int = -1
        self._count: int = 0
        self._joined: dict[tuple[int, int], Message] = {}
        self._stops = [self._listen(key) for key in keys]

    def all(self) -> Message:
        """All as they are now."""
        return Message({key: key[0].datapoint(key[1]) for key in self.keys})

    def follow(self, follower: Follower) -> None:
        """From the next change on."""
        self.seal()
        self._followers.append(follower)

    def leave(self, follower: Follower) -> None:
        self._followers.remove(follower)
        if not self._followers:
            for stop in self._stops:
                stop()
            self._close()

    def seal(self) -> None:
        """Somebody reads: what changes from now on is another message, even of the same time."""
        self._open = None

    def joined(self, parts: Sequence[Message]) -> Message:
        """Messages one after another, without a signal in common, as one."""
        if len(parts) == 1:
            return parts[0]
        which = parts[0].number, parts[-1].number
        found = self._joined.get(which)
        if found is None:
            found = Message({key: datapoint for part in parts for key, datapoint in part.items()})
            if all(part.number for part in parts):
                if len(self._joined) >= _JOINED:
                    del self._joined[next(iter(self._joined))]
                self._joined[which] = found
        return found

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
        message = self._open
        if message is not None and self._kernel.now == self._time_ns and key not in message:
            message[key] = datapoint
            return
        self._count += 1
        self._time_ns = self._kernel.now
        self._open = message = Message({key: datapoint}, self._count)
        for follower in tuple(self._followers):
            follower(message)
