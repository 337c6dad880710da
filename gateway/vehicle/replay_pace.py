"""A kernel whose time goes faster or slower than the clock on the wall."""

from __future__ import annotations

from collections.abc import Sized

from gateway.sim import FOREVER, Callback, Kernel


class ScaledKernel(Kernel):
    """Stands between a clock and a kernel: a second of the clock is `speed` seconds of the kernel.

    `latest_ns` of the clock then is in its own time, of the wall. Coroutines that sleep by themselves sleep in the
    clock's time too, so this is for vehicles without any.
    """

    def __init__(self, kernel: Kernel, speed: float) -> None:
        super().__init__()
        self._kernel = kernel
        self._speed = speed

    def at(self, time_ns: int, callback: Callback) -> None:
        self._kernel.at(round(time_ns * self._speed), callback)

    @property
    def next(self) -> int | None:
        due = self._kernel.next
        return None if due is None else round(due / self._speed)

    def run(self, until_ns: int, stop: Sized = ()) -> bool:
        # One more than rounding gives, so that an event is never announced for a time that does not reach it.
        until = FOREVER if until_ns == FOREVER else round((until_ns + 1) * self._speed)
        stopped = self._kernel.run(until, stop)
        self.now = max(self.now, round(self._kernel.now / self._speed))
        return stopped
