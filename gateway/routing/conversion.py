"""From a signal's physical value to the value of a VSS leaf: range, table or math, and the leaf's own datatype.

All that can be computed before a frame comes is. Most values go through one function that was chosen for the rule; what
it cannot convert takes the slow way, which tells why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final

from gateway.database import Signal
from gateway.routing.expression import ExpressionError
from gateway.routing.rules import TOLERANCE, Pair, Place, UpwardRule
from gateway.routing.store import SignalError, Value
from gateway.routing.vss import FLOATS, INTEGERS, VssLeaf

Convert = Callable[[int | float], Value]


class Refusal(Enum):
    """Why a received value was not published."""

    OUT_OF_RANGE = "outside the signal's range in the database"
    UNMAPPED = "not in the mapping"
    MATH = "no result of the expression"
    DATATYPE = "not a value of the VSS leaf"


class Unfit(Exception):  # noqa: N818 - a way out of a conversion, never seen outside
    """A value that the rule does not publish."""

    def __init__(self, reason: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Source:
    """One signal that a leaf comes from."""

    def __init__(self, rule: UpwardRule, place: Place) -> None:
        signal = place.signal
        self.place: Final = place
        self.decode: Final = signal.decode
        self.bytes: Final = (signal.end_bit + 7) // 8
        """So many a payload has that has this signal."""
        names: Mapping[int, str] = signal.choices or {}
        self.labels: Final = {signal.to_physical(raw): name for raw, name in names.items()}
        self._raws: Final = {signal.to_physical(raw): raw for raw in names}
        self._gates: Final = tuple((place.message.by_name[gate.signal].decode, gate.value) for gate in rule.gates)
        self.selective: Final = bool(self._gates) or signal.multiplexer_signal is not None
        self.always: Final = not self.selective and signal.end_bit <= 8 * place.message.length
        """Each payload of the message's own length has it."""
        slack = abs(signal.scale) * TOLERANCE
        self.low: Final = float("-inf") if signal.minimum is None else signal.minimum - slack
        self.high: Final = float("inf") if signal.maximum is None else signal.maximum + slack
        self.rule: Final = rule
        self._table: Final = None if rule.table is None else self._by_physical(rule.table)
        self.convert: Final[Convert] = self._quick_conversion()
        """The VSS value of a physical value; Unfit with the reason."""

    def present(self, data: bytes) -> bool:
        """Whether the payload has this signal, and its gates are open."""
        return all(decode(data) == value for decode, value in self._gates) and self.decode(data) is not None

    def _by_physical(self, pairs: Iterable[Pair]) -> dict[int | float, Value]:
        """The table by physical value. What comes first in the file counts, labels before numbers."""
        table: dict[int | float, Value] = {}
        for pair in pairs:
            for physical, label in self.labels.items():
                if pair.source == label:
                    table.setdefault(physical, pair.target)
        for pair in pairs:
            if isinstance(pair.source, str):
                continue
            for physical, raw in self._raws.items():
                if pair.source == raw:
                    table.setdefault(physical, pair.target)
            if pair.source not in self.labels:
                table.setdefault(pair.source, pair.target)
        return table

    def _quick_conversion(self) -> Convert:
        """What converts most values as `_checked` does, and leaves the others to it."""
        checked, low, high, labels = self._checked, self.low, self.high, self.labels
        coerce, math = self.rule.leaf.coerce, self.rule.math
        if self._table is not None:
            ready = {value: found for value, found in self._table.items() if value in labels or low <= value <= high}

            def from_table(value: int | float) -> Value:
                found = ready.get(value)
                return checked(value) if found is None else found

            return from_table
        if math is None:

            def as_it_is(value: int | float) -> Value:
                if low <= value <= high and value not in labels:
                    try:
                        return coerce(value)
                    except SignalError:
                        pass
                return checked(value)

            return as_it_is
        if not math.names:
            return checked
        function: Callable[..., Any] = math.function
        kind: Any
        kind, (least, most) = _plain_kind(self.rule.leaf)

        def computed(value: int | float) -> Value:
            if low <= value <= high and value not in labels:
                try:
                    result = function(value)
                    if result.__class__ is kind and least <= result <= most:
                        return result  # type: ignore[no-any-return]
                    return coerce(result)
                except (SignalError, ExpressionError):
                    pass
            return checked(value)

        return computed

    def _checked(self, value: int | float) -> Value:
        label = self.labels.get(value) if self.labels else None
        if label is None and not self.low <= value <= self.high:
            raise Unfit(Refusal.OUT_OF_RANGE, f"{value} is outside the range of {self.place}")
        if self._table is not None:
            found = self._table.get(value)
            if found is None:
                raise Unfit(Refusal.UNMAPPED, f"{value if label is None else label} is not in the mapping")
            return found
        coerce, math = self.rule.leaf.coerce, self.rule.math
        try:
            if math is not None:
                if label is not None:
                    raise Unfit(Refusal.MATH, f"{label} is a label, no number for {math.text!r}")
                return coerce(math.function(value) if math.names else math.function())
            if label is not None:
                return coerce(label if self.rule.leaf.datatype == "string" else self._raws[value])
            return coerce(value)
        except ExpressionError as without_result:
            raise Unfit(Refusal.MATH, without_result.sentence) from None
        except SignalError as refused:
            leaf = self.rule.leaf
            sentence = refused.sentence if label is None else f"{label}: {leaf.path} takes {leaf.range_text}"
            raise Unfit(Refusal.DATATYPE, sentence) from None


def _plain_kind(leaf: VssLeaf) -> tuple[type | None, tuple[int | float, int | float]]:
    """The class and the limits of numbers that a leaf has as they are; no class where it is not so simple."""
    if leaf.allowed or leaf.datatype not in (*INTEGERS, *FLOATS):
        return None, (0, 0)
    return int if leaf.datatype in INTEGERS else float, leaf.limits


def bits_of(signal: Signal) -> int:
    """The signal's bits in a payload that is read as a little-endian integer."""
    if not signal.big_endian:
        return (1 << signal.length) - 1 << signal.start
    return sum(1 << 8 * (place // 8) + 7 - place % 8 for place in range(signal.first_bit, signal.end_bit))
