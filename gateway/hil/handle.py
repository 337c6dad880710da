"""Something that a test has put in and takes out again."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from gateway.hil.arguments import place

if TYPE_CHECKING:
    from gateway.hil.fault import Fault
    from gateway.hil.vehicle import VehicleUnderTest


class Handle:
    """A fault, an override or a stimulus that is at work from its making on, until `stop` or the end of its `with`.

    `stays`: it may outlast the test when the vehicle does not. `fault`: which it is, where it is one.
    """

    def __init__(
        self,
        vehicle: VehicleUnderTest,
        text: str,
        undo: Callable[[], object],
        *,
        stays: bool,
        fault: Fault | None = None,
    ) -> None:
        self.text: Final = text
        self.fault: Final = fault
        self.place: Final = place()
        self.stays: Final = stays
        self.began_ns: Final = vehicle.now_ns
        self._vehicle = vehicle
        self._undo = undo
        vehicle.handles.append(self)

    @property
    def active(self) -> bool:
        return self in self._vehicle.handles

    def stop(self) -> None:
        """Take it out; once is enough."""
        if self.active:
            self._vehicle.handles.remove(self)
            self._vehicle.past.append(self)
            self._undo()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<{self.text}, since {self.place}>"
