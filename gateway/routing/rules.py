"""The rules of a mapping between CAN and VSS, as data: from which signals to which leaf, how often, converted how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from gateway.can import EXTENDED
from gateway.database import EncodeError, Message, Signal
from gateway.routing.expression import Expression, ExpressionError
from gateway.routing.store import SignalError, Value
from gateway.routing.vss import VssLeaf
from gateway.routing.vss_tree import VssTree

CanValue = int | float | str
"""A physical value, or a label of the signal's value table."""
DEFAULT_INTERVAL_MS: Final = 1000
TIMEOUT_CYCLES: Final = 3
"""Cycle times of its message without a reception, until a signal is stale."""
TOLERANCE: Final = 1e-6
"""Part of a step that a value may be out of its range by rounding, as in `database`."""


class Place(NamedTuple):
    """One signal of one message on one bus."""

    bus: str
    message: Message
    signal: Signal

    @property
    def key(self) -> int:
        """The message's identifier as frames carry it, without CAN FD flags."""
        return self.message.arbitration_id | (EXTENDED if self.message.extended else 0)

    def __str__(self) -> str:
        return f"{self.bus}.{self.message.name}.{self.signal.name}"


class Pair(NamedTuple):
    """One line of a `transform.mapping`."""

    source: bool | int | float | str
    target: Any


class Gate(NamedTuple):
    """A value that another signal of the same frame must have."""

    signal: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UpwardRule:
    """From CAN to one leaf. `math` and `table` are alternatives; neither of them: the value as it is."""

    leaf: VssLeaf
    places: tuple[Place, ...]
    interval_ns: int = DEFAULT_INTERVAL_MS * 1_000_000
    on_change: bool = False
    math: Expression | None = None
    table: tuple[Pair, ...] | None = None
    gates: tuple[Gate, ...] = ()

    @property
    def timeout_ns(self) -> int:
        """When the signal is stale without a reception; 0, never, unless all its messages are cyclic."""
        cycles = [place.message.cycle_ns or 0 for place in self.places]
        return TIMEOUT_CYCLES * max(cycles) if all(cycles) else 0

    def __str__(self) -> str:
        return f"{' and '.join(map(str, self.places))} -> {self.leaf.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DownwardRule:
    """From an actuator's target value to CAN."""

    leaf: VssLeaf
    place: Place
    math: Expression | None = None
    table: tuple[Pair, ...] | None = None

    def to_can(self, value: Value) -> CanValue:
        """What the signal shall be, physical or a label. SignalError where there is nothing that it could be."""
        path = self.leaf.path
        wanted: object = self.leaf.coerce(value)
        if self.table is not None:
            found = [pair.target for pair in self.table if pair.source == wanted]
            if not found:
                known = ", ".join(repr(pair.source) for pair in self.table)
                raise SignalError(f"{path} cannot be {wanted!r}: its mapping to {self.place} has {known} only")
            wanted = found[0]
        try:
            if self.math is not None:
                function = self.math.function
                wanted = function(wanted) if self.math.names else function()
            if not isinstance(wanted, int | float | str):
                raise SignalError(f"{path} cannot be {wanted!r}: a list does not fit in {self.place}")
            self.place.signal.to_raw(wanted)
        except (ExpressionError, EncodeError) as error:
            raise SignalError(f"{path} cannot be {value!r}: {error.sentence}") from None
        return wanted

    def __str__(self) -> str:
        return f"{self.leaf.path} -> {self.place}"


@dataclass(frozen=True, slots=True)
class VssMapping:
    """All rules of a file. `notes`: what in it has no effect, or more effect than it may seem."""

    file: str
    tree: VssTree = field(repr=False)
    upward: tuple[UpwardRule, ...]
    downward: tuple[DownwardRule, ...]
    notes: tuple[str, ...] = ()


Defaults = Mapping[Message, Mapping[str, CanValue]]
"""Values by signal for messages that are sent."""
