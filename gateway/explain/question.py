"""What is asked: `BUS/ID@TIME`, or `BUS/ID` for all frames of an identifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.can import EXTENDED, ID_MASK, KEY_MASK
from gateway.com import header_of
from gateway.errors import nearest
from gateway.explain.errors import ExplainError
from gateway.explain.names import Names
from gateway.sim import DurationError, duration_ns

SYNTAX = "write BUS/ID@TIME, like body/0x3A0@12.5s (BUS/ID alone tells about all of its frames)"


class FrameQuestion(NamedTuple):
    """Frames of one identifier (`key`, without CAN FD flags) on one bus; the one nearest to `time_ns`, or all."""

    bus: str
    key: int
    time_ns: int | None = None


def parse_question(text: str, buses: Sequence[str], names: Names) -> FrameQuestion:
    """ExplainError for wrong syntax, a bus that the recording does not have, or an unknown name of a message."""
    place, at, time_text = text.partition("@")
    bus, slash, identifier = place.partition("/")
    if not slash or not bus or not identifier or (at and not time_text):
        raise ExplainError(f"{text!r} names no frame: {SYNTAX}")
    if bus not in buses:
        known = nearest(bus, list(buses)) or f" (there {'is' if len(buses) == 1 else 'are'} {', '.join(buses)})"
        raise ExplainError(f"the recording has no bus {bus!r}{known}")
    time_ns = None
    if at:
        try:
            time_ns = duration_ns(time_text)
        except DurationError as error:
            raise ExplainError(f"{text!r} names no frame: {error.sentence}") from None
    return FrameQuestion(bus, _key(identifier, bus, names), time_ns)


def _key(text: str, bus: str, names: Names) -> int:
    """The key of `0x3A0`, `18DAF110x`, or of a message's name."""
    database = names.databases.get(bus)
    if database is not None:
        found = next((message for message in database.messages if message.name == text), None)
        if found is not None:
            return header_of(found) & KEY_MASK
    digits = text.lower()
    extended = digits.endswith("x") and digits != "0x"
    try:
        identifier = int(digits.removesuffix("x"), 0 if digits.startswith("0x") else 16)
    except ValueError:
        raise _unnamed(text, bus, names) from None
    if not 0 <= identifier <= (ID_MASK if extended else 0x7FF):
        hint = f"; 29 bits are written 0x{identifier:X}x" if not extended and 0x7FF < identifier <= ID_MASK else ""
        raise ExplainError(f"{text} is above {'0x1FFFFFFF' if extended else '0x7FF'}{hint}")
    return identifier | (EXTENDED if extended else 0)


def _unnamed(text: str, bus: str, names: Names) -> ExplainError:
    """There is no message of that name on the bus: where there is one, or the nearest."""
    messages = {other: [message.name for message in each.messages] for other, each in names.databases.items()}
    elsewhere = [f"{other}/{text}" for other, each in messages.items() if text in each]
    if elsewhere:
        return ExplainError(f"{bus} has no message {text}: ask for {' or '.join(elsewhere)}")
    own = messages.get(bus, [])
    why = f"there is no message of that name on {bus}" if own else f"no names of messages are known on {bus}"
    near = nearest(text, own) or nearest(text, [name for each in messages.values() for name in each])
    return ExplainError(f"{text!r} is no identifier like 0x3A0 (29 bits: 0x18DAF110x), and {why}{near}")
