"""Faults of LIN buses: of the answers to one message's headers (`doors.WindowState`), or of a whole bus (`doors`).

Each is told as an event of the bus and counted; responders that see it set their `response_error` bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway import lin
from gateway.hil.arguments import duration
from gateway.hil.errors import HilError
from gateway.hil.fault import Undo, check_probability, disturb, frames_of
from gateway.hil.values import raw_of
from gateway.sim import Stream

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest


@dataclass(frozen=True, slots=True)
class LinFault:
    """A fault of the headers or answers of one message, or of all of a bus, each with a probability."""

    message: str
    probability: float = 1.0

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        bus = lin_bus(vehicle, self.message, self)
        check_probability(self.probability)
        keys = frames_of(vehicle, self.message)[1]
        stream = vehicle.stream(str(self))

        def hit(frame_id: int) -> bool:
            return (keys is None or frame_id in keys) and (self.probability >= 1 or stream.random() < self.probability)

        return disturb(vehicle, bus.name, self.disturbance(bus, hit, stream))

    def disturbance(self, bus: lin.LinBus, hit: lin.MatchingId, stream: Stream) -> lin.LinDisturbance:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class NoResponse(LinFault):
    """Nobody answers to the header."""

    def disturbance(self, bus: lin.LinBus, hit: lin.MatchingId, stream: Stream) -> lin.LinDisturbance:
        return lin.NoResponse(hit)


@dataclass(frozen=True, slots=True)
class WrongChecksum(LinFault):
    """The answer has a wrong checksum, so that nobody receives it."""

    def disturbance(self, bus: lin.LinBus, hit: lin.MatchingId, stream: Stream) -> lin.LinDisturbance:
        return lin.WrongChecksum(hit)


@dataclass(frozen=True, slots=True)
class LateResponse(LinFault):
    """The answer begins later by `by`: still good within 1.4 times the nominal time, cut off by the next header."""

    by: str = "3ms"

    def disturbance(self, bus: lin.LinBus, hit: lin.MatchingId, stream: Stream) -> lin.LinDisturbance:
        return lin.LateResponse(duration(self.by, "by"), hit)


@dataclass(frozen=True, slots=True)
class HeaderNoise(LinFault):
    """Sync or parity of the header is damaged, so that nobody answers."""

    def disturbance(self, bus: lin.LinBus, hit: lin.MatchingId, stream: Stream) -> lin.LinDisturbance:
        return lin.HeaderNoise(1.0, stream, hit)


@dataclass(frozen=True, slots=True)
class SecondResponder:
    """One more node answers to the headers of a message: with these values (start values for the rest), or these bytes."""

    message: str
    values: Mapping[str, Any] = field(default_factory=dict)
    data: bytes | None = None

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        bus = lin_bus(vehicle, self.message, self)
        name = self.message.partition(".")[2]
        if not name:
            raise HilError(f"SecondResponder needs a message: {bus.name}.MESSAGE")
        pattern = vehicle[bus.name].pattern(name, self.values, {})
        data = self.data
        if data is None:
            if pattern.message is None:
                raise HilError(f"{self.message}: only a message of a database has start values; give `data`")
            data = pattern.message.initial
            for signal, value in self.values.items():
                found = pattern.message.signal(signal)
                data = found.insert(data, raw_of(found, value))
        elif not 1 <= len(data) <= 8:
            raise HilError(f"a LIN frame has 1 to 8 bytes, not {len(data)}")
        return disturb(vehicle, bus.name, lin.SecondResponder(pattern.key, data))


@dataclass(frozen=True, slots=True)
class StuckBus:
    """The wire is held dominant (a short to ground): no header gets through."""

    bus: str

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        return disturb(vehicle, whole_bus(vehicle, self.bus, self).name, lin.StuckBus())


@dataclass(frozen=True, slots=True)
class SilentCommander:
    """The commander sends no header, although it believes that it does: after 4 s the bus is asleep."""

    bus: str

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        return disturb(vehicle, whole_bus(vehicle, self.bus, self).name, lin.SilentCommander())


def lin_bus(vehicle: VehicleUnderTest, name: str, fault: object) -> lin.LinBus:
    """The LIN bus of `bus` or `bus.Message`. HilError for one of another kind."""
    bus = vehicle[name.partition(".")[0]].bus
    if not isinstance(bus, lin.LinBus):
        raise HilError(f"{bus.name} is no LIN bus: {type(fault).__name__} needs one")
    return bus


def whole_bus(vehicle: VehicleUnderTest, name: str, fault: object) -> lin.LinBus:
    bus = lin_bus(vehicle, name, fault)
    if name != bus.name:
        word = type(fault).__name__
        raise HilError(f"{word} is a fault of a bus: write {word}({bus.name!r})")
    return bus
