"""A signal under test, by its VSS path: `vehicle.signal("Vehicle.Speed")`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from gateway.hil.arguments import period
from gateway.hil.causes import source_lines, why_lines
from gateway.hil.errors import HilError
from gateway.hil.expectation import Expectation
from gateway.hil.fault_effects import fault_lines, taken
from gateway.hil.pattern import Pattern
from gateway.hil.stand_in import StandIn
from gateway.hil.story import message_story, seconds
from gateway.hil.values import Wanted, wanted_of_leaf
from gateway.routing import Datapoint, Quality, SignalError, Value, VssLeaf, VssSignal
from gateway.sim import duration_text

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_REMEMBERED: Final = 2_000
_SHOWN: Final = 8


class SignalUnderTest(StandIn):
    """One leaf of the VSS tree."""

    def __init__(self, vehicle: VehicleUnderTest, signal: VssSignal, leaf: VssLeaf | None) -> None:
        self.path: Final = signal.path
        self._vehicle = vehicle
        self._signal = signal
        self._leaf = leaf

    @property
    def datapoint(self) -> Datapoint:
        """Value, time and quality as they are now."""
        return self._signal.datapoint

    @property
    def value(self) -> Value | None:
        return self._signal.datapoint.value

    @property
    def quality(self) -> Quality:
        return self._signal.datapoint.quality

    def becomes(self, expected: object, *, within: str) -> Expectation[Datapoint]:
        """The signal has this value, and it is good, now or within this time; the datapoint that has it."""
        wanted = self._wanted(expected)
        return Becomes(self, f"{self.path} becomes {wanted.text} within {within}", period(within, "within"), wanted)

    def becomes_stale(self, *, within: str) -> Expectation[Datapoint]:
        """The signal has stopped coming, now or within this time."""
        return BecomesStale(self, f"{self.path} becomes stale within {within}", period(within, "within"))

    def stays(self, expected: object, *, during: str) -> Expectation[Datapoint]:
        """The signal has this value now and keeps it, good, during this time; the last datapoint."""
        wanted = self._wanted(expected)
        return Stays(self, f"{self.path} stays {wanted.text} during {during}", period(during, "during"), wanted)

    def actuate(self, value: Value) -> None:
        """Ask for a value, as an application above the gateway does. HilError for what nothing drives."""
        if not self._signal.actuated:
            raise HilError(f"{self.path} is no actuator that this vehicle drives")
        try:
            self._signal.actuate(value if self._leaf is None else self._leaf.coerce(value))
        except SignalError as error:
            raise HilError(error.sentence) from None

    def listen(self, listener: Callable[[Datapoint], object]) -> Callable[[], None]:
        """Call `listener` with each new datapoint; returns what ends that."""
        return self._signal.listen(lambda signal: listener(signal.datapoint))

    @property
    def vehicle(self) -> VehicleUnderTest:
        return self._vehicle

    def _wanted(self, expected: object) -> Wanted:
        return wanted_of_leaf(self._leaf, self.path, expected)

    def __repr__(self) -> str:
        return f"<signal {self.path}>"


class SignalExpectation(Expectation[Datapoint]):
    """Watches one signal and remembers its way."""

    def __init__(self, signal: SignalUnderTest, text: str, within_ns: int) -> None:
        super().__init__(signal.vehicle, text, within_ns)
        self.signal: Final = signal
        self.way: Final = [(self.created_ns, signal.datapoint)]
        self.on_end(signal.listen(self._changed))

    def _changed(self, datapoint: Datapoint) -> None:
        if len(self.way) < _REMEMBERED:
            self.way.append((self.vehicle.now_ns, datapoint))
        self.look(datapoint)

    def look(self, datapoint: Datapoint) -> None:
        """Judge a datapoint."""
        raise NotImplementedError

    def cause(self) -> list[str]:
        vehicle, sources = self.vehicle, self.sources()
        faults = [line for source in sources for line in fault_lines(vehicle, source, vehicle.handles)]
        if faults and any(taken(vehicle, source) for source in sources):
            return faults
        told = why_lines(vehicle, self.signal.path)
        good = self.signal.quality is Quality.GOOD
        return [*faults, *told, *(source_lines(vehicle, sources, self.ended_ns) if good else [])]

    def story(self) -> list[str]:
        lines = [f"the way of {self.signal.path}:"]
        steps = _changes(self.way)
        told = [f"  {_step(*step)}" for step in steps]
        if len(told) > _SHOWN:
            told = [told[0], f"  ... {len(told) - _SHOWN} changes", *told[-_SHOWN + 1 :]]
        lines += told
        return [*lines, *self._sources()]

    def _sources(self) -> list[str]:
        """What came of the CAN messages that feed the signal."""
        lines: list[str] = []
        for pattern in self.sources():
            lines += ["", f"it comes from {pattern.bus}.{pattern.name}.{' and '.join(pattern.wanted)}:"]
            lines += message_story(self.vehicle, pattern, self.created_ns, self.ended_ns)
        return lines

    def sources(self) -> list[Pattern]:
        """The CAN signals that feed it."""
        simulated = self.vehicle.simulated
        mapping = simulated.mapping
        return [
            Pattern(place.bus, simulated.databases[place.bus], place.message, {place.signal.name: _anything})
            for rule in (mapping.upward if mapping is not None else ())
            for place in rule.places
            if rule.leaf.path == self.signal.path
        ]


def _anything(_value: object) -> bool:
    return True


def _changes(way: list[tuple[int, Datapoint]]) -> list[tuple[int, Datapoint]]:
    """Those that differ from the one before."""
    found = way[:1]
    for step in way[1:]:
        if (step[1].value, step[1].quality) != (found[-1][1].value, found[-1][1].quality):
            found.append(step)
    return found


def _step(time_ns: int, datapoint: Datapoint) -> str:
    return f"{seconds(time_ns)}  {_value_text(datapoint)}"


def _value_text(datapoint: Datapoint) -> str:
    value = datapoint.value
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"{shown} ({datapoint.quality.value})"


class Becomes(SignalExpectation):
    """The signal gets a value."""

    def __init__(self, signal: SignalUnderTest, text: str, within_ns: int, wanted: Wanted) -> None:
        self._wanted: Final = wanted
        super().__init__(signal, text, within_ns)
        self.look(signal.datapoint)

    def look(self, datapoint: Datapoint) -> None:
        if holds(self._wanted, datapoint):
            self.fulfil(datapoint)

    def expired(self) -> None:
        now = _value_text(self.signal.datapoint)
        self.break_(f"not within {duration_text(self.within_ns)}: it is {now}")


class BecomesStale(SignalExpectation):
    """The signal stops coming."""

    def __init__(self, signal: SignalUnderTest, text: str, within_ns: int) -> None:
        super().__init__(signal, text, within_ns)
        self.look(signal.datapoint)

    def look(self, datapoint: Datapoint) -> None:
        if datapoint.quality is Quality.STALE:
            self.fulfil(datapoint)

    def expired(self) -> None:
        quality = self.signal.quality
        never = ": it has never come, so it cannot become stale" if quality is Quality.ABSENT else ""
        self.break_(f"it is {quality.value} after {duration_text(self.within_ns)}{never}")


class Stays(SignalExpectation):
    """The signal keeps a value."""

    def __init__(self, signal: SignalUnderTest, text: str, within_ns: int, wanted: Wanted) -> None:
        self._wanted: Final = wanted
        super().__init__(signal, text, within_ns)
        self.look(signal.datapoint)

    def look(self, datapoint: Datapoint) -> None:
        if not holds(self._wanted, datapoint):
            after = duration_text(self.vehicle.now_ns - self.created_ns)
            self.break_(f"after {after} it is {_value_text(datapoint)}")

    def expired(self) -> None:
        self.fulfil(self.signal.datapoint)


def holds(wanted: Wanted, datapoint: Datapoint) -> bool:
    """Whether a datapoint is good and has the value."""
    value: Any = datapoint.value
    return datapoint.quality is Quality.GOOD and value is not None and wanted.holds(value)
