"""Faults of the vehicle's computers: a cable that is cut, a node without power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.hil.fault import Undo

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest


@dataclass(frozen=True, slots=True)
class NodeCut:
    """The cable between a node and the controller is cut: what is sent waits, as TCP has it."""

    node: str

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        node = vehicle.node(self.node)
        name = node.simulated.name
        node.fleet.cut(name)
        return lambda: node.fleet.mend(name)


@dataclass(frozen=True, slots=True)
class NodeOff:
    """A node without power: its units are gone at once; it starts again at the end."""

    node: str

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        node = vehicle.node(self.node)
        simulated = node.simulated
        node.fleet.power_off(simulated)
        return lambda: node.fleet.power_on(simulated)
