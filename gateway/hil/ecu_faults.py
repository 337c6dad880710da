"""Faults of an ECU: without power, hung, babbling, bus-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.can import Controller, ControllerState
from gateway.hil.arguments import period
from gateway.hil.errors import HilError
from gateway.hil.fault import Undo, controllers_of, disturb
from gateway.hil.tester import raw_frame
from gateway.hil.wire import Destroyed
from gateway.lin import LinBus

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest


@dataclass(frozen=True, slots=True)
class Killed:
    """An ECU without power; it boots again at the end."""

    ecu: str

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        ecu = vehicle.simulated_ecu(self.ecu)
        ecu.switch_off()
        return ecu.switch_on


@dataclass(frozen=True, slots=True)
class Hung:
    """An ECU whose program hangs; its controllers acknowledge. It is reset at the end."""

    ecu: str

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        ecu = vehicle.simulated_ecu(self.ecu)
        ecu.hang()

        def reset() -> None:
            ecu.switch_off()
            ecu.switch_on()

        return reset


@dataclass(frozen=True, slots=True)
class Babbling:
    """An ECU that sends frames of one identifier (with the highest priority, if nothing is said) without end."""

    ecu: str
    identifier: int = 0
    bus: str | None = None
    every: str = "250us"

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        controller = _can_controller(vehicle, self.ecu, self.bus, "where only headers make anybody send")
        frame = raw_frame(self.identifier, bytes(8), extended=None, fd=False)
        every_ns = period(self.every, "every")
        kernel = vehicle.kernel
        babbling = True

        def babble() -> None:
            if babbling:
                if controller.takes_part and controller.queued < 2:
                    controller.send(frame)
                kernel.after(every_ns, babble)

        def stop() -> None:
            nonlocal babbling
            babbling = False

        babble()
        return stop


@dataclass(frozen=True, slots=True)
class BusOff:
    """A controller whose every frame fails until it is bus-off, where it stays; it recovers at the end."""

    ecu: str
    bus: str | None = None

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        controller = _can_controller(vehicle, self.ecu, self.bus, "and LIN knows no bus-off")
        senders = frozenset([controller.name])
        failing = Destroyed(None, 1.0, vehicle.stream(str(self)), senders)
        undo = disturb(vehicle, controller.bus.name, failing)
        controller.recovers = False

        def recover() -> None:
            undo()
            controller.recovers = True
            if controller.state is ControllerState.BUS_OFF:
                controller.recover()

        return recover


def _can_controller(vehicle: VehicleUnderTest, ecu: str, bus: str | None, why_not: str) -> Controller:
    """The first controller of an ECU that is none of LIN, or that on `bus`."""
    found = controllers_of(vehicle, ecu, bus)
    for controller in found:
        if not isinstance(controller.bus, LinBus):
            return controller
    where = found[0].bus.name if found else ecu
    raise HilError(f"{where} is a LIN bus, {why_not}" if found else f"{ecu} is on no bus")
