"""Faults of a whole bus, and of the gateway between buses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.can import Disturbance
from gateway.errors import nearest
from gateway.hil.arguments import duration
from gateway.hil.errors import HilError
from gateway.hil.fault import Undo, disturb
from gateway.hil.wire import Cut, Shorted
from gateway.lin import LinBus
from gateway.lin import SilentCommander as Silent

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest


@dataclass(frozen=True, slots=True)
class BusShorted:
    """CAN high and low of a bus touch: no frame gets through, and who sends goes bus-off."""

    bus: str

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        return disturb(vehicle, self.bus, Shorted())


@dataclass(frozen=True, slots=True)
class BusCut:
    """The wire is cut before this ECU (or the gateway); without one, between all of them."""

    bus: str
    ecu: str | None = None

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        bus = vehicle[self.bus].bus
        names = [controller.name for controller in bus.controllers]
        if self.ecu is not None and self.ecu not in names:
            raise HilError(f"{self.ecu!r} is not on {self.bus}{nearest(self.ecu, names)}")
        wires: list[Disturbance] = [Cut(frozenset([self.ecu] if self.ecu is not None else names))]
        if isinstance(bus, LinBus) and self.ecu in (None, bus.commander.node.name):
            wires.append(Silent())  # the headers of a commander that nobody hears
        return disturb(vehicle, self.bus, *wires)


@dataclass(frozen=True, slots=True)
class GatewayOverload:
    """The gateway is slow: everything takes `latency` to pass it, and only `queue` may wait towards one bus."""

    latency: str = "20ms"
    queue: int | None = None

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        latency_ns = duration(self.latency, "latency")
        lanes = vehicle.simulated.gateway.lanes
        before = [(lane, lane.latency_ns, lane.limit) for lane in lanes]
        for lane in lanes:
            lane.latency_ns = latency_ns
            lane.limit = lane.limit if self.queue is None else self.queue

        def relieve() -> None:
            for lane, old_latency_ns, limit in before:
                lane.latency_ns = old_latency_ns
                lane.limit = limit

        return relieve
