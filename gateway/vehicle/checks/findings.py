"""What was found wrong: in the files of the databases, and in a log when it is held against them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.can import ERROR, EXTENDED, ID_MASK, KEY_MASK, REMOTE, padded_length
from gateway.database import Database, Message, Severity

Census = Counter[tuple[str, int, int]]
"""How many frames a log has of each bus, key (header & KEY_MASK) and payload length."""
_LENGTHS_TOLD: Final = 4


class Finding(NamedTuple):
    """One thing that is wrong, or worth knowing; `file` and `line` where it has them."""

    file: str | None
    line: int | None
    severity: Severity
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"file": self.file, "line": self.line, "severity": self.severity.value, "text": self.text}

    def __str__(self) -> str:
        place = "" if self.file is None else f"{self.file}: " if self.line is None else f"{self.file}:{self.line}: "
        return f"{place}{self.severity.value}: {self.text}"


class Unknown(NamedTuple):
    """An identifier that no message of its bus's database has."""

    bus: str
    key: int
    frames: int

    @property
    def identifier(self) -> str:
        """`0x3A0`, with eight digits where it has 29 bits."""
        return f"0x{self.key & ID_MASK:08X}" if self.key & EXTENDED else f"0x{self.key & ID_MASK:03X}"

    def as_json(self) -> dict[str, Any]:
        return {"bus": self.bus, "id": self.identifier, "frames": self.frames}


def unknown_frames(census: Census, databases: Mapping[str, Database]) -> list[Unknown]:
    """The identifiers of a log that are not in the databases, the most frequent first."""
    counts: Counter[tuple[str, int]] = Counter()
    for (bus, key, _), count in census.items():
        if not key & ERROR and _message(databases, bus, key) is None:
            counts[bus, key & ~REMOTE] += count
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Unknown(bus, key, count) for (bus, key), count in ordered]


def database_findings(databases: Iterable[Database]) -> Iterator[Finding]:
    """The faults of the files, each file once."""
    for database in {database.file: database for database in databases}.values():
        for diagnostic in database.diagnostics:
            yield Finding(database.file, diagnostic.line, diagnostic.severity, diagnostic.text)


def log_findings(file: str, census: Census, databases: Mapping[str, Database]) -> Iterator[Finding]:
    """What a log shows: error frames, wrong lengths, and messages whose description in the database is at fault."""
    errors: Counter[str] = Counter()
    lengths: dict[tuple[str, Message], Counter[int]] = {}
    for (bus, key, length), count in census.items():
        message = _message(databases, bus, key)
        if key & ERROR:
            errors[bus] += count
        elif message is not None and not key & REMOTE:
            lengths.setdefault((bus, message), Counter())[length] += count
    for bus, count in errors.items():
        yield Finding(file, None, Severity.WARNING, f"{count} error frames on {bus}")
    for (_, message), found in sorted(lengths.items(), key=lambda item: (item[0][0], item[0][1].arbitration_id)):
        text = _wrong_length(message, found)
        if text is not None:
            yield Finding(file, None, Severity.WARNING, text)
    concerned: Counter[tuple[str, Message]] = Counter({which: found.total() for which, found in lengths.items()})
    yield from _doubtful(file, concerned, databases)


def named(message: Message) -> str:
    """`SAS1 (0x2B0)`."""
    return f"{message.name} (0x{message.arbitration_id:{'08X' if message.extended else '03X'}})"


def _message(databases: Mapping[str, Database], bus: str, key: int) -> Message | None:
    database = databases.get(bus)
    if database is None or key & ERROR & KEY_MASK:
        return None
    return database.by_id(key & ID_MASK, key & EXTENDED != 0)


def _wrong_length(message: Message, found: Counter[int]) -> str | None:
    right = {message.length, padded_length(message.length) if message.length <= 64 else message.length}
    wrong = {length: count for length, count in sorted(found.items()) if length not in right}
    if not wrong:
        return None
    told = [str(length) for length in wrong][:_LENGTHS_TOLD]
    lengths = ", ".join(told) + (" and other lengths" if len(wrong) > _LENGTHS_TOLD else "")
    fates = []
    if min(wrong) < message.length:
        fates.append("decoded as far as they reach")
    if max(wrong) > message.length:
        fates.append("what is longer is ignored")
    count = sum(wrong.values())
    frames = "1 frame" if count == 1 else f"{count} frames"
    return f"{named(message)}: {frames} of {lengths} bytes instead of {message.length}, {'; '.join(fates)}"


def _doubtful(file: str, counts: Counter[tuple[str, Message]], databases: Mapping[str, Database]) -> Iterator[Finding]:
    """For each message that the log has and whose database has a diagnostic about it: how many frames it concerns."""
    for (bus, message), count in counts.items():
        database = databases[bus]
        lines = {line for line in (message.line, *(signal.line for signal in message.signals)) if line is not None}
        about = [one for one in database.diagnostics if one.line in lines]
        if about:
            first, more = about[0], f" (and {len(about) - 1} more about this message)" if len(about) > 1 else ""
            place = f"line {first.line} of {Path(database.file).name}"
            text = f"{named(message)}: {count} frames concerned by {place}: {first.text}{more}"
            yield Finding(file, None, first.severity, text)
