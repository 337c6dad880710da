"""asyncio in the kernel's time.

asyncio asks its selector to wait when no callback is ready: that is the place where time passes. In virtual time the
selector runs the kernel to its next event or to the loop's next timer, whichever comes first; in wall time it waits
for sockets no longer than that, and then lets the kernel catch up. Everything built on asyncio (sleep, timeout, queues,
third-party coroutines) follows.

The world outside does not follow virtual time. Work in a thread (`asyncio.to_thread`) takes none: time stands still
until it has answered. A socket is heard when nothing else is ready, whatever the time has become by then; where a
socket matters, wall time is the clock to take.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sized
from concurrent.futures import Executor
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final, Protocol, TypeVar, TypeVarTuple, Unpack

from gateway.errors import GatewayError
from gateway.sim.duration import NS_PER_S
from gateway.sim.kernel import FOREVER, Kernel

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_Ready = list[tuple[selectors.SelectorKey, int]]
_SELECT_LIMIT: Final = 1024
"""Descriptors that select can wait for."""
SLICE_NS: Final = 1_000_000
"""A kernel that is later than this is behind the wall: it catches up in slices of so much, or more at high speed."""
_SHARE: Final = 128
"""A slice is at least this part of how far the kernel is behind, so that it catches up whatever a slice costs."""
_FINE_UNTIL_S: Final = 1 << 22
"""Up to here (48 days) seconds in a float tell nanoseconds apart."""


class Clock(Enum):
    """How time passes: as fast as the work allows, or with the clock on the wall."""

    VIRTUAL = "virtual"
    WALL = "wall"


class DeadlockError(GatewayError):
    """Nothing is scheduled and tasks wait: nothing will ever happen."""

    exit_code = 1


def wall_clock_ns() -> int:
    """The machine's monotonic clock, for measuring how long something took. Never part of a simulation."""
    return time.monotonic_ns()


def calendar_ns() -> int:
    """Nanoseconds since 1970, to say to those outside when a run began. Never part of a simulation."""
    return time.time_ns()


class _Pace(Protocol):
    threads: int
    """Calls in threads that the loop waits for."""
    speed: float
    """Of time against the wall's; 0 where they have nothing to do with each other."""

    def time_ns(self) -> int: ...
    def turn_ns(self) -> int: ...
    def poll(self, selector: selectors.BaseSelector, ready: Sized) -> _Ready: ...
    def wait(self, selector: selectors.BaseSelector, timeout_ns: int | None, ready: Sized) -> _Ready: ...


