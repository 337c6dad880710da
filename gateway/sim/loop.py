"""asyncio in the kernel's time.

asyncio asks its selector to wait when no callback is ready: that is the place where time passes. In virtual time the
selector runs the kernel to its next event or to the loop's next timer, whichever comes first; in wall time it waits
for sockets no longer than that, and then lets the kernel catch up. Everything built on asyncio (sleep, timeout, queues,
third-party coroutines) follows.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine, Mapping, Sized
from enum import Enum
from typing import Any, Final, Protocol, TypeVar

from gateway.errors import GatewayError
from gateway.sim.duration import NS_PER_S
from gateway.sim.kernel import FOREVER, Kernel

T = TypeVar("T")
_Ready = list[tuple[selectors.SelectorKey, int]]


class Clock(Enum):
    """How time passes: as fast as the work allows, or with the clock on the wall."""

    VIRTUAL = "virtual"
    WALL = "wall"


class DeadlockError(GatewayError):
    """Nothing is scheduled and tasks wait: nothing will ever happen."""

    exit_code = 1


class _Pace(Protocol):
    def time_ns(self) -> int: ...
    def wait(self, selector: selectors.BaseSelector, timeout_ns: int | None, ready: Sized) -> _Ready: ...


class _VirtualPace:
    """Time jumps from event to event."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def time_ns(self) -> int:
        return self._kernel.now

    def wait(self, selector: selectors.BaseSelector, timeout_ns: int | None, ready: Sized) -> _Ready:
        events = selector.select(0)
        if events:
            return events
        kernel = self._kernel
        if timeout_ns is None:
            if kernel.next is None:
                raise DeadlockError(_deadlock())
            kernel.run(FOREVER, ready)
        else:
            kernel.run(kernel.now + timeout_ns, ready)
        return events


class WallPace:
    """Time is the machine's monotonic clock since the start; `latest_ns` is the longest that an event had to wait."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._start = time.monotonic_ns() - kernel.now
        self.latest_ns = 0

    def time_ns(self) -> int:
        return time.monotonic_ns() - self._start

    def wait(self, selector: selectors.BaseSelector, timeout_ns: int | None, ready: Sized) -> _Ready:
        kernel = self._kernel
        due = kernel.next
        now = self.time_ns()
        if due is not None:
            until_due = max(0, due - now)
            timeout_ns = until_due if timeout_ns is None else min(timeout_ns, until_due)
        events = selector.select(None if timeout_ns is None else timeout_ns / NS_PER_S)
        now = self.time_ns()
        due = kernel.next
        if due is not None and now - due > self.latest_ns:
            self.latest_ns = now - due
        # Sockets are served between slices of the kernel's work, even when it has fallen behind.
        kernel.run(now, ready)
        return events


class _Selector(selectors.BaseSelector):
    """The machine's selector, with the waiting done by a pace."""

    def __init__(self, pace: _Pace) -> None:
        self._real = selectors.DefaultSelector()
        self._pace = pace
        self.ready: Sized = ()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.get_key(fileobj)

    def close(self) -> None:
        self._real.close()

    def select(self, timeout: float | None = None) -> _Ready:
        if timeout is None or timeout > 0:
            timeout_ns = None if timeout is None else round(timeout * NS_PER_S)
            return self._pace.wait(self._real, timeout_ns, self.ready)
        return self._real.select(0)


class SimulationLoop(asyncio.SelectorEventLoop):
    """An asyncio loop that shares its time with a kernel."""

    def __init__(self, kernel: Kernel, clock: Clock) -> None:
        self.kernel: Final = kernel
        self.clock: Final = clock
        self.pace: Final[_Pace] = _VirtualPace(kernel) if clock is Clock.VIRTUAL else WallPace(kernel)
        selector = _Selector(self.pace)
        super().__init__(selector)
        selector.ready = self._ready  # type: ignore[attr-defined]  # asyncio's own queue of ready callbacks
        self._clock_resolution = 1 / NS_PER_S

    def time(self) -> float:
        """The kernel's time in seconds."""
        return self.pace.time_ns() / NS_PER_S

    async def sleep_until(self, time_ns: int) -> None:
        """Wait for exactly `time_ns`; `asyncio.sleep` counts in floating seconds and may miss by a nanosecond."""
        future = self.create_future()
        self.kernel.at(time_ns, lambda: None if future.done() else future.set_result(None))
        await future


def run(main: Coroutine[Any, Any, T], kernel: Kernel, clock: Clock) -> T:
    """Run `main` to its end as `asyncio.run` does, in the kernel's time."""
    with asyncio.Runner(loop_factory=lambda: SimulationLoop(kernel, clock)) as runner:
        return runner.run(main)


def _deadlock() -> str:
    waiting = []
    for task in sorted(asyncio.all_tasks(asyncio.get_running_loop()), key=lambda task: task.get_name()):
        frames = task.get_stack(limit=1)
        where = f" at {frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else ""
        waiting.append(f"{task.get_name()}{where}")
    return f"nothing is scheduled, so these tasks would wait for ever: {'; '.join(waiting)}"
