"""The gateway's way to one bus: what was decided waits here for the gateway's latency, then goes out in order."""

from __future__ import annotations

from collections import deque
from typing import Final

from gateway.can import Controller, Frame
from gateway.routing.journey import Journey
from gateway.sim import Kernel


class Carrier:
    """What takes a journey on when it has waited: a route."""

    def depart(self, carried: Frame | int | float, journey: Journey) -> None:
        raise NotImplementedError


class Lane:
    """A bounded queue towards one controller, with the gateway's latency.

    Things leave in the order in which they came. What waits here and what waits in the controller count together.
    """

    def __init__(self, kernel: Kernel, controller: Controller, latency_ns: int, limit: int) -> None:
        self.controller: Final = controller
        self.latency_ns: int = latency_ns
        self.limit: int = limit
        self._kernel = kernel
        self._waiting: deque[tuple[Carrier, Frame | int | float, Journey]] = deque()
        self._next: Final = self._depart

    @property
    def full(self) -> bool:
        return len(self._waiting) + self.controller.queued >= self.limit

    def add(self, carrier: Carrier, carried: Frame | int | float, journey: Journey) -> None:
        """Let `carrier` take it on when the latency has passed."""
        self._waiting.append((carrier, carried, journey))
        self._kernel.at(self._kernel.now + self.latency_ns, self._next)

    def _depart(self) -> None:
        carrier, carried, journey = self._waiting.popleft()
        carrier.depart(carried, journey)
