"""A leaf of the VSS tree: its datatype and limits, and what values they let it have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NoReturn

from gateway.errors import GatewayError
from gateway.routing.store import SignalError, Value

Scalar = bool | int | float | str
Convert = Callable[[object], Value]


class MappingError(GatewayError):
    """A VSS file or a mapping that cannot be used. `faults` has all that is wrong; the first one is the sentence."""

    def __init__(self, sentence: str, *, file: str | None = None, line: int | None = None) -> None:
        super().__init__(sentence, file=file, line=line)
        self.faults: tuple[MappingError, ...] = (self,)


def raise_faults(faults: list[MappingError]) -> None:
    """Raise the faults of a file as one error, where there are any."""
    if not faults:
        return
    first = faults[0]
    more = f" (and {len(faults) - 1} more fault{'s' if len(faults) > 2 else ''} in it)" if len(faults) > 1 else ""
    error = MappingError(first.sentence + more, file=first.file, line=first.line)
    error.faults = tuple(faults)
    raise error


class Kind(Enum):
    """What a leaf of the tree is: told by the car, also asked of it, or fixed."""

    SENSOR = "sensor"
    ACTUATOR = "actuator"
    ATTRIBUTE = "attribute"


INTEGERS: Final[Mapping[str, tuple[int, int]]] = {
    **{f"int{bits}": (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
}
FLOATS: Final = {"float": 3.4028234663852886e38, "double": 1.7976931348623157e308}
"""The greatest value of IEEE 754's binary32 and binary64."""
DATATYPES: Final = ("boolean", "string", *FLOATS, *INTEGERS)
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "True", "t", "T", "1"), True),
    **dict.fromkeys(("false", "False", "f", "F", "0"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VssLeaf:
    """One leaf. `minimum`, `maximum`, `allowed` count for each element of an array; `arraysize` is its exact length.

    `dbc2vss`, `vss2dbc`: what the file says of its CAN signals, as it stands there (see `mapping`).
    """

    path: str
    datatype: str
    kind: Kind
    unit: str = ""
    minimum: int | float | None = None
    maximum: int | float | None = None
    allowed: tuple[Scalar, ...] = ()
    default: Value | None = None
    description: str = ""
    comment: str = ""
    arraysize: int | None = None
    dbc2vss: Any = field(default=None, repr=False, compare=False)
    vss2dbc: Any = field(default=None, repr=False, compare=False)
    coerce: Convert = field(init=False, repr=False, compare=False)
    """The value as this leaf has it. SignalError, with what is allowed, for one that it cannot have."""

    def __post_init__(self) -> None:
        element = _converter(self)
        object.__setattr__(self, "coerce", _array_converter(self, element) if self.is_array else element)

    @property
    def is_array(self) -> bool:
        return self.datatype.endswith("[]")

    @property
    def element(self) -> str:
        """The datatype of one element; of a scalar its own."""
        return self.datatype.removesuffix("[]")

    @property
    def limits(self) -> tuple[int | float, int | float]:
        """Of a number, or of each number of an array: those of the datatype and of the leaf."""
        greatest = FLOATS.get(self.element)
        low, high = INTEGERS[self.element] if greatest is None else (-greatest, greatest)
        low = low if self.minimum is None else max(low, self.minimum)
        return low, high if self.maximum is None else min(high, self.maximum)

    @property
    def range_text(self) -> str:
        """What it can be, for a message to the user."""
        if self.allowed:
            return f"one of {', '.join(str(value) for value in self.allowed)}"
        if self.element in ("boolean", "string"):
            return {"boolean": "true or false", "string": "text"}[self.element]
        low, high = self.limits
        range_ = f"{low:.17g} to {high:.17g}"
        if self.element in FLOATS and (self.minimum is None) is not (self.maximum is None):
            range_ = f"at most {high:.17g}" if self.minimum is None else f"at least {low:.17g}"
        return f"{range_}{' ' if self.unit else ''}{self.unit} ({self.element})"


def _refuse(leaf: VssLeaf, value: object) -> NoReturn:
    raise SignalError(f"{leaf.path} cannot be {_shown(value)}: it takes {leaf.range_text}")


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    return f"{value:.10g}" if isinstance(value, float) else f"{value!r:.80}"


def _converter(leaf: VssLeaf) -> Convert:
    """The conversion of a scalar, or of an array's elements."""
    if leaf.element in INTEGERS:
        convert = _to_number(leaf, int)
    elif leaf.element in FLOATS:
        convert = _to_number(leaf, float)
    else:
        convert = _to_boolean(leaf) if leaf.element == "boolean" else _to_string(leaf)
    if not leaf.allowed:
        return convert
    allowed = frozenset(leaf.allowed)

    def allowed_only(value: object) -> Value:
        converted = convert(value)
        if converted not in allowed:
            _refuse(leaf, value)
        return converted

    return allowed_only


def _to_number(leaf: VssLeaf, kind: type[int] | type[float]) -> Convert:
    low, high = leaf.limits

    def convert(given: object) -> Value:
        value: Any = given
        if value.__class__ is not kind:
            try:
                value = kind(value)
            except (TypeError, ValueError, OverflowError):
                _refuse(leaf, given)
        if low <= value <= high:
            return value  # type: ignore[no-any-return]
        return _refuse(leaf, given)

    return convert


def _to_boolean(leaf: VssLeaf) -> Convert:
    def convert(value: object) -> Value:
        if value is True or value is False:
            return value
        if isinstance(value, str) and value in _BOOLEANS:
            return _BOOLEANS[value]
        if isinstance(value, int | float) and math.isfinite(value):
            return value != 0
        return _refuse(leaf, value)

    return convert


def _to_string(leaf: VssLeaf) -> Convert:
    def convert(value: object) -> Value:
        return value if isinstance(value, str) else _refuse(leaf, value)

    return convert


def _array_converter(leaf: VssLeaf, element: Convert) -> Convert:
    def convert(value: object) -> Value:
        if not isinstance(value, list | tuple):
            raise SignalError(f"{leaf.path} cannot be {_shown(value)}: it takes a list ({leaf.datatype})")
        if leaf.arraysize is not None and len(value) != leaf.arraysize:
            raise SignalError(f"{leaf.path} takes a list of {leaf.arraysize} elements, not of {len(value)}")
        return [element(item) for item in value]  # type: ignore[return-value]

    return convert
