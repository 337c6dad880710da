"""A first database of guesses, to edit: each message with its fields as signals, named by what they seem to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gateway.analysis.errors import AnalysisError
from gateway.analysis.guess import MessageGuess
from gateway.analysis.guess_bits import Field, FieldKind
from gateway.can import EXTENDED, ID_MASK
from gateway.sim import NS_PER_S

NODE: Final = "XXX"
"""Nobody knows who sends; tools know this word for it."""
_DBC_EXTENDED: Final = 1 << 31
_NAMES: Final = {
    FieldKind.COUNTER: "Counter",
    FieldKind.CHECKSUM: "Checksum",
    FieldKind.MULTIPLEXER: "Selector",
    FieldKind.SWITCH: "Switch",
    FieldKind.STATE: "State",
    FieldKind.ANALOG: "Value",
}
_HEAD: Final = """VERSION ""

NS_ :

BS_:

BU_: XXX

"""
_CYCLES: Final = """
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
"""


def write_dbc(messages: Sequence[MessageGuess], path: Path) -> None:
    """Write the file. AnalysisError when that is not possible, or for messages of several buses."""
    buses = list(dict.fromkeys(message.bus for message in messages))
    if len(buses) > 1:
        raise AnalysisError(f"a database is for one bus, and the log has {', '.join(buses)}: choose one with --bus")
    if path.suffix.lower() != ".dbc":
        raise AnalysisError("guesses are written as .dbc", file=str(path))
    try:
        path.write_text(dbc_text(messages), encoding="utf-8")
    except OSError as error:
        raise AnalysisError(f"cannot be written: {error.strerror or error}", file=str(path)) from None


def dbc_text(messages: Sequence[MessageGuess]) -> str:
    """The database. Every field is a signal; what each seems to be stands in its comment."""
    blocks: list[str] = []
    comments: list[str] = []
    cycles: list[str] = []
    for message in messages:
        number = message.key & ID_MASK | (_DBC_EXTENDED if message.key & EXTENDED else 0)
        named = list(_named(message.fields))
        lines = [f"BO_ {number} {name_of(message)}: {message.payloads.width} {NODE}"]
        lines += [_signal(name, field) for name, field in named]
        blocks.append("\n".join(lines) + "\n")
        comments += [f'CM_ SG_ {number} {name} "{field.note}";' for name, field in named if field.note]
        if message.cyclic and message.periods is not None:
            cycle_ms = round(message.periods.median_ns * 1000 / NS_PER_S)
            if 0 < cycle_ms <= 65535:
                cycles.append(f'BA_ "GenMsgCycleTime" BO_ {number} {cycle_ms};')
    return _HEAD + "\n".join(blocks) + "\n" + "\n".join(comments) + _CYCLES + "\n".join(cycles) + "\n"


def name_of(message: MessageGuess) -> str:
    return message.name or f"Msg{message.key & ID_MASK:03X}"


def _named(fields: Sequence[Field]) -> Iterator[tuple[str, Field]]:
    """Each with its name; of several of a kind, with the byte and bit that it begins at."""
    kinds = Counter(field.kind for field in fields)
    for field in fields:
        name = _NAMES[field.kind]
        if kinds[field.kind] > 1 or field.kind in {FieldKind.ANALOG, FieldKind.STATE, FieldKind.SWITCH}:
            name += f"_{field.start // 8}_{field.start % 8}"
        yield name, field


def _signal(name: str, field: Field) -> str:
    order, sign = (0 if field.big_endian else 1), ("-" if field.signed else "+")
    low = -(1 << field.length - 1) if field.signed else 0
    high = (1 << field.length - (1 if field.signed else 0)) - 1
    return f' SG_ {name} : {field.start}|{field.length}@{order}{sign} (1,0) [{low}|{high}] "" {NODE}'
