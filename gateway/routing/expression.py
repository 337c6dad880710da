"""Expressions in the user's files: `transform.math` of a mapping (`floor((x*40)-100)`), a route's `when`.

The language is that of PyPI's py_expression_eval, which kuksa's CAN provider uses, so that its files mean the same
here. Its precedence is not Python's: `^` (and `**`) before `/` and `%`, then `*` and the sign, then `+` and `-`, then
comparisons, `||` and `in`, then `not`, `and`, and last `or` and `xor`; all group from the left. So `x*10%7` is
`x*(10%7)` and `2^3^2` is 64. Differences: `if`, `and`, `or` evaluate only what they need; a sign may follow an operator
(`x*-1`); chained comparisons are refused; `random` and dice are not there, for a run must be repeatable.

The text is parsed here and compiled to a Python function in which only what this file knows can occur.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gateway.routing.expression_functions import DEPTH, LENGTH, NAMESPACE, ExpressionError, Operand, quoted, shown
from gateway.routing.expression_parser import Parser


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. `function` takes the values of `names` by position, and raises only ExpressionError.

    `names`: those that occur, in order of appearance; `labels`: those among them that are compared with text, whose
    value should be the label of a value table, with the texts.
    """

    text: str
    names: tuple[str, ...]
    labels: Mapping[str, frozenset[str]]
    function: Callable[..., Operand]

    def __call__(self, *values: Operand) -> Operand:
        return self.function(*values)

    def evaluate(self, values: Mapping[str, Operand]) -> Operand:
        """The result for values by name; KeyError when one of `names` is not there."""
        return self.function(*[values[name] for name in self.names])


def compile_expression(text: str, names: Collection[str]) -> Expression:
    """Compile `text`, in which `names` may occur. ExpressionError names the place and what is allowed there."""
    return _compiled(text, tuple(names))


@lru_cache(maxsize=1024)
def _compiled(text: str, names: tuple[str, ...]) -> Expression:
    if len(text) > LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters; {LENGTH} are allowed")
    parser = Parser(text, names)
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
        given = ", ".join(f"{name} = {shown(value)}" for name, value in zip(known, values, strict=True))
        return ExpressionError(f"{quoted(text)} has no result{' for ' if given else ''}{given}: {reason}")

    namespace: dict[str, object] = {"__builtins__": {}, "fail": fail, **NAMESPACE}
    exec(compile(source, f"<{text}>", "exec"), namespace)  # noqa: S102 - our own source; of the text only literals are in it
    function: Callable[..., Operand] = namespace["expression"]  # type: ignore[assignment]
    return Expression(text, known, {name: frozenset(texts) for name, texts in parser.labels.items()}, function)


__all__ = ["DEPTH", "LENGTH", "Expression", "ExpressionError", "Operand", "compile_expression"]
