"""What an expression may call, and the limits of the language."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.errors import GatewayError

Operand = bool | int | float | str

LENGTH: Final = 1000
"""Characters in an expression, at most."""
DEPTH: Final = 60
"""Operations inside one another, at most."""
POWER_BITS: Final = 1024
"""Whole powers above are computed as floats, which end at about this size."""


class ExpressionError(GatewayError):
    """An expression that cannot be read, or that has no result for the values it got."""


def quoted(text: str) -> str:
    return repr(text if len(text) <= 100 else f"{text[:97]}...")


def shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    return f"{value!r:.60}"


def _number(value: Operand) -> int | float:
    if not isinstance(value, int | float):
        raise TypeError(f"{shown(value)} is no number")
    return value


def _power(base: int | float, exponent: int | float) -> int | float:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and exponent > 0 and int(base).bit_length() * exponent > POWER_BITS:
        base = float(base)
    result: object = base**exponent
    if not isinstance(result, int | float):
        raise ValueError("a root of a negative number")
    return result


def _factorial(number: int | float) -> int:
    if number != int(number) or not 0 <= number <= 170:
        raise ValueError("fac takes a whole number from 0 to 170")
    return math.factorial(int(number))


def _hypotenuse(a: float, b: float) -> float:
    return math.sqrt(a * a + b * b)


def _concat(*parts: Operand) -> str:
    return "".join(str(part) for part in parts)


class Function(NamedTuple):
    function: Callable[..., object]
    least: int = 1
    most: int = 1


MANY: Final = 20
FUNCTIONS: Final = {
    **{name: Function(getattr(math, name)) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sqrt", "exp")},
    "sind": Function(lambda degrees: math.sin(math.radians(degrees))),
    "cosd": Function(lambda degrees: math.cos(math.radians(degrees))),
    "tand": Function(lambda degrees: math.tan(math.radians(degrees))),
    "asind": Function(lambda value: math.degrees(math.asin(value))),
    "acosd": Function(lambda value: math.degrees(math.acos(value))),
    "atand": Function(lambda value: math.degrees(math.atan(value))),
    "ceil": Function(math.ceil),
    "floor": Function(math.floor),
    "round": Function(round, 1, 2),
    "abs": Function(abs),
    "log": Function(math.log, 1, 2),
    "pow": Function(math.pow, 2, 2),
    "atan2": Function(math.atan2, 2, 2),
    "pyt": Function(_hypotenuse, 2, 2),
    "fac": Function(_factorial),
    "min": Function(min, 2, MANY),
    "max": Function(max, 2, MANY),
}
CONSTANTS: Final = {"PI": math.pi, "E": math.e, "true": True, "false": False, "True": True, "False": False}
NAMESPACE: Final[dict[str, object]] = {
    **{f"call_{name}": function.function for name, function in FUNCTIONS.items()},
    "number": _number,
    "numbers": frozenset((bool, int, float)),
    "power": _power,
    "concat": _concat,
    "float": float,
    "ArithmeticError": ArithmeticError,
    "ValueError": ValueError,
    "TypeError": TypeError,
}
