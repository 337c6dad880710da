"""A bus with some controllers, and what was seen on it."""

from __future__ import annotations

from typing import NamedTuple

from gateway.can import BitRates, Bus, BusEventKind, Controller, Disturbance, Frame
from gateway.sim import Kernel

BIT = 2000
"""Nanoseconds at 500 kbit/s, the rate of a bench unless told otherwise."""
IFS = 3 * BIT


class Seen(NamedTuple):
    """A frame that is through."""

    sender: str
    frame: Frame
    requested: int
    start: int
    end: int


class Bench:
    def __init__(self, *names: str, nominal: int = 500_000, data: int = 2_000_000) -> None:
        self.kernel = Kernel()
        self.bus = Bus(self.kernel, "powertrain", BitRates(nominal, data), fd=True)
        self.bus.record = []
        self.names = names
        self.got: dict[str, list[tuple[int, Frame]]] = {name: [] for name in names}
        self.told_sent: list[tuple[str, Frame, int, int, int]] = []
        self.told_lost: list[tuple[str, Frame]] = []
        for name in names:
            self.attach(name)

    def attach(self, name: str) -> Controller:
        controller = self.bus.attach(name)
        got = self.got.setdefault(name, [])
        controller.receive_all(lambda frame: got.append((self.kernel.now, frame)))
        controller.on_sent = lambda frame, requested, start: self.told_sent.append(
            (name, frame, requested, start, self.kernel.now)
        )
        controller.on_lost = lambda frame: self.told_lost.append((name, frame))
        return controller

    def __getitem__(self, name: str) -> Controller:
        return next(controller for controller in self.bus.controllers if controller.name == name)

    def at(self, time_ns: int, name: str, frame: Frame) -> None:
        """Let `name` send `frame` at this time."""
        self.kernel.at(time_ns, lambda: self[name].send(frame))

    def run(self, until_ns: int = 10**9) -> list[Seen]:
        self.kernel.run(until_ns)
        return self.seen

    @property
    def seen(self) -> list[Seen]:
        assert self.bus.record is not None
        return [Seen(sender.name, frame, asked, start, end) for end, _, frame, sender, asked, start in self.bus.record]

    def times(self, kind: BusEventKind) -> list[int]:
        return [event.time_ns for event in self.bus.events if event.kind is kind]

    def length(self, frame: Frame) -> int:
        return self.bus.times.duration_ns(frame)


class ErrorAt(Disturbance):
    """An error in bit `bit` of the next `times` frames that `sender` begins."""

    def __init__(self, bit: int, times: int, sender: str = "") -> None:
        self.bit = bit
        self.times = times
        self.sender = sender

    def error_bit(self, sender: Controller, frame: Frame, bits: int) -> int | None:
        if not self.times or (self.sender and sender.name != self.sender):
            return None
        self.times -= 1
        return self.bit
