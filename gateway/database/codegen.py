"""Decoders as generated Python functions: every shift, mask and scale a constant, one dictionary display a message.

A payload of the message's own length takes the fast path. For each other length there is a function of its own, made
when that length first comes, with the signals that reach into it: so no function tests lengths signal by signal.

Which signals of a multiplexed message are there depends on one integer a multiplexer, which selects a branch function.
A signal has one multiplexer at most, so the branches form a tree however deep the file nests them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.database import encoding
from gateway.database.expressions import WORD, Expressions, View, raw_from_physical

if TYPE_CHECKING:
    from gateway.database.message import Message
    from gateway.database.signal import Signal

Decoder = Callable[[bytes], dict[str, Any]]


def message_decoder(message: Message, view: View) -> Decoder:
    """The decoder of a message, for payloads of any length."""
    shorter: dict[int, Decoder] = {}

    def decode_other(data: bytes) -> dict[str, Any]:
        size = len(data)
        if size > message.length:
            return exact(data[: message.length])
        if size not in shorter:
            shorter[size] = _compile(message, view, size, decode_other)
        return shorter[size](data)

    exact = _compile(message, view, message.length, decode_other)
    return exact


def message_source(message: Message, view: View) -> str:
    """The source of the decoder for payloads of the message's length."""
    return _Generator(message, view, message.length).source()


