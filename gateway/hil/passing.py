"""The vehicle's time: letting it pass, and what happens at a time of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gateway.errors import GatewayError
from gateway.hil.arguments import period, place, standing_in
from gateway.hil.errors import HilError
from gateway.hil.expectation import Expectation
from gateway.hil.fault import Fault
from gateway.sim import NS_PER_S, rare_collection

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_LONG_NS: Final = 20 * NS_PER_S
Action = Callable[[], object]


class Timed:
    """A fault or a call that is to come. HilError for what is neither, and for a call that should last."""

    def __init__(self, vehicle: VehicleUnderTest, action: Fault | Action, lasting: str | None) -> None:
        self._vehicle = vehicle
        self._place = place()
        self._lasting_ns = None if lasting is None else period(lasting, "lasting")
        if not isinstance(action, Fault) and not callable(action):
            raise HilError(f"{action!r} is neither a fault nor something to call")
        if not isinstance(action, Fault) and lasting is not None:
            raise HilError("lasting is for faults; what is called does not last")
        self._action = action

    def after(self, delay_ns: int) -> None:
        self._vehicle.kernel.after(delay_ns, self._attempt)

    def _attempt(self) -> None:
        """In the kernel's time nobody can be told of an error; who awaits something next can."""
        try:
            with standing_in(self._place):
                self._begin()
        except GatewayError as error:
            self._vehicle.late(error, self._place)

    def _begin(self) -> None:
        if not isinstance(self._action, Fault):
            self._action()
            return
        handle = self._vehicle.put(self._action, stays=self._lasting_ns is None)
        if self._lasting_ns is not None:
            self._vehicle.kernel.after(self._lasting_ns, handle.stop)


class Passing(Expectation[None]):
    """Time passes."""

    def expired(self) -> None:
        self.fulfil(None)

    def _due(self) -> None:
        self.expired()

    async def _wait(self) -> None:
        if self.within_ns < _LONG_NS:
            await super()._wait()
            return
        with rare_collection(self.vehicle.kernel):
            await super()._wait()