class _VirtualPace:
    """Time jumps from event to event."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.threads = 0
        self.speed = 0.0

    def time_ns(self) -> int:
        return self._kernel.now

    def turn_ns(self) -> int:
        return self._kernel.now

    def poll(self, selector: selectors.BaseSelector, ready: Sized) -> _Ready:
        return selector.select(0)

    def wait(self, selector: selectors.BaseSelector, timeout_ns: int | None, ready: Sized) -> _Ready:
        events = selector.select(None if self.threads else 0)
        if events or self.threads:
            return events
        kernel = self._kernel
        if timeout_ns is None:
            if kernel.next is None:
                if len(selector.get_map()) > 1:  # more than the loop's own pipe: somebody outside may write
                    return selector.select(None)
                raise DeadlockError(_deadlock())
            kernel.run(FOREVER, ready)
        else:
            kernel.run(kernel.now + timeout_ns, ready)
        return events


class WallPace:
    """Time is the machine's monotonic clock since the start, `speed` times as fast.

    `latest_ns` is the longest that an event had to wait, in time of the wall. `longest_slice_ns` is how far a kernel that
    has fallen behind goes at most before sockets are served again: short where that counts more than to catch up.

    The loop reads the clock as seldom as it can, because that may be a system call: all callbacks of one turn have the
    time at which the turn began (`turn_ns`).
    """

    def __init__(self, kernel: Kernel, speed: float = 1.0) -> None:
        self._kernel = kernel
        self.speed = speed
        self._start = time.monotonic_ns() - round(kernel.now / speed)
        self._turn = kernel.now
        self._held: int | None = None
        self._catching_up = False
        self.latest_ns = 0
        self.longest_slice_ns: int = FOREVER
        self.threads = 0

    @property
    def paused(self) -> bool:
        """Time stands still: sockets are heard, and nothing else happens."""
        return self._held is not None

    def pause(self) -> None:
        if self._held is None:
            self._held = self._turn

    def go_on(self, speed: float | None = None) -> None:
        """Let time pass again from where it stands, or with another speed from now on."""
        now = self.time_ns() if self._held is None else self._held
        self._held = None
        self.speed = speed or self.speed
        self._start = time.monotonic_ns() - round(now / self.speed)

    def skip(self, time_ns: int) -> None:
        """Let all that is to happen in the next `time_ns` happen now. To be called from a socket's or a task's turn."""
        until = max(self._turn, self._kernel.now) + time_ns
        self._kernel.run(until)
        self._turn = until
        if self._held is None:
            self._start = time.monotonic_ns() - round(until / self.speed)
        else:
            self._held = until

    def time_ns(self) -> int:
        if self._held is not None:
            return self._held
        elapsed = time.monotonic_ns() - self._start
        return elapsed if self.speed == 1 else int(elapsed * self.speed)

    def turn_ns(self) -> int:
        return self._turn

    def poll(self, selector: selectors.BaseSelector, ready: Sized) -> _Ready:
        # Tasks that are always ready must not keep the kernel's events from their time.
        return self.wait(selector, 0, ready)

    def wait(self, selector: selectors.BaseSelector, timeout_ns: int | None, ready: Sized) -> _Ready:
        if self._held is not None:
            return selector.select(0 if timeout_ns == 0 else None)
        kernel = self._kernel
        due = kernel.next
        until = None if timeout_ns is None else self._turn + timeout_ns
        if due is not None and (until is None or due < until):
            until = due
        if until is not None:
            timeout_ns = max(0, until - self.time_ns()) if timeout_ns != 0 else 0
        events = selector.select(None if timeout_ns is None else timeout_ns / (NS_PER_S * self.speed))
        now = self.time_ns()
        due = kernel.next
        if due is not None and due <= now:
            self.latest_ns = max(self.latest_ns, round((now - due) / self.speed))
            now = self._next_slice(due, now, events)
        self._turn = max(self._turn, now)
        while due is not None and due <= now:
            if kernel.run(due, ready):
                return events
            due = kernel.next
        kernel.run(now)
        return events

    def _next_slice(self, due: int, now: int, events: _Ready) -> int:
        """How far the kernel may go before sockets are served again.

        To `now` as long as it keeps up. One that has fallen behind (the machine did something else) first hears what
        has come meanwhile, and then catches up in slices: so what it sends to a socket and what comes of it stay as
        close together in its time as they would have been.
        """
        behind = now - due
        slice_ns = min(max(SLICE_NS, int(SLICE_NS * self.speed), behind // _SHARE), self.longest_slice_ns)
        if behind <= slice_ns:
            self._catching_up = False
            return now
        if events and not self._catching_up:
            slice_ns = -1
        self._catching_up = True
        return max(self._kernel.now, min(now, due + slice_ns))


class _Selector(selectors.BaseSelector):
    """The machine's selector, with the waiting done by a pace."""

    def __init__(self, pace: _Pace) -> None:
        # select waits to the microsecond, epoll to the millisecond; virtual time does not wait, and epoll scales.
        self._real = selectors.SelectSelector() if isinstance(pace, WallPace) else selectors.DefaultSelector()
        self._pace = pace
        self.ready: Sized = ()

    def _scale_up(self) -> None:
        """Go over to what has no limit of descriptors."""
        few, self._real = self._real, selectors.DefaultSelector()
        for key in few.get_map().values():
            self._real.register(key.fileobj, key.events, key.data)
        few.close()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        descriptor = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if descriptor >= _SELECT_LIMIT and isinstance(self._real, selectors.SelectSelector):
            self._scale_up()
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
        try:
            if timeout is None or timeout > 0:
                timeout_ns = None if timeout is None else round(timeout * NS_PER_S)
                return self._pace.wait(self._real, timeout_ns, self.ready)
            return self._pace.poll(self._real, self.ready)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            self._forget_closed()
            return []

    def _forget_closed(self) -> None:
        """Somebody's library has closed a socket that it still waits for: epoll forgets such a one, select raises."""
        for key in list(self._real.get_map().values()):
            try:
                os.fstat(key.fd)
            except OSError:
                self._real.unregister(key.fileobj)


