"""A bus under test: `vehicle["body"]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.can import KEY_MASK, Bus, Controller, Frame
from gateway.database import Database, Message
from gateway.hil.arguments import duration, period
from gateway.hil.errors import HilError
from gateway.hil.expectation import Expectation
from gateway.hil.handle import Handle
from gateway.hil.history import Tap
from gateway.hil.messages import Comes, Count, Limits, Never, Order, Period, Timing
from gateway.hil.pattern import MessageName, Pattern, find_message
from gateway.hil.playback import Playback
from gateway.hil.received import Received
from gateway.hil.tester import Cyclic, Tester, lin_frame, raw_frame
from gateway.lin import LinBus

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

Step = MessageName | tuple[MessageName, Mapping[str, Any]]
"""A message, or a message and what its signals must be."""


class BusUnderTest:
    """One bus: send on it, expect of it. Signals are given by name: `Left="On"`.

    A signal that is called as an argument is (`within`) goes into a mapping: `expect("M", {"within": 1}, within="1s")`.
    """

    def __init__(self, vehicle: VehicleUnderTest, bus: Bus, database: Database) -> None:
        self.name: Final = bus.name
        self.bus: Final = bus
        self.database: Final = database
        self.vehicle: Final = vehicle
        self.tester: Final = Tester(vehicle, bus)
        self._taps: dict[int, list[Tap]] = {}

    # Stimulus

    def send(self, message: MessageName, values: Mapping[str, Any] | None = None, /, **signals: Any) -> None:
        """Send a message once, from the tester: these values, start values for all other signals.

        A message that the vehicle file protects gets its counter and checksum. HilError for unknown names, for values
        that the database does not allow (`raw(7)` sends them all the same), and when the bus does not take it.
        """
        self.tester.send(self._known(message), self._checked(message, values, signals))

    def send_raw(self, identifier: int, data: bytes = b"", *, extended: bool | None = None, fd: bool = False) -> None:
        """Send any frame once. Identifiers above 0x7FF have 29 bits, others when `extended` says so.

        LIN: it answers the next header with that identifier; 0x3C goes into the next MasterReq slot.
        """
        if isinstance(self.bus, LinBus):
            if extended or fd:
                raise HilError(f"{self.name} is a LIN bus: a LIN frame is neither extended nor CAN FD")
            self.tester.send_frame(lin_frame(self.bus, identifier, data))
            return
        self.tester.send_frame(raw_frame(identifier, data, extended=extended, fd=fd))

    def periodic(
        self, message: MessageName, values: Mapping[str, Any] | None = None, /, *, every: str, **signals: Any
    ) -> Handle:
        """Send a message again and again, from now to the end of the `with` or `stop`. Values may be waveforms."""
        found = self._known(message)
        cyclic = Cyclic(self.tester, found, period(every, "every"), self._checked(message, values, signals))
        return Handle(self.vehicle, f"{self.name}.{found.name} every {every}", cyclic.stop, stays=True)

    def play(self, path: str | Path, *, channel: str | None = None) -> Playback:
        """Send the frames of a recording at their times, beginning now. TraceError for what cannot be read.

        `channel`: of the recording; without it the one that is called as this bus, or the only one. Messages that an ECU
        or the gateway sends here at this moment are left out, with a LeftOutWarning.
        """
        return Playback(self.tester, path, channel)

    def schedule(self, table: str | None) -> None:
        """LIN: let the commander run this schedule table from the next slot on; None for none.

        HilError on a CAN bus, LinError, with the nearest name, for an unknown table.
        """
        if not isinstance(self.bus, LinBus):
            raise HilError(f"{self.name} is no LIN bus, so it has no schedule")
        self.bus.commander.schedule(table)

    # Expectations

    def expect(
        self, message: MessageName, values: Mapping[str, Any] | None = None, /, *, within: str, **signals: Any
    ) -> Expectation[Received]:
        """A frame of this message, with these values, comes within this time."""
        pattern = self.pattern(message, values, signals)
        text = f"{pattern} within {within}"
        return Comes(self.vehicle, text, period(within, "within"), [pattern])

    def expect_never(
        self, message: MessageName, values: Mapping[str, Any] | None = None, /, *, during: str, **signals: Any
    ) -> Expectation[None]:
        """No such frame comes during this time."""
        pattern = self.pattern(message, values, signals)
        return Never(self.vehicle, f"no {pattern} during {during}", period(during, "during"), [pattern])

    def expect_count(
        self,
        message: MessageName,
        count: int,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        during: str,
        **signals: Any,
    ) -> Expectation[list[Received]]:
        """Exactly so many such frames come during this time."""
        pattern = self.pattern(message, values, signals)
        text = f"exactly {count} {pattern} during {during}"
        return Count(self.vehicle, text, period(during, "during"), pattern, count)

    def expect_order(self, steps: Sequence[Step], *, within: str) -> Expectation[list[Received]]:
        """These messages come, each for the first time, in this order: `["A", ("B", {"Signal": "On"})]`."""
        patterns = [self._step(step) for step in steps]
        return expect_order(self.vehicle, patterns, within)

    def expect_period(
        self,
        message: MessageName,
        cycle: str,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        during: str,
        tolerance: float = 0.05,
        jitter: str | None = None,
        **signals: Any,
    ) -> Expectation[Timing]:
        """The message comes with this period: the mean at most `tolerance` (a part of it) off, each gap `jitter`.

        Without `jitter` a gap may be half a period off; so a frame that is missing is always told.
        """
        period_ns = period(cycle, "cycle")
        jitter_ns = period_ns // 2 if jitter is None else duration(jitter, "jitter")
        pattern = self.pattern(message, values, signals)
        text = f"{pattern} every {cycle} ± {tolerance:.0%} during {during}"
        limits = Limits(period_ns, tolerance, jitter_ns)
        return Period(self.vehicle, text, period(during, "during"), pattern, limits)

    # Looking

    def latest(self, message: MessageName) -> Received | None:
        """The frame of this message that came last; None when none came yet."""
        found, key = find_message(self.name, self.database, message)
        kept = self.vehicle.history.latest(self.name, key, self.vehicle.now_ns)
        return None if kept is None else Received(self.name, kept[0], kept[2], kept[3].name, found)

    def pattern(self, message: MessageName, values: Mapping[str, Any] | None, signals: Mapping[str, Any]) -> Pattern:
        return Pattern(self.name, self.database, message, {**(values or {}), **signals})

    def watch(self, key: int, tap: Tap) -> Callable[[], None]:
        """Call `tap` with each frame of an identifier; returns what ends that."""
        if not self._taps:
            self.bus.taps.append(self._tapped)
        self._taps.setdefault(key, []).append(tap)
        return lambda: self._unwatch(key, tap)

    def _unwatch(self, key: int, tap: Tap) -> None:
        self._taps[key].remove(tap)
        if not self._taps[key]:
            del self._taps[key]
        if not self._taps:
            self.bus.taps.remove(self._tapped)

    def _tapped(self, time_ns: int, frame: Frame, sender: Controller) -> None:
        for tap in tuple(self._taps.get(frame.header & KEY_MASK, ())):
            tap(time_ns, frame, sender)

    def _known(self, message: MessageName) -> Message:
        found, _ = find_message(self.name, self.database, message)
        if found is None:
            raise HilError(f"no database of {self.name} knows {message!r}: send_raw sends any frame")
        return found

    def _checked(
        self, message: MessageName, values: Mapping[str, Any] | None, signals: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The values to send, once all names are known to be there."""
        together = {**(values or {}), **signals}
        definition = self._known(message)
        Pattern(self.name, self.database, definition, dict.fromkeys(together, lambda _: True))
        return together

    def _step(self, step: Step) -> Pattern:
        if isinstance(step, tuple):
            return self.pattern(step[0], step[1], {})
        return self.pattern(step, None, {})

    def __repr__(self) -> str:
        return f"<bus {self.name}>"


def expect_order(vehicle: VehicleUnderTest, patterns: list[Pattern], within: str) -> Expectation[list[Received]]:
    """The expectation that the first frames of these patterns come in this order."""
    if len(patterns) < 2:
        raise HilError("an order needs two messages at least")
    text = " before ".join(str(pattern) for pattern in patterns) + f" within {within}"
    return Order(vehicle, text, period(within, "within"), patterns)
