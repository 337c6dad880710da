"""What a fault is, and what faults of wires share: the frames they mean, and how they come onto a simulated bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from gateway.can import Controller, Disturbance
from gateway.database import Database
from gateway.errors import nearest
from gateway.hil.errors import HilError, ImpossibleOnLinkError
from gateway.links import LinkedBus

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

Undo = Callable[[], object]


@runtime_checkable
class Fault(Protocol):
    """Something that can be put into a vehicle and taken out again."""

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        """Put it in, and return what takes it out. HilError for what the vehicle does not have."""


def disturb(vehicle: VehicleUnderTest, bus: str, *disturbances: Disturbance) -> Undo:
    """Put disturbances on a simulated bus."""
    found = vehicle[bus].bus
    if isinstance(found, LinkedBus):
        raise ImpossibleOnLinkError(
            f"{bus} is linked to {found.link.name}, and this needs a simulated bus: run the test without that link"
        )
    for disturbance in disturbances:
        found.disturb(disturbance)

    def undo() -> None:
        for disturbance in disturbances:
            found.undisturb(disturbance)

    return undo


def frames_of(vehicle: VehicleUnderTest, name: str) -> tuple[str, frozenset[int] | None]:
    """Bus and identifiers of `bus` or `bus.Message`; None for all of them."""
    bus, _, message = name.partition(".")
    if not message and bus not in vehicle.simulated.buses:
        having = [f"{each}.{bus}" for each, base in vehicle.simulated.databases.items() if _knows(base, bus)]
        if having:
            raise HilError(f"{name!r} is no bus: with its bus the message is called {' or '.join(having)}")
    under_test = vehicle[bus]
    if not message:
        return bus, None
    return bus, frozenset([under_test.pattern(message, None, {}).key])


def _knows(database: Database, message: str) -> bool:
    return any(known.name == message for known in database.messages)


def check_probability(probability: float) -> None:
    """HilError for what cannot be."""
    if not 0 < probability <= 1:
        raise HilError(f"a probability of {probability} cannot be: above 0, and 1 at most")


def controllers_of(vehicle: VehicleUnderTest, ecu: str, bus: str | None) -> list[Controller]:
    """The controllers of an ECU or of the gateway, on one bus or on all of them."""
    if ecu == vehicle.simulated.gateway.name:
        found = dict(vehicle.simulated.gateway.controllers)
    else:
        found = {name: port.controller for name, port in vehicle.simulated_ecu(ecu).ports.items()}
    if bus is None:
        return list(found.values())
    if bus not in found:
        raise HilError(f"{ecu} is not on {bus!r}{nearest(bus, list(found))}")
    return [found[bus]]
