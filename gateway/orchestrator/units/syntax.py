"""The syntax of unit and configuration files, as systemd.syntax(7) has it.

A line that is none is told and left out, as systemd does; nothing here is fatal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

_LONGEST_LINE: Final = 1 << 20


class Assignment(NamedTuple):
    """`key=value` in a section, on a line (from 1)."""

    section: str
    key: str
    value: str
    line: int


class Note(NamedTuple):
    """Something that is wrong with a file: where, and what was done about it."""

    file: str
    line: int | None
    text: str
    refused: bool = False
    """The unit is not loaded because of it; else the line was left out."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line is not None else f"{self.file}: {self.text}"


@dataclass(frozen=True, slots=True)
class UnitText:
    """A parsed file: its assignments in their order, and what was wrong."""

    file: str
    assignments: tuple[Assignment, ...] = ()
    notes: tuple[Note, ...] = ()

    def sections(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(assignment.section for assignment in self.assignments))


def parse(text: str, file: str) -> UnitText:
    """Read a file's text. Values keep their inner blanks; an empty value is one too (it resets a list)."""
    assignments: list[Assignment] = []
    notes: list[Note] = []
    section: str | None = None
    for line, content in _logical_lines(text):
        if content.startswith("["):
            if not content.endswith("]") or len(content) < 3:
                notes.append(Note(file, line, f"invalid section header {content[:60]!r}, ignoring"))
                continue
            section = content[1:-1]
            continue
        key, equals, value = content.partition("=")
        if not equals:
            notes.append(Note(file, line, f"missing '=' in {content[:60]!r}, ignoring the line"))
        elif section is None:
            notes.append(Note(file, line, "assignment outside of section, ignoring"))
        elif not key.strip():
            notes.append(Note(file, line, "missing key name before '=', ignoring the line"))
        else:
            assignments.append(Assignment(section, key.strip(), value.strip(), line))
    return UnitText(file, tuple(assignments), tuple(notes))


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with continuations joined by a blank, comments left out; each with the number of its first line."""
    found: list[tuple[int, str]] = []
    begun: list[str] = []
    first = 0
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        line = raw.rstrip("\r")[:_LONGEST_LINE]
        if line.lstrip()[:1] in {"#", ";"} or (not begun and not line.strip()):
            continue
        if not begun:
            first = number
        if line.endswith("\\"):
            begun.append(line[:-1])
            continue
        begun.append(line)
        found.append((first, " ".join(begun).strip()))
        begun = []
    if begun:
        found.append((first, " ".join(begun).strip()))
    return found
