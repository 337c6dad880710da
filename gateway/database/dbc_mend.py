"""The statements of a faulty DBC file as text that a strict parser takes; what had to be mended is told line by line.

First comes what others refer to (messages with their signals, attribute definitions, value tables), wherever in the
file it stands; then the others, each checked against that. Names that the format does not allow are given back to
messages and signals afterwards (`Origin`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.database.convert import Origin
from gateway.database.dbc_attributes import AttributeTable, Line
from gateway.database.dbc_blocks import Blocks
from gateway.database.dbc_references import References
from gateway.database.dbc_scan import Statement
from gateway.database.dbc_text import Names
from gateway.database.diagnostic import Findings

_REFERENCES: Final = frozenset(("VAL_", "CM_", "BA_", "SIG_VALTYPE_", "SG_MUL_VAL_", "BO_TX_BU_"))


class Mended:
    """The result: the parts of the file for the parser, `findings`, and where each message comes from."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self.findings = Findings()
        self.understood = 0
        self._names = Names()
        self._nodes: list[str] = []
        self._blocks = Blocks(self._names, self.findings)
        self._attributes = AttributeTable(self.findings)
        self._references = References(self._blocks, self._attributes, self._names, self.findings)
        later = [statement for statement in statements if self._refers(statement)]
        for statement in later:
            self._references.add(statement)
        self._tell_lonely_signals()

    def _refers(self, statement: Statement) -> bool:
        """Whether the statement is one for the second round; others are dealt with here."""
        keyword, parts = statement.keyword, statement.parts
        if keyword == "":
            self._not_understood(statement)
            return False
        self.understood += 1
        match keyword:
            case "BO_":
                self._blocks.message(statement)
            case "SG_":
                self._blocks.signal(statement)
            case "BU_":
                self._nodes += [name for name in (parts["names"] or "").split() if name not in self._nodes]
            case "VAL_TABLE_":
                self._references.tables[parts["name"] or ""] = parts["pairs"] or ""
            case "BA_DEF_":
                self._attributes.define(statement)
            case "BA_DEF_DEF_":
                self._attributes.default(statement)
        return keyword in _REFERENCES

    def _not_understood(self, statement: Statement) -> None:
        if statement.parts["keyword"] == "BO_":
            self._blocks.close()
        excerpt = statement.text[:60] + ("..." if len(statement.text) > 60 else "")
        self.findings.error(statement.line, f"not understood and left out: {excerpt!r}")

    def _tell_lonely_signals(self) -> None:
        """Multiplexed signals that nothing selects."""
        for block in self._blocks.messages:
            if len(block.selectors) == 1:
                continue
            why = "no multiplexer" if not block.selectors else "several multiplexers and no SG_MUL_VAL_ for it"
            for name in sorted(block.multiplexed - block.multiplexer_ids.keys()):
                text = f"signal {block.name}.{name} is multiplexed, but there is {why}; it is taken as always there"
                self.findings.warn(block.signals[name].line, text)

    @property
    def start(self) -> str:
        """The nodes, messages and signals for the parser."""
        blocks = [f"BU_: {' '.join(self._names.mended(name) for name in self._nodes)}"]
        for block in self._blocks.messages:
            blocks += [block.text, *(signal.text for signal in block.signals.values())]
        return "\n".join(blocks)

    @property
    def others(self) -> list[Line]:
        """All other statements for the parser."""
        return [*self._attributes.lines, *self._references.lines]

    @property
    def given_names(self) -> dict[str, str]:
        """From the names that the parser sees to those of the file, where they differ."""
        return self._names.given

    @property
    def origins(self) -> list[Origin]:
        """Where each message comes from, in the parser's order."""
        given = self.given_names
        return [
            Origin(
                line=block.line,
                name=block.name,
                signal_lines=[signal.line for signal in block.signals.values()],
                signal_names=list(block.signals),
                mended=given,
                multiplexer_ids=block.multiplexer_ids,
            )
            for block in self._blocks.messages
        ]
