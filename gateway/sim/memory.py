"""Garbage collection while a simulation runs.

What a simulation makes (frames, datapoints, recordings) is freed by reference counting; looking for cycles among it,
over and over, took a fifth of the time. So the collector is off while a kernel runs, and a whole collection is made
now and then, for the cycles that a user's own code may leave.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway.sim.duration import NS_PER_S
from gateway.sim.kernel import Kernel

_LOOK_NS: Final = NS_PER_S // 4
"""Simulated time between looks at the wall clock."""
_EVERY_NS: Final = 20 * NS_PER_S


@contextmanager
def rare_collection(kernel: Kernel) -> Iterator[None]:
    """Inside, garbage is collected once in 20 s of wall time only; what is there already is never looked at again."""
    was_enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    running = True
    collected = time.monotonic_ns()

    def look() -> None:
        nonlocal collected
        if not running:
            return
        if time.monotonic_ns() - collected > _EVERY_NS:
            gc.collect()
            collected = time.monotonic_ns()
        kernel.at(kernel.now + _LOOK_NS, look)

    look()
    try:
        yield
    finally:
        running = False
        gc.unfreeze()
        if was_enabled:
            gc.enable()
