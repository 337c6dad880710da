"""The gateway's way to one bus: what was decided waits here for the gateway's latency, then goes out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.can import Controller
from gateway.sim import Kernel

Departure = Callable[[], object]


class Lane:
    """A bounded queue towards one controller, with the gateway's latency.

    Things leave in the order in which they came. What waits here and what waits in the controller count together.
    """

    def __init__(self, kernel: Kernel, controller: Controller, latency_ns: int, limit: int) -> None:
        self.controller: Final = controller
        self.latency_ns: int = latency_ns
        self.limit: int = limit
        self._kernel = kernel
        self._waiting: deque[Departure] = deque()
        self._next: Final = self._depart

    @property
    def full(self) -> bool:
        return len(self._waiting) + self.controller.queued >= self.limit

    def add(self, departure: Departure) -> None:
        """Let `departure` happen when the latency has passed."""
        self._waiting.append(departure)
        self._kernel.at(self._kernel.now + self.latency_ns, self._next)

    def _depart(self) -> None:
        self._waiting.popleft()()
