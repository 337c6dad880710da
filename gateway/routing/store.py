"""The signal store: the hub between CAN, LIN, services and applications.

Each signal is named by its VSS path and holds one datapoint: value, time and quality. Nobody is served a value as fresh
that has stopped coming: after its timeout a signal is stale, and its listeners are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, NamedTuple

from gateway.errors import GatewayError, nearest
from gateway.routing.expiry import Expiry
from gateway.sim import Kernel

Value = bool | int | float | str | list[bool] | list[int] | list[float] | list[str]
"""What a VSS leaf can hold."""


class SignalError(GatewayError):
    """A path that is not in the store, or a value that its signal cannot have."""


class NotSentError(SignalError):
    """A target value that could not be handed on: the bus it goes over is dead."""


class Quality(Enum):
    """What a datapoint's value is worth."""

    ABSENT = "absent"
    """Never received."""
    GOOD = "good"
    STALE = "stale"
    """Received once, but not within its timeout."""


class Datapoint(NamedTuple):
    """A signal's value at a time. `value` is None while the quality is ABSENT."""

    value: Value | None
    time_ns: int
    quality: Quality


# Looked up once: asking an enumeration for a member takes as long as a datapoint.
_GOOD: Final = Quality.GOOD
_STALE: Final = Quality.STALE

NEVER: Final = Datapoint(None, 0, Quality.ABSENT)
Listener = Callable[["VssSignal"], object]


class VssSignal:
    """One leaf of the VSS tree as it stands now, and the actuator's target value where something asked for one.

    `timeout_ns`: without a new value for so long it becomes stale; 0 for never. `value`, `time_ns`, `quality` are those
    of `datapoint`, which is made when somebody asks for it.
    """

    def __init__(self, kernel: Kernel, path: str, timeout_ns: int = 0) -> None:
        self.path: Final = path
        self.value: Value | None = None
        self.time_ns: int = 0
        self.quality: Quality = Quality.ABSENT
        self.target: Datapoint = NEVER
        self.updates: int = 0
        self.heard_ns: Callable[[], int] | None = None
        """Tells when its value came last, for a source that does not `refresh` it each time."""
        self.disturbed: Callable[[], object] | None = None
        """Called when the value, or its quality, is not any more what the source that `take`s it told last."""
        self._kernel = kernel
        self._listeners: list[Listener] = []
        self._target_listeners: list[Listener] = []
        self._datapoint: Datapoint | None = NEVER
        self._refreshed_ns: int = 0
        self.expiry: Final = Expiry(kernel, self._last_heard_ns, self._time_out)
        self.expiry.timeout_ns = timeout_ns
        self._timed: bool = False

    @property
    def datapoint(self) -> Datapoint:
        """The same one until value or quality change."""
        made = self._datapoint
        if made is None:
            made = self._datapoint = Datapoint(self.value, self.time_ns, self.quality)
        return made

    @property
    def timeout_ns(self) -> int:
        return self.expiry.timeout_ns

    @timeout_ns.setter
    def timeout_ns(self, timeout_ns: int) -> None:
        self.expiry.timeout_ns = timeout_ns
        self._timed = timeout_ns != 0 and self.quality is _GOOD
        if self._timed:
            self.expiry.begin()
        else:
            self.expiry.end()

    def publish(self, value: Value) -> None:
        """Take a new value that is good now, and tell the listeners."""
        if self.disturbed is not None:
            self.disturbed()
        self.take(value, self._kernel.now)

    def take(self, value: Value, now: int) -> None:
        """As `publish`, from the signal's own source."""
        self.value = value
        self.time_ns = now
        self.quality = _GOOD
        self._datapoint = None
        self.updates += 1
        if not self._timed and self.expiry.timeout_ns:
            self._timed = True
            self.expiry.begin()
        if self._listeners:
            for listener in self._listeners:
                listener(self)

    def refresh(self) -> None:
        """The same value came again: it stays good, and nobody needs to be told."""
        if self.quality is _GOOD:
            self._refreshed_ns = self._kernel.now
        elif self.value is not None:
            self.publish(self.value)

    def expire(self) -> None:
        """Who told the value is known to be gone: it is stale now, whatever its timeout."""
        if self.quality is _GOOD:
            self.expiry.end()
            self._timed = False
            self._become_stale()

    def actuate(self, value: Value) -> None:
        """Ask for a value: whoever drives the actuator is told; the current value follows when the car has done it."""
        self.target = Datapoint(value, self._kernel.now, _GOOD)
        for listener in self._target_listeners:
            listener(self)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each change of value or quality; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def listen_target(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` each time a target value is asked for; returns what ends that."""
        self._target_listeners.append(listener)
        return lambda: self._target_listeners.remove(listener)

    @property
    def actuated(self) -> bool:
        """Something drives this actuator."""
        return bool(self._target_listeners)

    def _last_heard_ns(self) -> int:
        heard_ns = self.time_ns
        if self._refreshed_ns > heard_ns:
            heard_ns = self._refreshed_ns
        if self.heard_ns is not None:
            by_source_ns = self.heard_ns()
            if by_source_ns > heard_ns:
                heard_ns = by_source_ns
        return heard_ns

    def _time_out(self) -> None:
        self._timed = False
        self._become_stale()

    def _become_stale(self) -> None:
        self.quality = _STALE
        self._datapoint = None
        if self.disturbed is not None:
            self.disturbed()
        for listener in self._listeners:
            listener(self)


class SignalStore:
    """All signals of a vehicle by path."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._signals: dict[str, VssSignal] = {}

    def declare(self, path: str, timeout_ns: int = 0) -> VssSignal:
        """The signal at `path`, made where it is not there yet; the longest timeout that anyone declares counts."""
        signal = self._signals.get(path)
        if signal is None:
            signal = self._signals[path] = VssSignal(self._kernel, path, timeout_ns)
        elif timeout_ns > signal.timeout_ns:
            signal.timeout_ns = timeout_ns
        return signal

    def __getitem__(self, path: str) -> VssSignal:
        """SignalError, with the nearest path, when there is none."""
        signal = self._signals.get(path)
        if signal is None:
            raise SignalError(f"there is no signal {path!r} in this vehicle{nearest(path, list(self._signals))}")
        return signal

    def __contains__(self, path: object) -> bool:
        return path in self._signals

    def __iter__(self) -> Iterator[VssSignal]:
        return iter(self._signals.values())

    def __len__(self) -> int:
        return len(self._signals)
