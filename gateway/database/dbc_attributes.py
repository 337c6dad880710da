"""The attribute definitions of a DBC file, and which of its attribute values agree with them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.database.dbc_scan import Statement
from gateway.database.dbc_text import string
from gateway.database.diagnostic import Findings

NUMBERS: Final = ("INT", "HEX", "FLOAT")
REQUIRED: Final = {
    "GenMsgCycleTime": NUMBERS,
    "GenMsgSendType": ("ENUM", "STRING"),
    "GenSigStartValue": NUMBERS,
    "VFrameFormat": ("ENUM", "INT"),
    "DBName": ("STRING",),
    "Baudrate": NUMBERS,
    "SPN": ("INT", "HEX"),
}
"""Types of attributes that the parser itself reads; another type makes it give the whole file up."""
_TEXTS: Final = re.compile(r'"((?:\\"|[^"])*)"')
FRAME_FORMATS: Final = 16


class Line(NamedTuple):
    """A statement for the parser, and the line of the file that it comes from."""

    line: int
    text: str


class _Definition(NamedTuple):
    line: int
    kind: str
    type: str
    choices: tuple[str, ...]


class AttributeTable:
    """Definitions with their defaults. Those and values that contradict them are told and left out."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._definitions: dict[str, _Definition] = {}
        self._defaults: dict[str, Statement] = {}
        self._refused: set[str] = set()

    def define(self, statement: Statement) -> None:
        parts = statement.parts
        name, kind = _name(statement), parts["type"] or ""
        if kind not in (*NUMBERS, "ENUM", "STRING"):
            self._refused.add(name)
            self._findings.error(statement.line, f"attribute {name} is of an unknown type {kind}; it is left out")
        elif kind not in REQUIRED.get(name, (kind,)):
            self._refused.add(name)
            text = f"attribute {name} is of type {kind} instead of {' or '.join(REQUIRED[name])}; it is left out"
            self._findings.warn(statement.line, text)
        else:
            choices = tuple(_TEXTS.findall(parts["rest"] or "")) if kind == "ENUM" else ()
            self._definitions[name] = _Definition(statement.line, parts["kind"] or "", kind, choices)

    def default(self, statement: Statement) -> None:
        self._defaults[_name(statement)] = statement

    def value(self, statement: Statement) -> str | None:
        """The value of an attribute as the parser wants it, or None when there can be none."""
        name = _name(statement)
        definition = self._definitions.get(name)
        if definition is None:
            if name not in self._refused:
                self._findings.warn(statement.line, f"attribute {name} is not defined; its value is left out")
            return None
        value = self._fitting(name, definition, statement.parts["value"] or "")
        if value is None:
            text = f"attribute {name} cannot be {statement.parts['value']} ({definition.type}); it is left out"
            self._findings.error(statement.line, text)
        return value

    def _fitting(self, name: str, definition: _Definition, given: str) -> str | None:
        inner = given[1:-1] if given.startswith('"') else given
        if definition.type == "STRING":
            return string(given) if given.startswith('"') else given
        if definition.type == "ENUM" and inner in definition.choices and given.startswith('"'):
            return str(definition.choices.index(inner))
        if not re.fullmatch(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d{1,2})?", inner):
            return None
        if definition.type == "ENUM" and not 0 <= float(inner) < len(definition.choices):
            return None
        if name == "VFrameFormat" and definition.type == "INT" and not 0 <= float(inner) < FRAME_FORMATS:
            return None
        return inner

    @property
    def lines(self) -> list[Line]:
        """The definitions and defaults for the parser. Limits of numbers are left out, nothing looks at them."""
        made = []
        for name, definition in self._definitions.items():
            choices = ",".join(string(f'"{choice}"') for choice in definition.choices)
            default = self._default(name, definition)
            if name == "VFrameFormat" and definition.type == "INT" and default is None:
                default = "0"
            quoted = string(f'"{name}"')
            text = f"BA_DEF_ {definition.kind} {quoted} {definition.type} {choices};"
            made.append(Line(definition.line, text))
            if default is not None:
                made.append(Line(definition.line, f"BA_DEF_DEF_ {quoted} {default};"))
        return made

    def _default(self, name: str, definition: _Definition) -> str | None:
        statement = self._defaults.get(name)
        if statement is None:
            return None
        given = statement.parts["value"] or ""
        if definition.type in ("ENUM", "STRING"):
            inner = given[1:-1] if given.startswith('"') else given
            if inner.isdecimal() and inner not in definition.choices and int(inner) < len(definition.choices):
                inner = definition.choices[int(inner)]
            return string(f'"{inner}"')
        return self._fitting(name, definition, given)


def _name(statement: Statement) -> str:
    return (statement.parts["name"] or "")[1:-1]
