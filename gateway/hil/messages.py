"""What can be expected of the messages on a bus: that one comes, never comes, so often, in order, in time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.can import Controller, Frame
from gateway.hil.causes import cause_lines, origin_lines
from gateway.hil.errors import HilError
from gateway.hil.expectation import Expectation, T
from gateway.hil.pattern import Pattern
from gateway.hil.received import Received, signals_text
from gateway.hil.story import message_story
from gateway.sim import NS_PER_S, duration_text

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_BESIDES: Final = 3
"""Signals shown beside those that were asked for."""


class Timing(NamedTuple):
    """How regularly a message came. `jitter_ns`: the most that a gap was off from the mean."""

    frames: int
    mean_ns: float
    shortest_ns: int
    longest_ns: int

    @property
    def jitter_ns(self) -> float:
        return max(self.longest_ns - self.mean_ns, self.mean_ns - self.shortest_ns)


class MessageExpectation(Expectation[T]):
    """Watches the frames of some patterns."""

    def __init__(self, vehicle: VehicleUnderTest, text: str, within_ns: int, patterns: Sequence[Pattern]) -> None:
        super().__init__(vehicle, text, within_ns)
        self.patterns: Final = patterns
        for bus in dict.fromkeys(pattern.bus for pattern in patterns):
            keys = {pattern.key for pattern in patterns if pattern.bus == bus}
            for key in sorted(keys):
                self.on_end(vehicle[bus].watch(key, self._watcher(bus, key)))

    def _watcher(self, bus: str, key: int) -> Watcher:
        return Watcher(self, [pattern for pattern in self.patterns if pattern.bus == bus and pattern.key == key])

    def came(self, pattern: Pattern, received: Received) -> None:
        """A frame came that is as the pattern wants it."""
        raise NotImplementedError

    def missing(self) -> Sequence[Pattern]:
        """What did not come as it should."""
        return self.patterns

    def cause(self) -> list[str]:
        return [
            line
            for pattern in self.missing()
            for line in cause_lines(self.vehicle, pattern, self.created_ns, self.ended_ns)
        ]

    def story(self) -> list[str]:
        lines: list[str] = []
        for pattern in self.patterns:
            lines += [""] if lines else []
            lines += message_story(self.vehicle, pattern, self.created_ns, self.ended_ns)
        return lines


class Watcher:
    """Looks at the frames of one identifier for an expectation."""

    __slots__ = ("_expectation", "_patterns")

    def __init__(self, expectation: MessageExpectation[T], patterns: list[Pattern]) -> None:
        self._expectation = expectation
        self._patterns = patterns

    def __call__(self, time_ns: int, frame: Frame, sender: Controller) -> None:
        expectation = self._expectation
        for pattern in self._patterns:
            if pattern.matches(frame):
                after_ns = time_ns - expectation.created_ns
                received = Received(pattern.bus, time_ns, frame, sender.name, pattern.message, after_ns)
                expectation.came(pattern, received)


class Comes(MessageExpectation[Received]):
    """A frame as wanted comes."""

    def came(self, pattern: Pattern, received: Received) -> None:
        self.fulfil(received)


class Never(MessageExpectation[None]):
    """No frame as described comes."""

    def cause(self) -> list[str]:
        return [line for pattern in self.patterns for line in origin_lines(self.vehicle, pattern, self.ended_ns)]

    def story(self) -> list[str]:
        pattern = self.patterns[0]
        return message_story(self.vehicle, pattern, self.created_ns, self.ended_ns, "this frame")

    def came(self, pattern: Pattern, received: Received) -> None:
        text = signals_text(pattern.message, received.frame, tuple(pattern.wanted), len(pattern.wanted) + _BESIDES)
        self.break_(f"it came after {duration_text(received.after_ns)}: {received.name} {text}")

    def expired(self) -> None:
        self.fulfil(None)


class Count(MessageExpectation[list[Received]]):
    """So many frames come, no more and no less."""

    def __init__(self, vehicle: VehicleUnderTest, text: str, within_ns: int, pattern: Pattern, wanted: int) -> None:
        self.wanted: Final = wanted
        self.frames: list[Received] = []
        super().__init__(vehicle, text, within_ns, [pattern])

    def came(self, pattern: Pattern, received: Received) -> None:
        self.frames.append(received)
        if len(self.frames) > self.wanted:
            self.break_(f"one more came after {duration_text(received.after_ns)}")

    def expired(self) -> None:
        if len(self.frames) == self.wanted:
            self.fulfil(self.frames)
        else:
            self.break_(f"{len(self.frames)} came within {duration_text(self.within_ns)}")


class Order(MessageExpectation[list[Received]]):
    """The first frames of several patterns come in this order."""

    def __init__(self, vehicle: VehicleUnderTest, text: str, within_ns: int, patterns: Sequence[Pattern]) -> None:
        self.frames: list[Received] = []
        super().__init__(vehicle, text, within_ns, patterns)

    def came(self, pattern: Pattern, received: Received) -> None:
        position = self.patterns.index(pattern)
        if position > len(self.frames):
            self.break_(f"{pattern} came before {self.patterns[len(self.frames)]}")
        elif position == len(self.frames):
            self.frames.append(received)
            if len(self.frames) == len(self.patterns):
                self.fulfil(self.frames)

    def missing(self) -> Sequence[Pattern]:
        return self.patterns[len(self.frames) : len(self.frames) + 1]

    def story(self) -> list[str]:
        lines = [f"{frame.bus}.{frame.name} came at {frame.time_s:.6f} s" for frame in self.frames]
        for pattern in self.missing():
            lines += [*([""] if lines else []), *message_story(self.vehicle, pattern, self.created_ns, self.ended_ns)]
        return lines

    def expired(self) -> None:
        self.break_(f"{self.patterns[len(self.frames)]} did not come within {duration_text(self.within_ns)}")


class Limits(NamedTuple):
    """What is allowed of a period: the mean may be off by a part of it, each gap by some time."""

    period_ns: int
    tolerance: float
    jitter_ns: int


class Period(MessageExpectation[Timing]):
    """A message comes regularly."""

    def __init__(self, vehicle: VehicleUnderTest, text: str, within_ns: int, pattern: Pattern, limits: Limits) -> None:
        if within_ns < 2 * limits.period_ns:
            raise HilError(
                f"during={duration_text(within_ns)} is too short to see a period of {duration_text(limits.period_ns)}"
            )
        self._limits: Final = limits
        self._times: list[int] = []
        super().__init__(vehicle, text, within_ns, [pattern])

    def came(self, pattern: Pattern, received: Received) -> None:
        if self._times:
            gap_ns = received.time_ns - self._times[-1]
            if abs(gap_ns - self._limits.period_ns) > self._limits.jitter_ns:
                self.break_(f"there were {duration_text(gap_ns)} between two of them, at {received.time_s:.6f} s")
        self._times.append(received.time_ns)

    def expired(self) -> None:
        times, limits = self._times, self._limits
        if len(times) < 2 or self.vehicle.now_ns - times[-1] > limits.period_ns + limits.jitter_ns:
            self.break_(
                f"{len(times)} came within {duration_text(self.within_ns)}"
                + (f", and none after {times[-1] / NS_PER_S:.6f} s" if times else "")
            )
            return
        gaps = [later - earlier for earlier, later in pairwise(times)]
        timing = Timing(len(times), (times[-1] - times[0]) / len(gaps), min(gaps), max(gaps))
        if abs(timing.mean_ns - limits.period_ns) > limits.tolerance * limits.period_ns:
            self.break_(f"the mean period is {duration_text(round(timing.mean_ns))}")
        else:
            self.fulfil(timing)


class ResponseTime(Expectation[int]):
    """From what one expectation waits for to what another waits for; the nanoseconds between them."""

    def __init__(
        self,
        vehicle: VehicleUnderTest,
        stimulus: Expectation[Received],
        response: Expectation[Received],
        at_most_ns: int,
    ) -> None:
        text = f"at most {duration_text(at_most_ns)} from {stimulus.text} to {response.text}"
        super().__init__(vehicle, text, max(stimulus.within_ns, response.within_ns))
        stimulus.awaited = response.awaited = True
        self._at_most_ns: Final = at_most_ns
        self._parts: Final = (stimulus, response)
        stimulus.on_end(self._look)
        response.on_end(self._look)

    def _look(self) -> None:
        stimulus, response = self._parts
        if not (stimulus.done and response.done):
            return
        taken_ns = response.ended_ns - stimulus.ended_ns
        if stimulus.failed or response.failed:
            self.break_(f"did not come: {(stimulus if stimulus.failed else response).text}")
        elif not 0 <= taken_ns <= self._at_most_ns:
            when = f"{duration_text(taken_ns)} after" if taken_ns >= 0 else f"{duration_text(-taken_ns)} before"
            self.break_(f"the second came {when} the first")
        else:
            self.fulfil(taken_ns)

    @property
    def parts(self) -> tuple[Expectation[Received], Expectation[Received]]:
        """What is waited for first and then."""
        return self._parts

    def cause(self) -> list[str]:
        return [line for part in self._parts if part.failed for line in part.cause()]

    def story(self) -> list[str]:
        stimulus, response = self._parts
        return [*stimulus.story(), "", *response.story()]
