"""What all pages of one vehicle have in common: the faults that are in, time that is held, what is served besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.vehicle import Vehicle, VehicleFile

if TYPE_CHECKING:
    from gateway.ui.desk import Desk
    from gateway.ui.page_source import PageSource


class PageDesk:
    """The desk of a vehicle, made when the first page asks for it: a fault that one puts in, the others list too.

    `file`: that of the vehicle; None where no faults can be put in. `domains`: what is served besides, for people.
    """

    def __init__(self, file: VehicleFile | None = None, domains: tuple[str, ...] = ()) -> None:
        self._file = file
        self._domains = domains
        self._desk: Desk | None = None

    def source(self, vehicle: Vehicle) -> PageSource:
        """For one page. In the vehicle's loop."""
        from gateway.ui.page_source import PageSource

        return PageSource(vehicle, self.of(vehicle), domains=self._domains)

    def of(self, vehicle: Vehicle) -> Desk:
        """The desk of this vehicle. In its loop."""
        if self._desk is None:
            self._desk = _desk(vehicle, self._file)
        return self._desk

    def close(self) -> None:
        """Take all faults out."""
        faults = None if self._desk is None else self._desk.faults
        if faults is not None:
            for row in reversed(faults.active):
                faults.undo(row.number)


def _desk(vehicle: Vehicle, file: VehicleFile | None) -> Desk:
    from gateway.cli.fault_desk import HilFaultDesk
    from gateway.links import LinkedBus
    from gateway.ui.desk import Desk
    from gateway.ui.playback import HeldTime, running_pace

    linked = any(isinstance(bus, LinkedBus) for bus in vehicle.buses.values())
    return Desk(None if file is None else HilFaultDesk(file, vehicle), None if linked else HeldTime(running_pace()))
