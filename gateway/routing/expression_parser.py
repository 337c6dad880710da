"""Turns the text of an expression into the source of a Python expression, by precedence climbing."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from enum import Enum
from typing import Final, NamedTuple, NoReturn

from gateway.errors import nearest
from gateway.routing.expression_functions import (
    CONSTANTS,
    DEPTH,
    FUNCTIONS,
    MANY,
    ExpressionError,
    quoted,
)

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
    texts: tuple[str, ...] = ()
    """Of a text or a list of them, as they stand there."""


class _Token(NamedTuple):
    kind: str
    text: str
    position: int

    @property
    def place(self) -> str:
        return "at the end" if self.kind == "end" else f"before {self.text!r}"


class Parser:
    """Turns one text into the source of one Python expression."""

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text = text
        self.names = names
        self.variables: dict[str, str] = {}
        self.labels: dict[str, set[str]] = {}
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
        raise ExpressionError(f"in {quoted(self.text)}, character {position + 1}: {reason}")

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
            return _Node(repr(token.text[1:-1]), _Kind.TEXT, texts=(token.text[1:-1],))
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
        texts = tuple(text for item in items for text in item.texts)
        return _Node(f"({', '.join(item.source for item in items)})", _Kind.LIST, depth, texts=texts)

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
        if name in CONSTANTS:
            return _Node(repr(CONSTANTS[name]), _Kind.NUMBER)
        if name in FUNCTIONS or name in ("if", "concat"):
            self.fail(token.position, f"'(' is missing after {name!r}")
        known = sorted(self.names)
        listed = f"; the names here are {', '.join(known)}" if 0 < len(known) <= 8 else ""
        return self.fail(token.position, f"unknown name {name!r}{nearest(name, known)}{listed}")

    def call(self, token: _Token) -> _Node:
        name = token.text
        self.at += 1
        known = sorted((*FUNCTIONS, "if", "concat"))
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
            self._count(token, items, 2, MANY)
            return _Node(f"concat({', '.join(item.source for item in items)})", _Kind.TEXT, depth)
        function = FUNCTIONS[name]
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
            self.labels.setdefault(left.variable, set()).update(right.texts)
        return _Node(
            f"({left.source} {operator} {right.source})", _Kind.NUMBER, 1 + max(left.depth, right.depth), None, True
        )

    def _note_label(self, left: _Node, right: _Node) -> None:
        for one, other in ((left, right), (right, left)):
            if one.variable and other.kind is _Kind.TEXT:
                self.labels.setdefault(one.variable, set()).update(other.texts)

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
