"""ldfparser's grammar and transformer, with the lines kept that its own functions do not hand on.

What comes out are its sections as plain lists, each entry with the line that it begins in.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.database.errors import DatabaseError

if TYPE_CHECKING:
    from lark import Lark, Tree

_LARGEST: Final = 4 << 20
_SHOWN: Final = 30
_AWAITED: Final = 6
_NESTED: Final = {
    "frame_definition": ("frame_signals", "frame_signal"),
    "diagnostic_frame_definition": ("diagnostic_frame_signals", "frame_signal"),
    "schedule_table_definition": (None, "schedule_table_entry"),
    "signal_encoding_type": (None, None),
}
"""Definitions that have entries with lines of their own: the rule around the entries, and that of an entry."""


class Entry(NamedTuple):
    """One definition of a section: what the transformer made of it, its line, and the lines of what is in it."""

    value: Any
    line: int
    inner: tuple[int, ...] = ()


class Sections(NamedTuple):
    """A parsed file. `entries`: by the transformer's name of a section; `plain`: sections and headers without lines."""

    entries: dict[str, list[Entry]]
    plain: dict[str, Any]
    lines: dict[str, int]
    """Where a section begins."""
    repeated: dict[str, int]
    """Sections that are there more than once, with the line of the second."""


def parse_ldf(text: str, file: str) -> Sections:
    """The sections of an LDF. DatabaseError with the line for what is none."""
    import lark

    if len(text) > _LARGEST:
        raise DatabaseError(f"it has more than {_LARGEST >> 20} MB: that is no LDF", file=file)
    try:
        tree = _parser().parse(text)
        return _sections(tree)
    except lark.exceptions.UnexpectedInput as error:
        line = error.line if isinstance(error.line, int) and error.line > 0 else text.count("\n") + 1
        raise DatabaseError(_syntax(error, text, line), file=file, line=line) from None
    except (lark.exceptions.LarkError, ValueError, OverflowError, RecursionError) as error:
        cause = error.__context__ if isinstance(error, lark.exceptions.VisitError) and error.__context__ else error
        reason = " ".join(str(cause).split())[:200]
        raise DatabaseError(f"this is no LDF that can be read: {reason}", file=file) from None


@functools.cache
def _parser() -> Lark:
    """The grammar of the package, made once."""
    import ldfparser
    from lark import Lark

    grammar = Path(ldfparser.__file__).parent / "grammars" / "ldf.lark"
    return Lark(grammar.read_text(encoding="utf-8"), parser="lalr", propagate_positions=True)


def _syntax(error: Any, text: str, line: int) -> str:
    import lark

    lines = text.split("\n")
    place = lines[line - 1].strip()[:_SHOWN] if line <= len(lines) else ""
    if isinstance(error, lark.exceptions.UnexpectedToken) and error.token.type == "$END":
        what = "the file ends too early"
    elif isinstance(error, lark.exceptions.UnexpectedToken):
        what = f"{str(error.token)[:_SHOWN]!r} is not awaited here"
    elif isinstance(error, lark.exceptions.UnexpectedEOF):
        what = "the file ends too early"
    else:
        what = f"{place!r} is not understood"
    awaited = sorted(
        _readable(name) for name in getattr(error, "accepts", None) or getattr(error, "allowed", None) or ()
    )
    hint = f"; awaited is {' or '.join(awaited[:_AWAITED])}" if 0 < len(awaited) <= _AWAITED else ""
    return f"syntax: {what}{hint}"


def _readable(terminal: str) -> str:
    """A terminal of the grammar as it stands in a file."""
    for known in _parser().terminals:
        if known.name == terminal:
            return {"CNAME": "a name", "C_INT": "a number", "C_FLOAT": "a number", "ESCAPED_STRING": "a text"}.get(
                terminal, repr(known.pattern.value)
            )
    return terminal


def _sections(tree: Tree[Any]) -> Sections:
    from ldfparser.grammar import LdfTransformer

    whole = tree.children[0]
    entries: dict[str, list[Entry]] = {}
    plain: dict[str, Any] = {}
    lines: dict[str, int] = {}
    repeated: dict[str, int] = {}
    for section in whole.children:
        places = [_places(child) for child in section.children if hasattr(child, "data")]
        line = int(section.meta.line) if hasattr(section.meta, "line") else 1
        name, values = LdfTransformer().transform(section)
        if name in lines:
            repeated.setdefault(name, line)
        lines.setdefault(name, line)
        if isinstance(values, list) and len(values) == len(places):
            made = [Entry(value, *place) for value, place in zip(values, places, strict=True)]
            entries[name] = entries.get(name, []) + made
        elif isinstance(values, list):  # an empty section has [None]
            entries.setdefault(name, [])
        else:
            plain.setdefault(name, values)
    return Sections(entries, plain, lines, repeated)


def _places(definition: Tree[Any]) -> tuple[int, tuple[int, ...]]:
    """The line of a definition and those of its entries."""
    line = int(definition.meta.line) if hasattr(definition.meta, "line") else 1
    around, each = _NESTED.get(definition.data, (None, ""))
    if each == "":
        return line, ()
    inside = definition.children
    if around is not None:
        inside = [part for child in inside if getattr(child, "data", None) == around for part in child.children]
    found = [child for child in inside if hasattr(child, "data") and (each is None or child.data == each)]
    return line, tuple(int(child.meta.line) if hasattr(child.meta, "line") else line for child in found)
