"""A mapped property at work: a rule and the signals that it reads and drives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.domains.aaos.rules import PropertyRule
from gateway.domains.aaos.values import RawValue, StatusCode
from gateway.routing import NotSentError, Quality, SignalError, SignalStore, Value, VssSignal
from gateway.routing.vss import Kind


class Source:
    """The value of a property in an area, from the store."""

    def __init__(self, rule: PropertyRule, store: SignalStore) -> None:
        self.rule: Final = rule
        self._signals = {path: store.declare(path) for path in dict.fromkeys(rule.paths)}

    @property
    def writable(self) -> bool:
        """Something drives the signal, and the rule lets it."""
        leaf = self.rule.leaf
        return leaf is not None and leaf.kind is Kind.ACTUATOR and not self.rule.read_only

    @property
    def time_ns(self) -> int:
        """When the newest of its signals came."""
        return max(signal.datapoint.time_ns for signal in self._signals.values())

    def read(self) -> RawValue | None:
        """The value now; None where a signal that it needs is absent or stale."""
        return self.rule.to_property({path: _good(signal) for path, signal in self._signals.items()})

    def write(self, raw: RawValue) -> StatusCode:
        """Ask the actuator for it. NOT_AVAILABLE when nobody drives it, its bus is dead, or who tells its value is silent."""
        leaf = self.rule.leaf
        if leaf is None or not self.writable:
            return StatusCode.ACCESS_DENIED
        signal = self._signals[leaf.path]
        wanted = self.rule.to_signal(raw)
        if wanted is None:
            return StatusCode.INVALID_ARG
        if not signal.actuated or signal.quality is Quality.STALE:
            return StatusCode.NOT_AVAILABLE
        try:
            signal.actuate(leaf.coerce(wanted))
        except NotSentError:
            return StatusCode.NOT_AVAILABLE
        except SignalError:
            return StatusCode.INVALID_ARG
        return StatusCode.OK

    def listen(self, changed: Callable[[], object]) -> list[Callable[[], None]]:
        """Call `changed` when one of its signals has changed; returns what ends that."""
        return [signal.listen(lambda _signal: changed()) for signal in self._signals.values()]


def _good(signal: VssSignal) -> Value | None:
    datapoint = signal.datapoint
    return datapoint.value if datapoint.quality is Quality.GOOD else None
