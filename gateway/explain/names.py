"""Names for what a recording has as numbers: messages, signals, routes, and how long frames take on their bus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from gateway.can import EXTENDED, ID_MASK, KEY_MASK, BitRateError, BitRates, Frame, FrameTimes
from gateway.com import label_of
from gateway.database import Database, Message
from gateway.lin import LinError, LinTimes
from gateway.sim import NS_PER_S
from gateway.vehicle import About, AboutRule, Vehicle, describe

SIGNALS_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Names:
    """What is known besides the frames: from the recording's head, and from the vehicle file where there is one."""

    about: About | None = None
    databases: Mapping[str, Database] = field(default_factory=dict)
    times: Mapping[str, FrameTimes | LinTimes] = field(default_factory=dict)
    """By bus, where its bit rates are known."""
    vehicle: Vehicle | None = None
    """As its file has it, or the one that runs."""

    @property
    def rules(self) -> Sequence[AboutRule]:
        return () if self.about is None else self.about.rules

    def rule(self, name: str) -> AboutRule | None:
        return next((rule for rule in self.rules if rule.name == name), None)

    def message(self, bus: str, frame: Frame) -> Message | None:
        database = self.databases.get(bus)
        return None if database is None else database.by_id(frame.arbitration_id, frame.extended)

    def label(self, bus: str, frame: Frame) -> str:
        """`0x180 MotorStatus`; without the name where no database has it."""
        message = self.message(bus, frame)
        return id_text(frame.header) + (f" {message.name}" if message else "")

    def title(self, bus: str, frame: Frame) -> str:
        """`body 0x180 MotorStatus`"""
        return f"{bus} {self.label(bus, frame)}"

    def signals(self, bus: str, frame: Frame, only: str | None = None) -> list[str]:
        """The signals in a frame (or one of them), decoded, with their units; the first few where there are many."""
        message = self.message(bus, frame)
        if message is None:
            return []
        shown = []
        for name, value in message.decode(frame.data).items():
            signal = message.by_name[name]
            number = f"{value:.10g}" + (f" {signal.unit}" if signal.unit else "")
            if only in {None, name}:
                shown.append(f"{name} = {label_of(signal, value) or number}")
        more = len(shown) - SIGNALS_SHOWN
        return [*shown[:SIGNALS_SHOWN], f"and {more} more"] if more > 0 else shown

    def duration_ns(self, bus: str, frame: Frame) -> int | None:
        """From start to end of frame; None where the bit rate is not known, or for a length that no frame has."""
        times = self.times.get(bus)
        try:
            return None if times is None else times.duration_ns(frame)
        except ValueError:
            return None

    def intermission_ns(self, bus: str) -> int:
        times = self.times.get(bus)
        return times.intermission_ns if isinstance(times, FrameTimes) else 0


def names_of(about: About | None, vehicle: Vehicle | None = None) -> Names:
    """The names of a recording. Where it says nothing about itself, the vehicle file stands in."""
    known = about if about is not None or vehicle is None else describe(vehicle, 0)
    times: dict[str, FrameTimes | LinTimes] = {}
    for bus in () if known is None else known.buses:
        with suppress(BitRateError, LinError):
            if bus.kind == "lin":
                times[bus.name] = LinTimes(bus.bitrate)
                continue
            times[bus.name] = FrameTimes(BitRates(bus.bitrate, bus.data_bitrate or bus.bitrate))
    return Names(known, {} if vehicle is None else vehicle.databases, times, vehicle)


def id_text(header: int) -> str:
    """`0x3A0`, or `0x18DAF110x` for 29 bits: as the vehicle file writes identifiers."""
    return f"0x{header & ID_MASK:X}x" if header & EXTENDED else f"0x{header & ID_MASK:03X}"


def key_of(frame: Frame) -> int:
    return frame.header & KEY_MASK


def seconds_text(time_ns: int) -> str:
    """`12.501234567 s`"""
    sign = "-" if time_ns < 0 else ""
    whole, rest = divmod(abs(time_ns), NS_PER_S)
    return f"{sign}{whole}.{rest:09d} s"
