"""A leaf of the tree as the broker serves it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from gateway.domains.errors import Code, DomainError
from gateway.routing import NEVER, Datapoint, Quality, SignalError, Value, VssLeaf, VssSignal
from gateway.routing.vss import Kind

if TYPE_CHECKING:
    from gateway.domains.sdv.provider import Provider


class Aspect(Enum):
    """Which of an entry's two datapoints."""

    VALUE = "value"
    TARGET = "target"


class Entry:
    """A leaf, its signal, its number in this run, and who provides it besides the vehicle's own buses."""

    def __init__(self, number: int, leaf: VssLeaf, signal: VssSignal) -> None:
        self.number: Final = number
        self.leaf: Final = leaf
        self.signal: Final = signal
        self.path: Final = leaf.path
        self.actuation_provider: Provider | None = None
        self.signal_provider: Provider | None = None
        self.sample_interval_ms: int = 0
        """How often that provider has said that it publishes; 0 where it has not."""
        self._driven: bool | None = None

    @property
    def is_actuator(self) -> bool:
        return self.leaf.kind is Kind.ACTUATOR

    @property
    def driven(self) -> bool:
        """The vehicle itself drives this actuator."""
        return self.signal.actuated if self._driven is None else self._driven

    def watch_target(self) -> None:
        """Somebody is going to listen to the target value who does not drive it: remember who does."""
        if self._driven is None:
            self._driven = self.signal.actuated

    def datapoint(self, aspect: Aspect = Aspect.VALUE) -> Datapoint:
        return self.signal.datapoint if aspect is Aspect.VALUE else self.signal.target

    def current(self, aspect: Aspect = Aspect.VALUE) -> Value | None:
        """The value that an application may believe: None for one that is absent or stale."""
        return good(self.datapoint(aspect))

    def coerce(self, value: object) -> Value:
        """The value as the leaf takes it. DomainError where it cannot have it."""
        try:
            return self.leaf.coerce(value)
        except SignalError as error:
            raise DomainError(Code.INVALID_ARGUMENT, error.sentence) from None


def good(datapoint: Datapoint) -> Value | None:
    """A datapoint's value; None unless it is good."""
    return datapoint.value if datapoint is not NEVER and datapoint.quality is Quality.GOOD else None
