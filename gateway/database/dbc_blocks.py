"""The messages of a DBC file and their signals: what all other statements refer to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from gateway.database.dbc_scan import Statement
from gateway.database.dbc_text import Names, listed, number, string
from gateway.database.diagnostic import Findings

EXTENDED: Final = 1 << 31
"""Set in the identifiers of DBC files that have 29 bits."""
ID_BITS: Final = (1 << 29) - 1
NOBODY: Final = "Vector__XXX"
UNASSIGNED: Final = "VECTOR__INDEPENDENT_SIG_MSG"
"""The message in which editors keep signals that belong to none."""
LONGEST: Final = 4095
"""Bytes; what the longest transport protocol on CAN can carry (ISO 15765-2)."""


@dataclass(slots=True)
class SignalBlock:
    """An SG_ statement, mended."""

    line: int
    name: str
    text: str
    length: int
    is_float: bool = False


@dataclass(slots=True)
class MessageBlock:
    """A BO_ statement, mended, with its signals. `key` is the identifier as DBC files have it."""

    line: int
    name: str
    key: int
    text: str
    signals: dict[str, SignalBlock] = field(default_factory=dict)
    selectors: set[str] = field(default_factory=set)
    multiplexed: set[str] = field(default_factory=set)
    multiplexer_ids: dict[str, tuple[int, ...]] = field(default_factory=dict)


class Blocks:
    """All messages. Feed it with the BO_ and SG_ statements in order."""

    def __init__(self, names: Names, findings: Findings) -> None:
        self.messages: list[MessageBlock] = []
        self.by_number: dict[int, MessageBlock] = {}
        """By the identifier that the file gives them, so that other statements find theirs."""
        self.unassigned: set[int] = set()
        self._names = names
        self._findings = findings
        self._by_key: dict[int, MessageBlock] = {}
        self._by_name: dict[str, MessageBlock] = {}
        self._open: MessageBlock | None = None
        self._told_orphans = False

    def close(self) -> None:
        """Signals that follow belong to no message that there is."""
        self._open = None
        self._told_orphans = False

    def message(self, statement: Statement) -> None:
        """A BO_ statement."""
        self.close()
        parts, line = statement.parts, statement.line
        name, given_id = parts["name"] or "", int(parts["id"] or "0")
        if name == UNASSIGNED:
            self.unassigned.add(given_id)
            self._told_orphans = True
            return
        length = _byte_count(parts["length"] or "")
        if length is None or length > LONGEST:
            self._findings.error(line, f"message {name} has a length of {parts['length']} bytes; it is left out")
            self._told_orphans = True
            return
        key = self._key(line, name, given_id)
        if parts["sender"] is None:
            self._findings.warn(line, f"message {name} has no sender; it is taken as sent by nobody")
        sender = self._names.mended(parts["sender"] or NOBODY)
        text = f"BO_ {key} {self._renamed(line, 'message', name)}: {length} {sender}"
        self._open = MessageBlock(line, name, key, text)
        self._tell_duplicates(self._open)
        self.messages.append(self._open)
        self.by_number.setdefault(given_id, self._open)

    def _key(self, line: int, name: str, given_id: int) -> int:
        """The identifier made to fit: what needs more than 11 bits is an extended one, of 29 bits."""
        bits = given_id & (EXTENDED - 1) if given_id < 1 << 32 else given_id
        extended = given_id != bits or given_id >= 1 << 32
        if bits >> (29 if extended else 11) == 0:
            return given_id
        fitting = bits & ID_BITS
        cut = "" if fitting == bits else f", without the bits above 29: {fitting:#x}"
        what = "29 bits" if extended else "11 bits"
        self._findings.warn(line, f"message {name}: id {bits:#x} does not fit in {what}; it is taken as extended{cut}")
        return fitting | EXTENDED

    def _tell_duplicates(self, block: MessageBlock) -> None:
        first = self._by_key.setdefault(block.key, block)
        if first is not block:
            text = f"message {block.name} has the id of {first.name} (line {first.line}); by id that one is found"
            self._findings.warn(block.line, text)
        first = self._by_name.setdefault(block.name, block)
        if first is not block:
            text = f"message {block.name} is there already (line {first.line}); by name that one is found"
            self._findings.warn(block.line, text)

    def _renamed(self, line: int, what: str, name: str) -> str:
        mended = self._names.mended(name)
        if mended != name:
            self._findings.warn(line, f"{what} name {name!r} is no identifier; it is kept as it is")
        return mended

    def signal(self, statement: Statement) -> None:
        """An SG_ statement."""
        parts, line, block = statement.parts, statement.line, self._open
        name = parts["name"] or ""
        if block is None:
            if not self._told_orphans:
                self._findings.error(line, f"signal {name} belongs to no message; all of this block are left out")
            self._told_orphans = True
            return
        where = f"signal {block.name}.{name}"
        start, length = int(parts["start"] or 0), int(parts["length"] or 0)
        if not 0 < length <= 8 * LONGEST or start >= 8 * LONGEST:
            self._findings.error(line, f"{where} has no place: {length} bits from {start}; it is left out")
            return
        if name in block.signals:
            earlier = block.signals[name].line
            self._findings.error(line, f"{where} is there already (line {earlier}); this one is left out")
            return
        if parts["order"] not in ("0", "1"):
            self._findings.warn(line, f"{where} has the byte order {parts['order']}; little endian is taken")
        if not (parts["receivers"] or "").strip():
            self._findings.warn(line, f"{where} has no receiver; it is taken as received by nobody")
        mended = self._renamed(line, "signal", name)
        marker = self._marker(line, block, name, parts["mux"])
        block.signals[name] = SignalBlock(line, name, self._signal_text(parts, mended, marker), length)

    def _marker(self, line: int, block: MessageBlock, name: str, marker: str | None) -> str:
        """The multiplexer mark, mended: `M` selects, `m3` is selected by 3, `m3M` is and does."""
        if not marker:
            return ""
        where = f"signal {block.name}.{name} has the multiplexer mark {marker}"
        if marker == "m":
            self._findings.warn(line, f"{where} without a value; M is taken")
            marker = "M"
        found = re.fullmatch(r"(m\d{1,9})?(M?)", marker)
        if found is None:
            self._findings.warn(line, f"{where}, which says nothing; it is ignored")
            return ""
        if found[2]:
            block.selectors.add(name)
        if found[1]:
            block.multiplexed.add(name)
        return f" {marker}"

    def _signal_text(self, parts: dict[str, str | None], name: str, marker: str) -> str:
        receivers = [self._names.mended(receiver) for receiver in listed(parts["receivers"])] or [NOBODY]
        scale, offset, low, high = (number(parts[key]) for key in ("scale", "offset", "min", "max"))
        order = "0" if parts["order"] == "0" else "1"
        return (
            f" SG_ {name}{marker} : {parts['start']}|{parts['length']}@{order}{parts['sign']} ({scale},{offset})"
            f" [{low}|{high}] {string(parts['unit'])} {','.join(receivers)}"
        )


def _byte_count(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None
