"""Whether a service is started again by itself, and how often in an interval it may be started (systemd.service(5))."""

from __future__ import annotations

from collections import deque
from typing import Final

from gateway.orchestrator.engine.program import Exit
from gateway.orchestrator.units import Restart, ServiceSpec

SIGABRT: Final = 6
_DIRTY: Final = frozenset({"exit-code", "signal", "core-dump", "timeout", "protocol", "resources"})
_ABNORMAL: Final = frozenset({"signal", "core-dump", "timeout", "watchdog"})


class StartLimit:
    """StartLimitIntervalSec= and StartLimitBurst=."""

    def __init__(self) -> None:
        self._starts: deque[int] = deque()

    def allows(self, spec: ServiceSpec, now: int) -> bool:
        """Whether one more start may be now; it is counted then."""
        if spec.start_limit_interval_ns <= 0 or spec.start_limit_burst <= 0:
            return True
        while self._starts and self._starts[0] <= now - spec.start_limit_interval_ns:
            self._starts.popleft()
        if len(self._starts) >= spec.start_limit_burst:
            return False
        self._starts.append(now)
        return True

    def forget(self) -> None:
        """As after reset-failed."""
        self._starts.clear()


def restarts(how: Restart, result: str) -> bool:
    """Restart=: whether a service with this result is started again."""
    return (
        how is Restart.ALWAYS
        or (how is Restart.ON_SUCCESS and result == "success")
        or (how is Restart.ON_FAILURE and result in {*_DIRTY, "watchdog"})
        or (how is Restart.ON_ABNORMAL and result in _ABNORMAL)
        or (how is Restart.ON_ABORT and result in {"signal", "core-dump"})
        or (how is Restart.ON_WATCHDOG and result == "watchdog")
    )


def result_of(end: Exit) -> str:
    """The result of a service whose program ended so."""
    if end.clean:
        return "success"
    if end.signal is None:
        return "exit-code"
    return "core-dump" if end.signal == SIGABRT else "signal"
