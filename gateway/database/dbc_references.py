"""The statements of a DBC file that refer to its messages and signals: value tables, comments, attributes and others."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.database.dbc_attributes import AttributeTable, Line
from gateway.database.dbc_blocks import Blocks, MessageBlock
from gateway.database.dbc_scan import Statement
from gateway.database.dbc_text import Names, listed, string, whole
from gateway.database.diagnostic import Findings

MOST_IDS: Final = 1 << 16
"""Multiplexer values that may select one signal."""
_PAIR: Final = re.compile(r'([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*("(?:\\"|[^"])*")')
_RANGE: Final = re.compile(r"(\d+)\s*-\s*(\d+)")
_THINGS: Final = {"BO_": "message", "SG_": "signal"}
FLOAT_TYPES: Final = {"1": (16, 32, 64), "2": (16, 32, 64)}


class _Owner(NamedTuple):
    """The message that a statement is about, and how it names its signal for the parser."""

    block: MessageBlock
    signal: str


class References:
    """Mended statements in `lines`. What refers to nothing is told and left out."""

    def __init__(self, blocks: Blocks, attributes: AttributeTable, names: Names, findings: Findings) -> None:
        self.lines: list[Line] = []
        self.tables: dict[str, str] = {}
        """The pairs of the value tables that stand alone (VAL_TABLE_)."""
        self._blocks = blocks
        self._attributes = attributes
        self._names = names
        self._findings = findings

    def add(self, statement: Statement) -> None:
        """One of the statements VAL_, CM_, BA_, SIG_VALTYPE_, SG_MUL_VAL_, BO_TX_BU_."""
        if not statement.text.endswith(";"):
            self._findings.warn(statement.line, f"{statement.keyword} has no ';' at its end; the next line ends it")
        match statement.keyword:
            case "VAL_":
                self._values(statement)
            case "CM_":
                self._comment(statement)
            case "BA_":
                self._attribute(statement)
            case "SIG_VALTYPE_":
                self._value_type(statement)
            case "SG_MUL_VAL_":
                self._selected(statement)
            case "BO_TX_BU_":
                self._senders(statement)

    def _write(self, statement: Statement, text: str) -> None:
        self.lines.append(Line(statement.line, text))

    def _message(self, statement: Statement, what: str) -> MessageBlock | None:
        """The message whose identifier the statement gives; told where there is none."""
        given_id = int(statement.parts["id"] or "0")
        block = self._blocks.by_number.get(given_id)
        if block is None and given_id not in self._blocks.unassigned:
            self._findings.error(statement.line, f"{what} for id {given_id}, which no message has; it is left out")
        return block

    def _owner(self, statement: Statement, what: str, name: str | None) -> _Owner | None:
        """The message and the signal that the statement gives; told where either is not there."""
        block = self._message(statement, what)
        if block is None:
            return None
        if name not in block.signals:
            text = f"{what} for signal {name}, which message {block.name} does not have; it is left out"
            self._findings.error(statement.line, text)
            return None
        return _Owner(block, self._names.mended(name))

    def _values(self, statement: Statement) -> None:
        parts = statement.parts
        if parts["id"] is None:
            return  # of an environment variable
        owner = self._owner(statement, "value table", parts["name"])
        if owner is None:
            return
        where, pairs = f"{owner.block.name}.{parts['name']}", parts["pairs"] or ""
        if parts["table"] is not None:
            if parts["table"] not in self.tables:
                self._findings.error(statement.line, f"value table {parts['table']} is not there; {where} has none")
                return
            pairs = self.tables[parts["table"]]
        texts = []
        for given, name in _PAIR.findall(pairs):
            raw = whole(given)
            if raw is None:
                self._findings.error(statement.line, f"value table of {where}: {given} is not whole; it is left out")
            else:
                texts.append(f"{raw} {string(name)}")
        if texts:
            self._write(statement, f"VAL_ {owner.block.key} {owner.signal} {' '.join(texts)} ;")

    def _comment(self, statement: Statement) -> None:
        parts, line = statement.parts, statement.line
        kind, name, text = parts["kind"], parts["name"], string(parts["text"])
        if kind in ("BU_", "EV_") or (kind is None and parts["id"] is None):
            return  # of a node, an environment variable or the whole file: nothing of ours has it
        if re.search(r'(?<!\\)"', (parts["text"] or "")[1:-1]):
            self._findings.warn(line, "comment with quotation marks in it; all of its line is taken")
        if kind is None:
            kind = "BO_" if name is None else "SG_"
            self._findings.warn(line, f"comment without a keyword; it is taken as one of a {_THINGS[kind]} ({kind})")
        if kind == "BO_":
            block = self._message(statement, "comment")
            if block is not None:
                self._write(statement, f"CM_ BO_ {block.key} {text};")
            return
        owner = self._owner(statement, "comment", name)
        if owner is not None:
            self._write(statement, f"CM_ SG_ {owner.block.key} {owner.signal} {text};")

    def _attribute(self, statement: Statement) -> None:
        parts = statement.parts
        if parts["kind"] == "EV_":
            return
        value = self._attributes.value(statement)
        target = self._target(statement) if value is not None else None
        if target is not None:
            self._write(statement, f"BA_ {string(parts['name'])} {target} {value};")

    def _target(self, statement: Statement) -> str | None:
        """What an attribute is of, as the parser wants it; empty for the whole file."""
        match statement.parts["kind"]:
            case "BO_":
                block = self._message(statement, "attribute")
                return None if block is None else f"BO_ {block.key}"
            case "SG_":
                owner = self._owner(statement, "attribute", statement.parts["of"])
                return None if owner is None else f"SG_ {owner.block.key} {owner.signal}"
            case "BU_":
                return f"BU_ {self._names.mended(statement.parts['of'] or '')}"
            case _:
                return ""

    def _value_type(self, statement: Statement) -> None:
        kind = statement.parts["type"] or ""
        owner = self._owner(statement, "value type", statement.parts["name"])
        if owner is None or kind == "0":
            return
        signal = owner.block.signals[statement.parts["name"] or ""]
        if signal.length not in FLOAT_TYPES.get(kind, ()):
            what = f"signal {owner.block.name}.{signal.name} is of type {kind} with {signal.length} bits"
            self._findings.warn(statement.line, f"{what}, which is no float; it is read as an integer")
        elif not signal.is_float:
            signal.is_float = True
            self._write(statement, f"SIG_VALTYPE_ {owner.block.key} {owner.signal} : {kind};")

    def _selected(self, statement: Statement) -> None:
        """Extended multiplexing. The parser gets one value of all ranges only: it would make a codec for every one."""
        name, selector = statement.parts["name"] or "", statement.parts["selector"] or ""
        owner = self._owner(statement, "multiplexer values", name)
        if owner is None or self._owner(statement, "multiplexer values", selector) is None:
            return
        highest = (1 << owner.block.signals[selector].length) - 1
        ids: list[int] = []
        for low, high in _RANGE.findall(statement.parts["ranges"] or ""):
            ids += range(int(low), min(int(high), highest, int(low) + MOST_IDS) + 1)
        if not ids or len(ids) > MOST_IDS:
            why = "no value that it can have" if not ids else f"more than {MOST_IDS} values"
            text = f"signal {owner.block.name}.{name}: {why} of {selector} selects it; the statement is left out"
            self._findings.error(statement.line, text)
            return
        known = owner.block.multiplexer_ids
        known[name] = (*known.get(name, ()), *ids)
        names = f"{owner.signal} {self._names.mended(selector)}"
        self._write(statement, f"SG_MUL_VAL_ {owner.block.key} {names} {ids[0]}-{ids[0]};")

    def _senders(self, statement: Statement) -> None:
        block = self._message(statement, "senders")
        names = [self._names.mended(name) for name in listed(statement.parts["names"])]
        if block is not None and names:
            self._write(statement, f"BO_TX_BU_ {block.key} : {','.join(names)};")
