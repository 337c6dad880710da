"""When a signal's value goes out: on change, beyond an epsilon, cyclically, and never more often than an interval.

One `Pacer` decides for one signal and one receiver. It knows no clock: values and the time go in; out come "now" and
the time at which to ask again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.routing import Datapoint, Quality
from gateway.sim import duration_text

_GOOD: Final = Quality.GOOD


class Send(Enum):
    """What makes a value go out."""

    CHANGE = "on_change"
    """Another value (further away than `epsilon`) or quality; and again after each cycle, where there is one."""
    EACH = "each"
    """Each value that is published, changed or not; and again after each cycle, where there is one."""
    CYCLIC = "cyclic"
    """Once in each cycle, whatever it is then; a changed quality at once."""


class KeptBack(Enum):
    """Why a new value does not go out at once."""

    CYCLE = "cycle"
    EPSILON = "epsilon"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class EventPolicy:
    """`epsilon`: numbers that differ by no more are the same; `cycle_ns`: again after so long, 0 for never;
    `interval_ns`: the smallest time between two, 0 for none."""

    send: Send = Send.CHANGE
    epsilon: float = 0.0
    cycle_ns: int = 0
    interval_ns: int = 0

    def sentence(self, why: KeptBack) -> str:
        """What of the policy keeps a value back: `at most one every 1 s`."""
        match why:
            case KeptBack.CYCLE:
                return f"only one in each cycle of {duration_text(self.cycle_ns)}"
            case KeptBack.EPSILON:
                return f"within epsilon {self.epsilon:g} of what went out"
        return f"at most one every {duration_text(self.interval_ns)}"


class Pacer:
    """One signal to one receiver. After each call ask again at `deadline`, in nanoseconds; None for never.

    `kept_back`: why a new value has not gone out since the last that did; None while none was kept back.
    """

    __slots__ = ("_held", "_last", "_policy", "_sent_ns", "deadline", "kept_back")

    def __init__(self, policy: EventPolicy) -> None:
        self.deadline: int | None = None
        self.kept_back: KeptBack | None = None
        self._policy: Final = policy
        self._last: Datapoint | None = None
        self._sent_ns = 0
        self._held = False

    def changed(self, point: Datapoint, now: int) -> bool:
        """The signal has this datapoint now; whether it goes out at once."""
        last = self._last
        if last is None or point.quality is not last.quality:
            return self._go(point, now)
        policy = self._policy
        if policy.send is Send.CYCLIC or (policy.send is Send.CHANGE and self._same(point, last)):
            if self._held and policy.send is Send.CHANGE:  # it came back before the interval had passed
                self._held = False
                self.deadline = self._cycle_end()
            if point.value != last.value:
                self.kept_back = KeptBack.CYCLE if policy.send is Send.CYCLIC else KeptBack.EPSILON
            return False
        due = self._sent_ns + policy.interval_ns
        if now >= due:
            return self._go(point, now)
        self._held = True
        self.kept_back = KeptBack.INTERVAL
        self.deadline = due
        return False

    def wake(self, point: Datapoint, now: int) -> bool:
        """The deadline has come; whether the datapoint goes out now."""
        if self.deadline is None or now < self.deadline:
            return False
        return self._go(point, now)

    def again(self) -> None:
        """Forget what went out: the receiver has lost it."""
        self._last = None
        self._held = False
        self.deadline = None

    def _same(self, point: Datapoint, last: Datapoint) -> bool:
        value, old = point.value, last.value
        epsilon = self._policy.epsilon
        if not epsilon:
            return value == old
        return near(value, old, epsilon)

    def _go(self, point: Datapoint, now: int) -> bool:
        self._last = point
        self._sent_ns = now
        self._held = False
        self.kept_back = None
        self.deadline = self._cycle_end()
        return True

    def _cycle_end(self) -> int | None:
        cycle = self._policy.cycle_ns
        # What is stale or was never there does not become better by being told again.
        if not cycle or self._last is None or self._last.quality is not _GOOD:
            return None
        return self._sent_ns + cycle


def near(value: object, old: object, epsilon: float) -> bool:
    """Whether two values are the same for who does not look closer than `epsilon`; arrays element by element."""
    if isinstance(value, int | float) and isinstance(old, int | float):
        return value == old if isinstance(value, bool) else abs(value - old) <= epsilon
    if isinstance(value, Sequence) and isinstance(old, Sequence) and not isinstance(value, str):
        return len(value) == len(old) and all(near(*pair, epsilon) for pair in zip(value, old, strict=True))
    return value == old
