"""When something was heard last, and that it has not been heard for too long.

A deadline that moves with each frame would cost an event of the kernel each timeout, for each signal. So the deadline
is looked at only when it is due, and what one message keeps alive waits together: a signal that the message's last
frame has kept alive is handed to the message's `Watch`, which has one timer for all. As soon as that finds no newer
frame, it hands all of them back in that same moment, and each looks for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.sim import Kernel, Timer


class Expiry:
    """Calls `expired` when `heard_ns` was `timeout_ns` ago.

    `watch` tells who can look after it while one message alone keeps it alive. When that ends, say so by `alone`.
    """

    def __init__(self, kernel: Kernel, heard_ns: Callable[[], int], expired: Callable[[], object]) -> None:
        self.timeout_ns: int = 0
        self.watch: Callable[[], Watch | None] = _nobody
        self._kernel = kernel
        self._heard_ns: Final = heard_ns
        self._expired: Final = expired
        self._timer: Final = Timer(kernel, self.look)
        self._watched_by: Watch | None = None

    def begin(self) -> None:
        """From now on: it has just been heard, or its timeout is another one."""
        self.end()
        self._timer.set(self._heard_ns() + self.timeout_ns)

    def end(self) -> None:
        """Until `begin`, nothing expires."""
        self._timer.cancel()
        self._leave()

    def look(self) -> None:
        """Expire, or wait for the moment at which that can be so."""
        self._watched_by = None
        heard_ns = self._heard_ns()
        due_ns = heard_ns + self.timeout_ns
        if due_ns <= self._kernel.now:
            self._expired()
            return
        watch = self.watch()
        if watch is not None and watch.takes(self, heard_ns):
            self._watched_by = watch
        else:
            self._timer.set(due_ns)

    def alone(self) -> None:
        """What the message brings does not keep it alive any more."""
        if self._watched_by is not None:
            self.begin()

    def _leave(self) -> None:
        if self._watched_by is not None:
            self._watched_by.loses(self)
            self._watched_by = None


def _nobody() -> None:
    return None


class Watch:
    """One timer for all that a message keeps alive, with one timeout; `heard_ns` tells when the message came last."""

    def __init__(self, kernel: Kernel, timeout_ns: int, heard_ns: Callable[[], int]) -> None:
        self._kernel = kernel
        self._timeout_ns: Final = timeout_ns
        self._heard_ns: Final = heard_ns
        self._watched: list[Expiry] = []
        self._timer: Final = Timer(kernel, self._look)

    def takes(self, expiry: Expiry, heard_ns: int) -> bool:
        """Whether it is this message's last frame that keeps it alive; then it is looked after from now on."""
        if heard_ns != self._heard_ns() or expiry.timeout_ns != self._timeout_ns:
            return False
        self._watched.append(expiry)
        self._timer.set(heard_ns + self._timeout_ns)
        return True

    def loses(self, expiry: Expiry) -> None:
        self._watched.remove(expiry)

    def _look(self) -> None:
        if not self._watched:
            return
        due_ns = self._heard_ns() + self._timeout_ns
        if due_ns > self._kernel.now:
            self._timer.set(due_ns)
            return
        # Who is told of one that has expired may end another, or let a frame come, which takes those back that follow.
        for _ in range(len(self._watched)):
            if self._watched:
                self._watched.pop(0).look()
