"""Faults of protected messages: a counter that is stuck, a checksum that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.com import Protection
from gateway.hil.errors import HilError
from gateway.hil.fault import Undo

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest


@dataclass(frozen=True, slots=True)
class CounterStuck:
    """The counter of a protected message does not go on."""

    message: str

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        protection = _protection(vehicle, self.message)
        if not protection.counts:
            raise HilError(f"{self.message} has no counter")
        protection.stuck = True

        def go_on() -> None:
            protection.stuck = False

        return go_on


@dataclass(frozen=True, slots=True)
class ChecksumWrong:
    """The checksum of a protected message is wrong."""

    message: str

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        protection = _protection(vehicle, self.message)
        if protection.checksum is None:
            raise HilError(f"{self.message} has no checksum")
        protection.wrong = True

        def mend() -> None:
            protection.wrong = False

        return mend


def _protection(vehicle: VehicleUnderTest, name: str) -> Protection:
    """The protection of `bus.Message`, where it is sent first."""
    bus, _, message = name.partition(".")
    pattern = vehicle[bus].pattern(message, None, {})
    for ecu in vehicle.simulated.ecus.values():
        port = ecu.ports.get(bus)
        sending = port.tx.get(pattern.name) if port is not None else None
        if sending is not None and sending.protection is not None:
            return sending.protection
    target = vehicle.simulated.gateway.targets.get((bus, pattern.name))
    if target is not None and target.message.protection is not None:
        return target.message.protection
    raise HilError(f"{name} is not protected by the vehicle file where it is sent (`protect:`)")
