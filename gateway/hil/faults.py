"""Faults as plain values: made anywhere (in `parametrize`, too), put into a vehicle with `vehicle.fault(...)`.

Chance in them comes from the vehicle's seed, from a stream named after the fault. Each is taken out as it was put in.
Messages are named `bus.Message`, and `bus` alone means all of its frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gateway.can import LENGTHS, Controller, ControllerState, Disturbance, Frame
from gateway.com import Protection
from gateway.errors import nearest
from gateway.hil.arguments import duration, period
from gateway.hil.errors import HilError
from gateway.hil.fault import Fault, Undo, check_probability, disturb, frames_of
from gateway.hil.lin_faults import (
    HeaderNoise,
    LateResponse,
    NoResponse,
    SecondResponder,
    SilentCommander,
    StuckBus,
    WrongChecksum,
)
from gateway.hil.node_faults import NodeCut, NodeOff
from gateway.hil.tester import raw_frame
from gateway.hil.values import raw_of
from gateway.hil.wire import Changed, Cut, Destroyed, Late, Overrun, Repeated, Shorted, Swapped, Vanishing
from gateway.lin import LinBus
from gateway.lin import SilentCommander as Silent
from gateway.sim import Stream

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_FLIPPED_BITS: Final = 3


# On the wire


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
        _controllers(vehicle, self.receiver, bus)
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


# The bus


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


# ECUs


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


# What they need


def _controllers(vehicle: VehicleUnderTest, ecu: str, bus: str | None) -> list[Controller]:
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


def _can_controller(vehicle: VehicleUnderTest, ecu: str, bus: str | None, why_not: str) -> Controller:
    """The first controller of an ECU that is none of LIN, or that on `bus`."""
    found = _controllers(vehicle, ecu, bus)
    for controller in found:
        if not isinstance(controller.bus, LinBus):
            return controller
    where = found[0].bus.name if found else ecu
    raise HilError(f"{where} is a LIN bus, {why_not}" if found else f"{ecu} is on no bus")


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


def _flipped(stream: Stream, frame: Frame) -> bytes:
    """One to three bits of the payload flipped."""
    data = bytearray(frame.data)
    if data:
        for _ in range(stream.randrange(1, _FLIPPED_BITS + 1)):
            bit = stream.randrange(8 * len(data))
            data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


__all__ = [
    "Babbling",
    "BitErrors",
    "BusCut",
    "BusOff",
    "BusShorted",
    "ChecksumWrong",
    "Corrupted",
    "CounterStuck",
    "Delayed",
    "Duplicated",
    "Fault",
    "GatewayOverload",
    "HeaderNoise",
    "Hung",
    "Killed",
    "LateResponse",
    "Lost",
    "NoResponse",
    "NodeCut",
    "NodeOff",
    "Reordered",
    "SecondResponder",
    "SilentCommander",
    "StuckBus",
    "WireFault",
    "WrongChecksum",
    "WrongLength",
]
