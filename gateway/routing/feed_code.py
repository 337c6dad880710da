"""The function that takes a message's frames to its rules: generated, with everything that is known before a constant.

Each rule has its block: is it held back by its interval, what is the signal's value, is it another one than before,
and its publication. All that is seldom is left to the rule itself (`SignalFeed`), whose state the block keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from textwrap import indent
from typing import TYPE_CHECKING, Final

from gateway.database.expressions import Expressions, View
from gateway.routing.conversion import Source, Unfit
from gateway.routing.feed import SignalFeed
from gateway.routing.vss import FLOATS, INTEGERS
from gateway.sim import FOREVER

if TYPE_CHECKING:
    from gateway.routing.upward import MessageFeed

_ASLEEP: Final = -1
"""`quiet_ns` while the rules are asked: what is disturbed meanwhile wakes the message for its next frame."""


def compile_feeds(message: MessageFeed) -> Callable[[bytes, int], None]:
    """The function for payloads (of any length) and the time at which they come."""
    code = Expressions(View.PHYSICAL, message.length)
    code.namespace.update(m=message, FOREVER=FOREVER, Unfit=Unfit)
    blocks = "".join(_Block(code, index, *pair).source() for index, pair in enumerate(message.feeds))
    source = (
        f"def receive(d, now):\n"
        f"    if len(d) != {message.length}:\n"
        f"        return m.receive_odd(d, now)\n"
        f"    m.quiet_ns = {_ASLEEP}\n"
        f"    quiet = FOREVER\n"
        f"{code.prelude()}{blocks}"
        f"    m.frames += 1\n"
        f"    m.frames_ns = now\n"
    )
    if all(source.always for _, source in message.feeds):
        source += f"    if m.quiet_ns == {_ASLEEP}:\n        m.quiet_ns = quiet\n"
        if message.watched:
            source += f"        m.bits = from_bytes(d, 'little') & {message.watched:#x}\n"
    namespace = code.namespace
    exec(compile(source, f"<rules of {message.message.name}>", "exec"), namespace)  # noqa: S102 - our own source; nothing of the file but numbers is in it
    return namespace["receive"]  # type: ignore[no-any-return]


class _Block:
    """The statements of one rule, of a feed `f`, its signal `s` and their source `c`."""

    def __init__(self, code: Expressions, index: int, feed: SignalFeed, source: Source) -> None:
        self.code = code
        self.feed = feed
        self.rule = feed.rule
        self.origin = source
        self.f, self.s, self.c = f"f{index}", f"s{index}", f"c{index}"
        code.namespace.update({self.f: feed, self.s: feed.signal, self.c: source})

    def source(self) -> str:
        if not self.origin.always:
            return f"    {self.f}.receive_one(d, {self.c}, now)\n"
        if len(self.rule.places) > 1:
            return f"    {self.f}.receive(d, {self.c}, now)\n{self._quiet(self.feed.watches)}"
        look = f"    x = {self.code.value(self.origin.place.signal)}\n"
        look += self._changed() if self.rule.on_change else self._each()
        if not self.rule.interval_ns:
            return look
        return (
            f"    due = {self.f}.due_ns\n"
            f"    if now < due:\n"
            f"        {self.f}.held += 1\n"
            f"        if not {self.f}.good:\n"
            f"            due = 0\n"
            f"    else:\n{indent(look, '    ')}"
            f"    if due < quiet:\n"
            f"        quiet = due\n"
        )

    def _changed(self) -> str:
        """Only another value than the last one is published."""
        same = f"{self.f}.seen = now, x, {self.c}\n{self.f}.same += 1\n"
        if self.rule.interval_ns:
            same += f"due = {self.f}.due_ns = now + {self.rule.interval_ns}\n"
        elif self.origin.place.signal.is_float:  # equal bits are an equal value, but for a float that is no number
            same += "quiet = 0\n"
        return f"    if x == {self.f}.same_value:\n{indent(same, '        ')}    else:\n{self._look()}"

    def _each(self) -> str:
        """Each value that can be is published."""
        number = _number(self.origin)
        if number is not None:
            test, value = number
            labels = self.code.constant("labels", self.origin.labels)
            unlabelled = f" and x not in {labels}" if self.origin.labels else ""
            return f"    if {test}{unlabelled}:\n{self._publication(value)}    else:\n{self._look()}"
        convert = self.code.constant("convert", self.origin.convert)
        return (
            f"    try:\n        y = {convert}(x)\n    except Unfit:\n{self._look()}    else:\n{self._publication('y')}"
        )

    def _publication(self, value: str) -> str:
        due = f"due = {self.f}.due_ns = now + {self.rule.interval_ns}\n" if self.rule.interval_ns else "quiet = 0\n"
        lines = (
            f"y = {value}\n"
            f"{self.f}.told = now, x, {self.c}, y\n"
            f"{self.f}.published += 1\n"
            f"{self.f}.good = True\n{due}"
            f"{self.s}.take(y, now)\n"
        )
        return indent(lines, "        ")

    def _look(self) -> str:
        look = f"    {self.f}.look(x, {self.c}, now)\n"
        if self.rule.interval_ns:
            return indent(f"{look}    due = {self.f}.due_ns if {self.f}.good else 0\n", "    ")
        return indent(look + self._quiet(self.feed.watches), "    ")

    def _quiet(self, watches: bool) -> str:
        """Until when further frames, with the same bits in what is watched, change nothing for the rule."""
        if not watches:
            return f"    quiet = min(quiet, {self.f}.due_ns if {self.f}.good else 0)\n"
        if self.origin.place.signal.is_float:
            return "    quiet = 0\n"
        return f"    if not {self.f}.good:\n        quiet = 0\n"


def _number(source: Source) -> tuple[str, str] | None:
    """For a leaf that has the number as it is: the test that it can, and its value as an expression."""
    rule, signal = source.rule, source.place.signal
    leaf = rule.leaf
    if rule.math is not None or rule.table is not None or leaf.allowed:
        return None
    whole = not signal.is_float and float(signal.scale).is_integer() and float(signal.offset).is_integer()
    if leaf.datatype in INTEGERS and whole:
        value = "x"
    elif leaf.datatype in FLOATS:
        value = "float(x)" if whole else "x"
    else:
        return None
    low, high = leaf.limits
    least, most = max(low, source.low), min(high, source.high)
    return f"{least!r} <= x <= {most!r}", value
