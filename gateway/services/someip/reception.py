"""One consumed event as it comes: checked end to end where it is protected, and not fresh when it stays away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.routing.rules import TIMEOUT_CYCLES
from gateway.services.someip.definition import EventDefinition
from gateway.services.someip.protection import EventCheck
from gateway.sim import Kernel, Timer
from gateway.someip import Message


class Reception:
    """Between a service's appearing and its going. `refused` is called with the reason for a message that is not taken.

    With a cycle, its signals are stale after three cycles without an event that is right; the check counts each.
    """

    def __init__(self, kernel: Kernel, event: EventDefinition, refused: Callable[[str], object]) -> None:
        self.event: Final = event
        self.count = 0
        self.check: Final = None if event.protection is None else EventCheck(event.protection)
        self._kernel = kernel
        self._refused = refused
        self._cycle_ns: Final = event.policy.cycle_ns
        self._missed = 0
        self._timer = Timer(kernel, self._cycle) if self._cycle_ns else None

    def start(self) -> None:
        """Its service is there: from now on it is to come."""
        self._missed = 0
        if self.check is not None:
            self.check.restart()
        self._wait()

    def stop(self) -> None:
        """Its service is gone, and what it told is not fresh."""
        if self._timer is not None:
            self._timer.cancel()
        self.event.payload.lose()

    def take(self, message: Message) -> bytes | None:
        """The payload of an event, without the header of its protection; None for one that may not be used."""
        payload = message.payload if self.check is None else self.check.take(message)
        if payload is not None:
            self.count += 1
            self._missed = 0
            self._wait()
            return payload
        assert self.check is not None
        self._refused(f"{self.event.name}: end-to-end check: {self.check.status.value}")
        if self.check.lost:
            self.event.payload.lose()
        return None

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.set(self._kernel.now + self._cycle_ns)

    def _cycle(self) -> None:
        self._missed += 1
        if self.check is not None:
            self.check.missed()
        if self._missed == TIMEOUT_CYCLES or (self.check is not None and self.check.lost):
            self.event.payload.lose()
        self._wait()
