"""A provider: a client that drives actuators or publishes signals over a stream of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.domains.errors import Code, DomainError
from gateway.domains.sdv.entry import Entry
from gateway.domains.sdv.permissions import Action, Permissions
from gateway.routing import Value

if TYPE_CHECKING:
    from gateway.domains.sdv.broker import Broker

ROOM: Final = 1000
"""Actuations that may wait for a provider which does not read."""


class Actuation(NamedTuple):
    """A value that an actuator shall have."""

    entry: Entry
    value: Value


class Provider:
    """What it has claimed. Hand over what `take` yields whenever `on_ready` is called; `close` gives the claims back."""

    def __init__(self, broker: Broker, permissions: Permissions) -> None:
        self.on_ready: Callable[[], object] | None = None
        self.permissions: Final = permissions
        self._broker = broker
        self._claims: list[Entry] = []
        self._waiting: list[Actuation] = []

    def claim_actuators(self, entries: Iterable[Entry]) -> None:
        """From now on it drives these, all or none. DomainError for one that has a provider, or that it may not."""
        entries = list(entries)
        for entry in entries:
            self.permissions.check(Action.PROVIDE, entry.path)
            if not entry.is_actuator:
                raise DomainError(Code.INVALID_ARGUMENT, f"{entry.path} is no actuator, so nobody can drive it")
            if entry.driven or entry.actuation_provider not in (None, self):
                who = "this vehicle's own bus" if entry.driven else "another provider"
                raise DomainError(Code.ALREADY_EXISTS, f"{entry.path} is driven by {who} already")
        for entry in entries:
            entry.actuation_provider = self
            self._claims.append(entry)

    def claim_signals(self, intervals_ms: Mapping[Entry, int]) -> None:
        """From now on it alone publishes these, all or none, each at most once in so long. DomainError as for
        actuators."""
        entries = list(intervals_ms)
        for entry in entries:
            self.permissions.check(Action.PROVIDE, entry.path)
            if entry.signal_provider not in (None, self):
                raise DomainError(Code.ALREADY_EXISTS, f"{entry.path} is published by another provider already")
        for entry in entries:
            entry.signal_provider = self
            entry.sample_interval_ms = intervals_ms[entry]
            self._claims.append(entry)

    def publish(self, values: Mapping[int, object]) -> dict[int, DomainError]:
        """Publish by number. What is refused comes back with its reason; the rest is published."""
        refused: dict[int, DomainError] = {}
        for number, value in values.items():
            try:
                self._broker.publish(self._broker.by_number(number), value, self.permissions)
            except DomainError as error:
                refused[number] = error
        return refused

    def actuate(self, actuation: Actuation) -> None:
        """It shall do this. DomainError, UNAVAILABLE, when it does not take what it is asked."""
        if len(self._waiting) >= ROOM:
            raise DomainError(Code.UNAVAILABLE, f"the provider of {actuation.entry.path} does not take its requests")
        self._waiting.append(actuation)
        if self.on_ready is not None:
            self.on_ready()

    def take(self) -> list[Actuation]:
        """All that has been asked of it since the last time."""
        taken, self._waiting = self._waiting, []
        return taken

    def close(self) -> None:
        for entry in self._claims:
            if entry.actuation_provider is self:
                entry.actuation_provider = None
            if entry.signal_provider is self:
                entry.signal_provider = None
                entry.sample_interval_ms = 0
        self._claims.clear()