def signal_decoder(signal: Signal) -> Callable[[bytes], int | float | None]:
    """The decoder of one signal: its value, or None when it does not reach into the payload or is not active."""
    code = Expressions(View.PHYSICAL, None)
    path = _path(signal)
    length = signal.message.length if signal.message else max(s.end_bit for s in path) // 8 + 1
    needed = max(-(-s.end_bit // 8) for s in path)
    lines = ["def decode(d):"]
    if needed > length:
        lines.append("    return None")
    else:
        lines += [f"    if len(d) < {needed}:", "        return None"]
        for selector, selected in zip(path[1:], path[:-1], strict=True):
            ids = code.constant("ids", frozenset(selected.multiplexer_ids))
            lines += [f"    if {code.raw(selector)} not in {ids}:", "        return None"]
        lines.append(f"    return {code.value(signal)}")
    namespace = code.namespace
    exec("\n".join(lines), namespace)  # noqa: S102 - our own source; names of the file are in it as literals only
    return namespace["decode"]  # type: ignore[no-any-return]


def _path(signal: Signal) -> list[Signal]:
    """The signal, its multiplexer, the multiplexer of that, up to the one that is always there."""
    path = [signal]
    while path[-1].multiplexer_signal is not None and signal.message is not None:
        path.append(signal.message.by_name[path[-1].multiplexer_signal])
    return path


def _compile(message: Message, view: View, length: int, decode_other: Decoder) -> Decoder:
    generator = _Generator(message, view, length)
    namespace = generator.code.namespace
    namespace["decode_other"] = decode_other
    code = compile(generator.source(), f"<decoder of {message.name}>", "exec")
    exec(code, namespace)  # noqa: S102 - our own source; names of the file are in it as literals only
    return namespace["decode"]  # type: ignore[no-any-return]


def field_encoder(signal: Signal, shift: int) -> Callable[[int | float | str], int]:
    """From a physical value or a label to the signal's bits, `shift` bits up.

    Numbers in range take the generated path; all else, and what is refused, goes the checked way of `encoding`.
    """

    def checked(value: int | float | str) -> int:
        return encoding.bits_of(signal, encoding.to_raw(signal, value)) << shift

    if signal.is_float or signal.scale == 0:
        return checked
    low, high = signal.raw_limits
    test = f"{low} <= r <= {high}"
    slack = abs(signal.scale) * encoding.TOLERANCE
    limits = [f"{signal.minimum - slack!r} <= "] if signal.minimum is not None else [""]
    limits.append(f" <= {signal.maximum + slack!r}" if signal.maximum is not None else "")
    if any(limits):
        test += f" and ({limits[0]}x{limits[1]})"
    bits = f"(r & {(1 << signal.length) - 1:#x})" if signal.signed else "r"
    lines = [
        "def encode(x):",
        "    if x.__class__ is int or x.__class__ is float:",
        "        try:",
        f"            {raw_from_physical(signal)}",
        f"            if {test}:",
        f"                return {bits} << {shift}" if shift else f"                return {bits}",
        "        except (ValueError, OverflowError):",
        "            pass",
        "    return checked(x)",
    ]
    namespace: dict[str, Any] = {"checked": checked, "inf": float("inf")}
    exec("\n".join(lines), namespace)  # noqa: S102 - our own source; nothing of the file but numbers is in it
    return namespace["encode"]  # type: ignore[no-any-return]


class _Generator:
    """The source of one decoder: of a message, for payloads of one length."""

    def __init__(self, message: Message, view: View, length: int) -> None:
        self.message = message
        self.length = length
        self.code = Expressions(view, length)
        self.reaching = [s for s in message.signals if s.end_bit <= 8 * length and s.end_bit <= 8 * message.length]
        self.children: dict[str | None, list[Signal]] = {}
        for signal in self.reaching:
            self.children.setdefault(signal.multiplexer_signal, []).append(signal)
        self.functions: list[str] = []

    def source(self) -> str:
        always = self.children.get(None, [])
        values = [f"        {signal.name!r}: {self.code.value(signal)},\n" for signal in always]
        self.code.blocks = 0  # the functions for branches are not given those
        selections = "".join(self._selection(signal, "    ") for signal in always)
        display = "{\n" + "".join(values) + "    }\n" if values else "{}\n"
        body = f"    return {display}" if not selections else f"    v = {display}{selections}    return v\n"
        own = self.length == self.message.length
        guard = f"    if len(d) != {self.length}:\n        return decode_other(d)\n" if own else ""
        long = self.length > WORD
        prelude = self.code.prelude()
        if selections:
            prelude += "".join(f"    {word} = 0\n" for word in "nb" if (word, 0) not in self.code.words or long)
        return "".join(self.functions) + f"def decode(d):\n{guard}{prelude}{body}"

    def _selection(self, signal: Signal, indent: str) -> str:
        """Statements that add what the multiplexer `signal` selects; empty when it selects nothing that reaches."""
        branches = self._branches(signal)
        if not branches:
            return ""
        table = f"branches_{len(self.functions)}"
        entries = "".join(f"    ({function}, {ids!r}),\n" for function, ids in branches.items())
        self.functions.append(f"{table} = {{i: f for f, ids in (\n{entries}) for i in ids}}\n")
        return (
            f"{indent}branch = {table}.get({self.code.raw(signal)})\n"
            f"{indent}if branch is not None:\n{indent}    branch(d, n, b, v)\n"
        )

    def _branches(self, selector: Signal) -> dict[str, tuple[int, ...]]:
        """The functions that add what the multiplexer selects, each with the values that select just that."""
        selected: dict[int, list[Signal]] = {}
        for signal in self.children.get(selector.name, []):
            for number in signal.multiplexer_ids:
                selected.setdefault(number, []).append(signal)
        alike: dict[tuple[Signal, ...], list[int]] = {}
        for number, signals in sorted(selected.items()):
            alike.setdefault(tuple(signals), []).append(number)
        return {self._branch(signals): tuple(numbers) for signals, numbers in alike.items()}

    def _branch(self, signals: tuple[Signal, ...]) -> str:
        lines = "".join(f"    v[{signal.name!r}] = {self.code.value(signal)}\n" for signal in signals)
        lines += "".join(self._selection(signal, "    ") for signal in signals)
        name = f"branch_{len(self.functions)}"
        self.functions.append(f"def {name}(d, n, b, v):\n{lines}")
        return name
