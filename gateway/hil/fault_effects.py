"""What the faults that a test has put in do to a message: to itself, or to what the gateway makes it of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.can import EXTENDED, ID_MASK
from gateway.hil.bus_faults import BusCut, BusShorted
from gateway.hil.fault import Fault, frames_of
from gateway.hil.handle import Handle
from gateway.hil.lin_faults import HeaderNoise, LateResponse, NoResponse, StuckBus, WrongChecksum
from gateway.hil.pattern import Pattern
from gateway.hil.story import leads_to, seconds, sends
from gateway.hil.wire_faults import (
    BitErrors,
    Corrupted,
    Delayed,
    Duplicated,
    Lost,
    Reordered,
    WireFault,
    WrongLength,
)

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_DEEP: Final = 4
"""So many gateways' routes one after the other are followed upwards."""
_WORDS: Final[dict[type, str]] = {
    Lost: "takes {}",
    Delayed: "delays {}",
    Corrupted: "changes {}",
    Duplicated: "repeats {}",
    Reordered: "puts {} behind the next",
    WrongLength: "changes the length of {}",
    BitErrors: "destroys {}",
    NoResponse: "takes {}",
    WrongChecksum: "makes the checksum of {} wrong",
    LateResponse: "delays {}",
    HeaderNoise: "destroys the headers of {}",
}
_TAKING: Final = (Lost, NoResponse, HeaderNoise, BusCut, BusShorted, StuckBus)


class Place(NamedTuple):
    """A message on a bus, as faults name it."""

    bus: str
    key: int
    name: str


def fault_lines(vehicle: VehicleUnderTest, pattern: Pattern, handles: list[Handle]) -> list[str]:
    """A line for each fault at work that does something to the message."""
    lines = []
    for handle in handles:
        does = None if handle.fault is None else _effect(vehicle, handle.fault, pattern)
        if does is not None:
            lines.append(f"why: {handle.text} {does} since {seconds(handle.began_ns)} ({handle.place})")
    return lines


def taken(vehicle: VehicleUnderTest, pattern: Pattern) -> bool:
    """A fault at work keeps the message, or what it is made of, from coming."""
    return any(
        isinstance(handle.fault, _TAKING) and _effect(vehicle, handle.fault, pattern) is not None
        for handle in vehicle.handles
    )


def _effect(vehicle: VehicleUnderTest, fault: Fault, pattern: Pattern) -> str | None:
    """`takes it`; None for a fault that has nothing to do with the message."""
    itself, *sources = _upwards(vehicle, Place(pattern.bus, pattern.key, pattern.name), _DEEP)
    for place in (itself, *sources):
        word = _word(vehicle, fault, place)
        if word is not None:
            made = f"{place.bus}.{place.name}, from which it is made,"
            return word.format(made if place in sources else "it")
    return None


def _word(vehicle: VehicleUnderTest, fault: Fault, place: Place) -> str | None:
    if isinstance(fault, BusShorted | StuckBus):
        return f"lets no frame through on {fault.bus}" if fault.bus == place.bus else None
    if isinstance(fault, BusCut):
        sender = fault.ecu is None or sends(vehicle, fault.ecu, place.bus, place.name)
        return "takes {}" if fault.bus == place.bus and sender else None
    named = getattr(fault, "message", None)
    if type(fault) not in _WORDS or not isinstance(named, str):
        return None
    bus, keys = frames_of(vehicle, named)
    if bus != place.bus or (keys is not None and place.key not in keys):
        return None
    if isinstance(fault, Lost) and fault.receiver is not None:
        return f"takes {{}} from {fault.receiver}" if fault.receiver == vehicle.simulated.gateway.name else None
    some = isinstance(fault, WireFault) and fault.probability < 1
    return _WORDS[type(fault)].format("some of {}" if some else "{}")


def _upwards(vehicle: VehicleUnderTest, place: Place, deep: int) -> Iterator[Place]:
    """The message, and what the gateway's routes make it of."""
    yield place
    if not deep:
        return
    for route in vehicle.simulated.gateway.routes:
        rule = route.rule
        if leads_to(route, place.bus, place.key, place.name):
            bus = rule.source.partition(".")[0]
            key = place.key if rule.source_key is None else rule.source_key
            found = vehicle.simulated.databases[bus].by_id(key & ID_MASK, bool(key & EXTENDED))
            yield from _upwards(vehicle, Place(bus, key, place.name if found is None else found.name), deep - 1)
