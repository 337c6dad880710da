"""A frame as a test sees it: with its time, its sender, and its signals by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.can import EXTENDED, ID_MASK, Frame
from gateway.com import label_of
from gateway.database import Message
from gateway.errors import nearest
from gateway.sim import NS_PER_S

SignalValue = int | float | str


@dataclass(frozen=True, slots=True)
class Received:
    """One frame that came on `bus`. Signals by attribute or index: a name where the database has one, else the value.

    `after_ns`: since the expectation was made.
    """

    bus: str
    time_ns: int
    frame: Frame
    sender: str
    message: Message | None = field(repr=False)
    after_ns: int = 0

    @property
    def time_s(self) -> float:
        return self.time_ns / NS_PER_S

    @property
    def after_s(self) -> float:
        return self.after_ns / NS_PER_S

    @property
    def name(self) -> str:
        """The message's name; the identifier where no database knows it."""
        if self.message is not None:
            return self.message.name
        mark = "x" if self.frame.header & EXTENDED else ""
        return f"0x{self.frame.header & ID_MASK:X}{mark}"

    @property
    def data(self) -> bytes:
        return self.frame.data

    @property
    def values(self) -> Mapping[str, SignalValue]:
        """All signals in the frame, by name."""
        return {} if self.message is None else self.message.labels(self.frame.data)

    def number(self, signal: str) -> int | float:
        """The physical value of a signal, also where the database has a name for it."""
        return 0 if self.message is None else self.message.decode(self.frame.data)[signal]

    def __getitem__(self, signal: str) -> SignalValue:
        __tracebackhide__ = True
        values = self.values
        if signal not in values:
            raise KeyError(f"{self.name} has no signal {signal!r} here{nearest(signal, list(values))}")
        return values[signal]

    def __getattr__(self, signal: str) -> SignalValue:
        __tracebackhide__ = True
        if signal.startswith("_"):
            raise AttributeError(signal)
        try:
            return self[signal]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __str__(self) -> str:
        return f"{self.name} {signals_text(self.message, self.frame)}"


def signals_text(message: Message | None, frame: Frame, first: tuple[str, ...] = (), most: int = 8) -> str:
    """`Left=On Right=Off Speed=12.5 km/h`; the signals named in `first` before the others, no more than `most`."""
    if message is None:
        return frame.data.hex(" ")
    decoded = message.decode(frame.data)
    order = [name for name in first if name in decoded] + [name for name in decoded if name not in first]
    parts = []
    for name in order[: max(most, len(first))]:
        signal = message.by_name[name]
        value = decoded[name]
        label = label_of(signal, value)
        unit = f" {signal.unit}" if signal.unit and label is None else ""
        parts.append(f"{name}={label or format(value, '.6g')}{unit}")
    more = len(order) - len(parts)
    return "  ".join(parts) + (f"  and {more} more" if more > 0 else "")
