"""Faults of frames on the wire: lost, late, changed, sent again; each with a probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gateway.can import LENGTHS, Disturbance, Frame
from gateway.hil.arguments import duration
from gateway.hil.errors import HilError
from gateway.hil.fault import Undo, check_probability, controllers_of, disturb, frames_of
from gateway.hil.values import raw_of
from gateway.hil.wire import Changed, Destroyed, Late, Overrun, Repeated, Swapped, Vanishing
from gateway.sim import Stream

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_FLIPPED_BITS: Final = 3


@dataclass(frozen=True, slots=True)
class WireFault:
    """A fault of the frames of one message, or of all frames of a bus, each with a probability."""

    message: str
    probability: float = 1.0

    def begin(self, vehicle: VehicleUnderTest) -> Undo:
        bus, keys = frames_of(vehicle, self.message)
        check_probability(self.probability)
        disturbance = self.disturbance(vehicle, bus, keys, vehicle.stream(str(self)))
        return disturb(vehicle, bus, disturbance)

    def disturbance(
        self, vehicle: VehicleUnderTest, bus: str, keys: frozenset[int] | None, stream: Stream
    ) -> Disturbance:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Lost(WireFault):
    """Frames do not come onto the bus; or, with `receiver`, only this ECU does not get them."""

    receiver: str | None = None

    def disturbance(
        self, vehicle: VehicleUnderTest, bus: str, keys: frozenset[int] | None, stream: Stream
    ) -> Disturbance:
        if self.receiver is None:
            return Vanishing(keys, self.probability, stream)
        controllers_of(vehicle, self.receiver, bus)
        return Overrun(keys, self.probability, stream, self.receiver)


@dataclass(frozen=True, slots=True)
class Delayed(WireFault):
    """Frames come later, by `by` and up to `jitter` more."""

    by: str = "10ms"
    jitter: str = "0ms"

    def disturbance(
        self, vehicle: VehicleUnderTest, bus: str, keys: frozenset[int] | None, stream: Stream
    ) -> Disturbance:
        return Late(keys, self.probability, stream, duration(self.by, "by"), duration(self.jitter, "jitter"))


@dataclass(frozen=True, slots=True)
class Corrupted(WireFault):
    """The payload is wrong, and the frame's CRC right: some bits flipped, or signals changed to these `values`.

    Counter and checksum of the message stay as its sender made them.
    """

    values: Mapping[str, Any] = field(default_factory=dict)

    def disturbance(
        self, vehicle: VehicleUnderTest, bus: str, keys: frozenset[int] | None, stream: Stream
    ) -> Disturbance:
        if not self.values:
            return Changed(keys, self.probability, stream, partial(_flipped, stream))
        message = vehicle[bus].pattern(self.message.partition(".")[2], None, {}).message
        if message is None:
            raise HilError(f"{self.message}: only a message of a database has signals to change")
        raws = {message.signal(name): raw_of(message.signal(name), value) for name, value in self.values.items()}

        def change(frame: Frame) -> bytes:
            data = frame.data
            for signal, raw in raws.items():
                data = signal.insert(data, raw)
            return data

        return Changed(keys, self.probability, stream, change)


@dataclass(frozen=True, slots=True)
class Duplicated(WireFault):
    """Frames are sent again at once, so many times."""

    copies: int = 1

    def disturbance(
        self, vehicle: VehicleUnderTest, bus: str, keys: frozenset[int] | None, stream: Stream
    ) -> Disturbance:
        return Repeated(keys, self.probability, stream, self.copies)


@dataclass(frozen=True, slots=True)
class Reordered(WireFault):
    """A frame comes after the next of its kind."""

    def disturbance(
        self, vehicle: VehicleUnderTest, bus: str, keys: frozenset[int] | None, stream: Stream
    ) -> Disturbance:
        return Swapped(keys, self.probability, stream)


@dataclass(frozen=True, slots=True)
class WrongLength(WireFault):
    """Frames have this many bytes: cut off, or with zeros behind."""

    length: int = 0

    def disturbance(
        self, vehicle: VehicleUnderTest, bus: str, keys: frozenset[int] | None, stream: Stream
    ) -> Disturbance:
        if self.length not in LENGTHS or (self.length > 8 and not vehicle[bus].bus.fd):
            raise HilError(f"a frame of {self.length} bytes cannot be on {bus}")
        return Changed(
            keys, self.probability, stream, lambda frame: frame.data[: self.length].ljust(self.length, b"\0")
        )


@dataclass(frozen=True, slots=True)
class BitErrors(WireFault):
    """Frames are hit by a bit error with this probability, and sent again."""

    probability: float = 0.01

    def disturbance(
        self, vehicle: VehicleUnderTest, bus: str, keys: frozenset[int] | None, stream: Stream
    ) -> Disturbance:
        return Destroyed(keys, self.probability, stream)


def _flipped(stream: Stream, frame: Frame) -> bytes:
    """One to three bits of the payload flipped."""
    data = bytearray(frame.data)
    if data:
        for _ in range(stream.randrange(1, _FLIPPED_BITS + 1)):
            bit = stream.randrange(8 * len(data))
            data[bit // 8] ^= 1 << bit % 8
    return bytes(data)
