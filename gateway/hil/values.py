"""What a test can expect of a value: that value, its name, a tolerance, a range, one of several, or any condition.

    50            equal, to half of the signal's resolution
    "On"          the name in the value table
    near(50, 1)   50 and at most 1 more or less
    (40, 60)      from 40 to 60
    {"R", "D"}    one of these
    function      for which this is true
    raw(7)        the raw value, whatever the database says

Anything else counts when it equals the value, as `pytest.approx` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gateway.com import label_of
from gateway.database import EncodeError, Signal
from gateway.errors import nearest
from gateway.hil.errors import HilError
from gateway.routing import SignalError, VssLeaf

Test = Callable[[Any], bool]
_CLOSE: Final = 1e-6
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw value, past the limits and names of the database."""

    value: int


@dataclass(frozen=True, slots=True)
class Near:
    """A value and what it may be off by, in the value's unit."""

    value: float
    tolerance: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and abs(other - self.value) <= self.tolerance

    def __hash__(self) -> int:
        return hash((self.value, self.tolerance))

    def __repr__(self) -> str:
        return f"{self.value:g} ± {self.tolerance:g}"


def raw(value: int) -> Raw:
    """The raw value of a signal, whether the database allows it or not."""
    return Raw(value)


def near(value: float, tolerance: float) -> Near:
    """`value` and at most `tolerance` more or less."""
    return Near(value, tolerance)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A condition on a value, and its text for people."""

    text: str
    holds: Test


def raw_of(signal: Signal, value: object) -> int | float:
    """What a signal sends for a value. HilError says how to send what the database does not allow."""
    if isinstance(value, Raw):
        low, high = signal.raw_limits
        if not signal.is_float and not low <= value.value <= high:
            raise HilError(f"{signal}: raw({value.value}) does not fit into its {signal.length} bits ({low} to {high})")
        return value.value
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, int | float | str):
        raise HilError(f"{signal}: {value!r} is no value: a number, a name of its value table, or raw(...)")
    try:
        return signal.to_raw(value)
    except EncodeError as error:
        raise HilError(f"{error.sentence}; raw(...) sends any bits all the same") from None


def wanted_of_signal(signal: Signal, expected: object) -> Wanted:
    """The condition on a signal of a message; it gets the decoded physical value.

    HilError for what the signal can never be.
    """
    if isinstance(expected, Raw):
        target = signal.to_physical(raw_of(signal, expected))
        return Wanted(f"raw {expected.value}", lambda value: bool(value == target))
    if isinstance(expected, str):
        _check_label(signal, expected)
        return Wanted(expected, lambda value: label_of(signal, value) == expected)
    if isinstance(expected, bool | int | float):
        raw_of(signal, expected)
        slack = 0.0 if signal.is_float else abs(signal.scale) * 0.5
        number = float(expected)
        return Wanted(f"{number:g}", lambda value: abs(value - number) <= max(slack, _CLOSE * abs(number)))
    if isinstance(expected, set | frozenset | list):
        each = [wanted_of_signal(signal, item) for item in expected]
        return Wanted(_one_of(each), lambda value: any(one.holds(value) for one in each))
    if callable(expected) and signal.choices:
        named = _shared(expected)
        return Wanted(named.text, lambda value: named.holds(label_of(signal, value) or value))
    return _shared(expected)


def _check_label(signal: Signal, label: str) -> None:
    labels = list((signal.choices or {}).values())
    if label not in labels:
        hint = nearest(label, labels) or (f" (there are {', '.join(labels[:_SHOWN])})" if labels else ", and no names")
        raise HilError(f"{signal} has no value {label!r}{hint}")


def wanted_of_leaf(leaf: VssLeaf | None, path: str, expected: object) -> Wanted:
    """The condition on a VSS signal. HilError for what its datatype cannot be."""
    if isinstance(expected, Raw):
        raise HilError(f"{path} is no CAN signal: it has no raw value")
    if isinstance(expected, bool | str | int | float):
        if leaf is not None:
            try:
                expected = leaf.coerce(expected)
            except SignalError as error:
                raise HilError(f"{path} can never be that: {error.sentence}") from None
        if isinstance(expected, float):
            number = expected
            return Wanted(f"{number:g}", lambda value: _number(value) and math.isclose(value, number, rel_tol=_CLOSE))
        return Wanted(f"{expected}", lambda value: bool(value == expected) and _number(value) == _number(expected))
    if isinstance(expected, set | frozenset):
        each = [wanted_of_leaf(leaf, path, item) for item in expected]
        return Wanted(_one_of(each), lambda value: any(one.holds(value) for one in each))
    return _shared(expected)


def _shared(expected: object) -> Wanted:
    """What is the same for all kinds of values."""
    if isinstance(expected, tuple):
        if len(expected) != 2 or not all(_number(end) for end in expected) or expected[0] > expected[1]:
            raise HilError(f"{expected!r} is no range: write (lowest, highest)")
        low, high = expected
        return Wanted(f"{low:g} to {high:g}", lambda value: _number(value) and low <= value <= high)
    if callable(expected) and not isinstance(expected, type):
        condition = expected
        name = getattr(condition, "__name__", repr(condition))
        text = "what its condition wants" if name == "<lambda>" else name
        return Wanted(text, lambda value: bool(condition(value)))
    return Wanted(repr(expected), lambda value: bool(expected == value))


def _one_of(each: list[Wanted]) -> str:
    return "one of " + ", ".join(sorted(one.text for one in each))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
