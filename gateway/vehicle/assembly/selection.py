"""A part of a vehicle: the ECUs that run in this process, and whether the gateway does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.errors import GatewayError, nearest
from gateway.vehicle.errors import VehicleFileError, raise_all
from gateway.vehicle.vehicle import Vehicle

GATEWAY: Final = "gateway"
"""What the gateway is called in a selection, besides its node's name."""


@dataclass(frozen=True, slots=True)
class Selection:
    """`only`: these and nobody else, None for all; `without`: these not."""

    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        return self.only is None and not self.without

    def has(self, *names: str) -> bool:
        """Whether what bears these names is part of it."""
        return (self.only is None or not self.only.isdisjoint(names)) and self.without.isdisjoint(names)

    def __str__(self) -> str:
        """As `gateway run` takes it: `--without ESP`."""
        only = [f"--only {','.join(sorted(self.only))}"] if self.only is not None else []
        return " ".join([*only, *([f"--without {','.join(sorted(self.without))}"] if self.without else [])])


def keep(vehicle: Vehicle, selection: Selection) -> None:
    """Take out of a vehicle what is not selected, and the buses that nobody is left on.

    VehicleFileError, with the nearest name, for a name that it does not have, and when nothing is left.
    """
    if selection.whole:
        return
    _check(vehicle, selection)
    for name in [name for name in vehicle.ecus if not selection.has(name)]:
        for port in vehicle.ecus.pop(name).ports.values():
            port.controller.bus.detach(port.controller)
    vehicle.whole = False
    vehicle.selection = str(selection)
    vehicle.has_gateway = selection.has(GATEWAY, vehicle.gateway.name)
    if not vehicle.has_gateway:
        for controller in vehicle.gateway.controllers.values():
            controller.bus.detach(controller)
    used = {bus for ecu in vehicle.ecus.values() for bus in ecu.ports}
    if not used and not vehicle.has_gateway:
        raise VehicleFileError(f"nothing of {vehicle.name} is left to run")
    if not vehicle.has_gateway:
        for name in [name for name in vehicle.buses if name not in used]:
            del vehicle.buses[name]
    for index, bus in enumerate(vehicle.buses.values()):
        bus.index = index


def _check(vehicle: Vehicle, selection: Selection) -> None:
    known = [GATEWAY, vehicle.gateway.name, *vehicle.ecus]
    all_names = f" (there are {', '.join(known)})"
    faults: list[GatewayError] = [
        VehicleFileError(f"there is no ECU {name!r} in {vehicle.name}{nearest(name, known) or all_names}")
        for name in sorted({*(selection.only or ()), *selection.without} - set(known))
    ]
    raise_all(faults)
