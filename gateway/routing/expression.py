"""Expressions in the user's files: `transform.math` of a mapping (`floor((x*40)-100)`), a route's `when`.

The language is that of PyPI's py_expression_eval, which kuksa's CAN provider uses, so that its files mean the same
here. Its precedence is not Python's: `^` (and `**`) before `/` and `%`, then `*` and the sign, then `+` and `-`, then
comparisons, `||` and `in`, then `not`, `and`, and last `or` and `xor`; all group from the left. So `x*10%7` is
`x*(10%7)` and `2^3^2` is 64. Differences: `if`, `and`, `or` evaluate only what they need; a sign may follow an operator
(`x*-1`); chained comparisons are refused; `random` and dice are not there, for a run must be repeatable.

The text is parsed here and compiled to a Python function in which only what this file knows can occur.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, NoReturn

from gateway.errors import GatewayError, nearest

Operand = bool | int | float | str

LENGTH: Final = 1000
"""Characters in an expression, at most."""
DEPTH: Final = 60
"""Operations inside one another, at most."""
POWER_BITS: Final = 1024
"""Whole powers above are computed as floats, which end at about this size."""


class ExpressionError(GatewayError):
    """An expression that cannot be read, or that has no result for the values it got."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. `function` takes the values of `names` by position, and raises only ExpressionError.

    `names`: those that occur, in order of appearance; `labels`: those among them that are compared with text, whose
    value should be the label of a value table.
    """

    text: str
    names: tuple[str, ...]
    labels: frozenset[str]
    function: Callable[..., Operand]

    def __call__(self, *values: Operand) -> Operand:
        return self.function(*values)

    def evaluate(self, values: Mapping[str, Operand]) -> Operand:
        """The result for values by name; KeyError when one of `names` is not there."""
        return self.function(*[values[name] for name in self.names])


def compile_expression(text: str, names: Collection[str]) -> Expression:
    """Compile `text`, in which `names` may occur. ExpressionError names the place and what is allowed there."""
    if len(text) > LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters; {LENGTH} are allowed")
    parser = _Parser(text, names)
    node = parser.whole()
    variables = parser.variables
    parameters = ", ".join(variables.values())
    not_a_number = " or ".join(f"{name} != {name}" for name in variables.values()) or "False"
    source = (
        f"def expression({parameters}):\n"
        f"    if {not_a_number}: raise fail('a value is not a number', ({parameters}{',' if variables else ''}))\n"
        f"    try: result = {node.source}\n"
        f"    except (ArithmeticError, ValueError, TypeError) as error:\n"
        f"        raise fail(error, ({parameters}{',' if variables else ''})) from None\n"
        f"    if result.__class__ is float and result - result != 0.0:\n"
        f"        raise fail('the result is not a finite number', ({parameters}{',' if variables else ''}))\n"
        f"    return result\n"
    )
    known = tuple(variables)

    def fail(reason: object, values: tuple[object, ...]) -> ExpressionError:
        if isinstance(reason, Exception) and reason.args:
            reason = reason.args[-1]
        given = ", ".join(f"{name} = {_shown(value)}" for name, value in zip(known, values, strict=True))
        return ExpressionError(f"{_quoted(text)} has no result{' for ' if given else ''}{given}: {reason}")

    namespace: dict[str, object] = {"__builtins__": {}, "fail": fail, **_NAMESPACE}
    exec(compile(source, f"<{text}>", "exec"), namespace)  # noqa: S102 - our own source; of the text only literals are in it
    function: Callable[..., Operand] = namespace["expression"]  # type: ignore[assignment]
    return Expression(text, known, frozenset(parser.labels), function)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 100 else f"{text[:97]}...")


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    return f"{value!r:.60}"


# What the compiled functions may call


def _number(value: Operand) -> int | float:
    if not isinstance(value, int | float):
        raise TypeError(f"{_shown(value)} is no number")
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


class _Function(NamedTuple):
    function: Callable[..., object]
    least: int = 1
    most: int = 1


_MANY: Final = 20
_FUNCTIONS: Final = {
    **{name: _Function(getattr(math, name)) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sqrt", "exp")},
    "sind": _Function(lambda degrees: math.sin(math.radians(degrees))),
    "cosd": _Function(lambda degrees: math.cos(math.radians(degrees))),
    "tand": _Function(lambda degrees: math.tan(math.radians(degrees))),
    "asind": _Function(lambda value: math.degrees(math.asin(value))),
    "acosd": _Function(lambda value: math.degrees(math.acos(value))),
    "atand": _Function(lambda value: math.degrees(math.atan(value))),
    "ceil": _Function(math.ceil),
    "floor": _Function(math.floor),
    "round": _Function(round, 1, 2),
    "abs": _Function(abs),
    "log": _Function(math.log, 1, 2),
    "pow": _Function(math.pow, 2, 2),
    "atan2": _Function(math.atan2, 2, 2),
    "pyt": _Function(_hypotenuse, 2, 2),
    "fac": _Function(_factorial),
    "min": _Function(min, 2, _MANY),
    "max": _Function(max, 2, _MANY),
}
_CONSTANTS: Final = {"PI": math.pi, "E": math.e, "true": True, "false": False, "True": True, "False": False}
_NAMESPACE: Final[dict[str, object]] = {
    **{f"call_{name}": function.function for name, function in _FUNCTIONS.items()},
    "number": _number,
    "numbers": frozenset((bool, int, float)),
    "power": _power,
    "concat": _concat,
    "float": float,
    "ArithmeticError": ArithmeticError,
    "ValueError": ValueError,
    "TypeError": TypeError,
}

# Parsing, by precedence climbing

_TOKEN: Final = re.compile(
    r"""(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    |(?P<text>'[^'\\]*'|"[^"\\]*")
    |(?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    |(?P<sign>\*\*|\|\||==|!=|<=|>=|[-+*/%^<>(),\u2219\u2022])""",
    re.VERBOSE | re.ASCII,
)
_SPELLINGS: Final = {"**": "^", "\u2219": "*", "\u2022": "*"}
_COMPARISONS: Final = frozenset(("==", "!=", "<", ">", "<=", ">=", "in", "not"))
_STRENGTH: Final = {
    **dict.fromkeys(("or", "xor"), 1),
    "and": 2,
    **dict.fromkeys((*_COMPARISONS, "||"), 4),
    **dict.fromkeys("+-", 5),
    "*": 6,
    **dict.fromkeys("/%", 7),
    "^": 8,
}
_NOT: Final = 4
"""What an operand of `not` is made of: all that binds at least so strongly."""
_MINUS: Final = 7


class _Kind(Enum):
    NUMBER = "a number"
    TEXT = "text"
    ANY = "a value"
    LIST = "a list"


class _Node(NamedTuple):
    source: str
    kind: _Kind
    depth: int = 1
    variable: str | None = None
    comparison: bool = False


class _Token(NamedTuple):
    kind: str
    text: str
    position: int

    @property
    def place(self) -> str:
        return "at the end" if self.kind == "end" else f"before {self.text!r}"


class _Parser:
    """Turns one text into the source of one Python expression."""

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text = text
        self.names = names
        self.variables: dict[str, str] = {}
        self.labels: set[str] = set()
        self.level = 0
        self.tokens = self._tokens()
        self.at = 0

    def _tokens(self) -> list[_Token]:
        tokens = []
        position = 0
        text = self.text
        while position < len(text):
            if text[position].isspace():
                position += 1
                continue
            found = _TOKEN.match(text, position)
            if found is None:
                self.fail(position, f"{text[position]!r} is not part of the language")
            spelling = found[0]
            tokens.append(_Token(str(found.lastgroup), _SPELLINGS.get(spelling, spelling), position))
            position = found.end()
        tokens.append(_Token("end", "", len(text)))
        return tokens

    def fail(self, position: int, reason: str) -> NoReturn:
        raise ExpressionError(f"in {_quoted(self.text)}, character {position + 1}: {reason}")

    def expect(self, sign: str) -> None:
        token = self.tokens[self.at]
        if token.text != sign or token.kind != "sign":
            self.fail(token.position, f"{sign!r} is missing {token.place}")
        self.at += 1

    def next_is(self, sign: str) -> bool:
        token = self.tokens[self.at]
        return token.kind == "sign" and token.text == sign

    def whole(self) -> _Node:
        node = self.expression(0)
        token = self.tokens[self.at]
        if token.kind != "end":
            self.fail(token.position, f"an operator is missing {token.place} (there are {_operators()})")
        if node.kind is _Kind.LIST:
            self.fail(0, "a list can only stand after 'in'")
        return node

    def expression(self, least: int) -> _Node:
        """All from here on that binds at least as strongly as `least`."""
        self.level += 1
        if self.level > DEPTH:
            self.fail(self.tokens[self.at].position, f"more than {DEPTH} operations inside one another")
        left = self.prefixed(least)
        while True:
            token = self.tokens[self.at]
            strength = _STRENGTH.get(token.text, 0) if token.kind in ("sign", "word") else 0
            if strength == 0 or strength < least:
                break
            self.at += 1
            operator = token.text
            if operator == "not":
                operator = self._not_in()
            left = self.binary(operator, left, self.expression(strength + 1), token.position)
            if left.depth > DEPTH:
                self.fail(token.position, f"more than {DEPTH} operations inside one another")
        self.level -= 1
        return left

    def _not_in(self) -> str:
        token = self.tokens[self.at]
        if token.text != "in":
            self.fail(token.position, "an operator is missing before 'not'")
        self.at += 1
        return "not in"

    def prefixed(self, least: int) -> _Node:
        token = self.tokens[self.at]
        if token.kind == "sign" and token.text in ("-", "+"):
            self.at += 1
            operand = self.expression(max(least, _MINUS))
            number = self.numeric(operand, token.position)
            return _Node(f"({token.text}{number})", _Kind.NUMBER, operand.depth + 1)
        if token.kind == "word" and token.text == "not":
            self.at += 1
            operand = self.expression(max(least, _NOT))
            return _Node(f"(not {operand.source})", _Kind.NUMBER, operand.depth + 1)
        return self.primary()

    def primary(self) -> _Node:
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "number":
            return _Node(self._literal(token), _Kind.NUMBER)
        if token.kind == "text":
            return _Node(repr(token.text[1:-1]), _Kind.TEXT)
        if token.kind == "word":
            return self.call(token) if self.next_is("(") else self.name(token)
        if token.text == "(" and token.kind == "sign":
            return self.parenthesis(token)
        return self.fail(token.position, f"a value is missing {token.place}: a number, a name, text or '('")

    def _literal(self, token: _Token) -> str:
        if len(token.text) > 40:
            self.fail(token.position, "a number of more than 40 digits")
        if token.text[:2] in ("0x", "0X"):
            return str(int(token.text, 16))
        number = float(token.text) if set(token.text) & set(".eE") else int(token.text)
        if not math.isfinite(number):
            self.fail(token.position, f"{token.text} is too large")
        return f"{number!r}"

    def parenthesis(self, opening: _Token) -> _Node:
        items = self._items()
        depth = 1 + max(item.depth for item in items)
        if len(items) == 1:
            return items[0]._replace(comparison=False, depth=depth)
        if any(item.kind is _Kind.LIST for item in items):
            self.fail(opening.position, "a list cannot be in a list")
        return _Node(f"({', '.join(item.source for item in items)})", _Kind.LIST, depth)

    def _items(self) -> list[_Node]:
        """What stands up to the closing parenthesis."""
        items = [self.expression(0)]
        while self.next_is(","):
            self.at += 1
            items.append(self.expression(0))
        self.expect(")")
        return items

    def name(self, token: _Token) -> _Node:
        name = token.text
        if name in self.names:
            variable = self.variables.setdefault(name, f"v{len(self.variables)}")
            return _Node(variable, _Kind.ANY, 1, name)
        if name in _CONSTANTS:
            return _Node(repr(_CONSTANTS[name]), _Kind.NUMBER)
        if name in _FUNCTIONS or name in ("if", "concat"):
            self.fail(token.position, f"'(' is missing after {name!r}")
        known = sorted(self.names)
        listed = f"; the names here are {', '.join(known)}" if 0 < len(known) <= 8 else ""
        return self.fail(token.position, f"unknown name {name!r}{nearest(name, known)}{listed}")

    def call(self, token: _Token) -> _Node:
        name = token.text
        self.at += 1
        known = sorted((*_FUNCTIONS, "if", "concat"))
        if name not in known:
            near = nearest(name, known)
            self.fail(token.position, f"there is no function {name!r}{near}; there are {', '.join(known)}")
        items = self._items()
        depth = 1 + max(item.depth for item in items)
        if any(item.kind is _Kind.LIST for item in items):
            self.fail(token.position, f"{name} takes no list")
        if name == "if":
            self._count(token, items, 3, 3)
            condition, then, other = (item.source for item in items)
            return _Node(f"({then} if {condition} else {other})", _Kind.ANY, depth)
        if name == "concat":
            self._count(token, items, 2, _MANY)
            return _Node(f"concat({', '.join(item.source for item in items)})", _Kind.TEXT, depth)
        function = _FUNCTIONS[name]
        self._count(token, items, function.least, function.most)
        given = ", ".join(self.numeric(item, token.position) for item in items)
        return _Node(f"call_{name}({given})", _Kind.NUMBER, depth)

    def _count(self, token: _Token, items: list[_Node], least: int, most: int) -> None:
        if not least <= len(items) <= most:
            takes = f"{least}" if least == most else f"{least} to {most}"
            self.fail(token.position, f"{token.text} takes {takes} values, not {len(items)}")

    def binary(self, operator: str, left: _Node, right: _Node, position: int) -> _Node:
        depth = 1 + max(left.depth, right.depth)
        if operator in ("in", "not in"):
            return self._membership(operator, left, right, position)
        if _Kind.LIST in (left.kind, right.kind):
            self.fail(position, "a list can only stand after 'in'")
        if operator in _COMPARISONS:
            if left.comparison:
                self.fail(position, "comparisons cannot be chained; write 'a < x and x < b'")
            self._note_label(left, right)
            return _Node(f"({left.source} {operator} {right.source})", _Kind.NUMBER, depth, None, True)
        if operator in ("and", "or"):
            return _Node(f"({left.source} {operator} {right.source})", _Kind.ANY, depth)
        if operator == "||":
            return _Node(f"concat({left.source}, {right.source})", _Kind.TEXT, depth)
        first, second = self.numeric(left, position), self.numeric(right, position)
        if operator == "^":
            return _Node(f"power({first}, {second})", _Kind.NUMBER, depth)
        python = "^" if operator == "xor" else operator
        return _Node(f"({first} {python} {second})", _Kind.NUMBER, depth)

    def _membership(self, operator: str, left: _Node, right: _Node, position: int) -> _Node:
        if right.kind is _Kind.NUMBER or left.kind is _Kind.LIST:
            self.fail(position, f"after {operator!r} stands a list, like ('D', 'R')")
        if left.comparison:
            self.fail(position, "comparisons cannot be chained; write 'a < x and x < b'")
        if left.variable and "'" in right.source:
            self.labels.add(left.variable)
        return _Node(
            f"({left.source} {operator} {right.source})", _Kind.NUMBER, 1 + max(left.depth, right.depth), None, True
        )

    def _note_label(self, left: _Node, right: _Node) -> None:
        for one, other in ((left, right), (right, left)):
            if one.variable and other.kind is _Kind.TEXT:
                self.labels.add(one.variable)

    def numeric(self, node: _Node, position: int) -> str:
        """The source of an operand that must be a number: text could be multiplied to any length."""
        if node.kind is _Kind.NUMBER:
            return node.source
        if node.kind is not _Kind.ANY:
            self.fail(position, f"{node.kind.value} cannot be calculated with")
        if node.variable:
            return f"({node.source} if {node.source}.__class__ in numbers else number({node.source}))"
        return f"number({node.source})"


def _operators() -> str:
    return " ".join(sorted(_STRENGTH))
