"""What the runner does with signals while a command runs."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

GRACE_S = 5.0
"""How long a command may take to end after it was asked to."""

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@contextlib.contextmanager
def handled(
    handler: Callable[[int, FrameType | None], None], numbers: tuple[signal.Signals, ...] = FORWARDED
) -> Iterator[None]:
    """Has these signals handled by `handler`; outside the main thread, where Python allows none, does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