class SimulationLoop(asyncio.SelectorEventLoop):
    """An asyncio loop that shares its time with a kernel."""

    def __init__(self, kernel: Kernel, clock: Clock, speed: float = 1.0) -> None:
        self.kernel: Final = kernel
        self.clock: Final = clock
        self.pace: Final[_Pace] = _VirtualPace(kernel) if clock is Clock.VIRTUAL else WallPace(kernel, speed)
        selector = _Selector(self.pace)
        super().__init__(selector)
        selector.ready = self._ready  # type: ignore[attr-defined]  # asyncio's own queue of ready callbacks

    def time(self) -> float:
        """The kernel's time in seconds, as of the beginning of this turn of the loop."""
        return self.pace.turn_ns() / NS_PER_S

    @property
    def _clock_resolution(self) -> float:
        """How far ahead of a timer asyncio lets it ring: a nanosecond, or what a float can tell apart after months."""
        now = self.time()
        return 1 / NS_PER_S if now < _FINE_UNTIL_S else math.ulp(now)

    @_clock_resolution.setter
    def _clock_resolution(self, resolution: float) -> None:
        """asyncio sets its own clock's."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """As asyncio's; in virtual time, time stands still until the call has answered."""
        answer = super().run_in_executor(executor, func, *args)
        self.pace.threads += 1
        answer.add_done_callback(self._answered)
        return answer

    def _answered(self, _answer: asyncio.Future[Any]) -> None:
        self.pace.threads -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """As asyncio's; waits for the threads without a limit, because virtual time would pass it at once."""
        self.pace.threads += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self.pace.threads -= 1

    async def sleep_until(self, time_ns: int) -> None:
        """Wait for exactly `time_ns`; `asyncio.sleep` counts in floating seconds and may miss by a nanosecond."""
        future = self.create_future()
        self.kernel.at(time_ns, lambda: None if future.done() else future.set_result(None))
        await future


def run(main: Coroutine[Any, Any, T], kernel: Kernel, clock: Clock, speed: float = 1.0) -> T:
    """Run `main` to its end as `asyncio.run` does, in the kernel's time. `speed`: of wall time.

    SIGTERM cancels `main` as Ctrl-C does, so that a container that is stopped ends its recordings too.
    """
    stop: list[Callable[[], object]] = []

    async def stoppable() -> T:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(task.cancel))
        return await main

    with (
        _terminated_like_interrupted(stop),
        asyncio.Runner(loop_factory=lambda: SimulationLoop(kernel, clock, speed)) as runner,
    ):
        try:
            return runner.run(stoppable())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


@contextmanager
def _terminated_like_interrupted(stop: list[Callable[[], object]]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminated(*_: object) -> None:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.raise_signal(signal.SIGINT)
            return
        # A shell starts background commands with SIGINT ignored, and asyncio leaves that as it is.
        for each in stop:
            each()

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _deadlock() -> str:
    waiting = []
    for task in sorted(asyncio.all_tasks(asyncio.get_running_loop()), key=lambda task: task.get_name()):
        frames = task.get_stack(limit=1)
        where = f" at {frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else ""
        waiting.append(f"{task.get_name()}{where}")
    return f"nothing is scheduled, so these tasks would wait for ever: {'; '.join(waiting)}"
