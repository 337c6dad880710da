"""Signals of an LDF with their encodings, as ours: little endian, unsigned, scale and value table from the encoding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.database.diagnostic import Findings
from gateway.database.ldf_parsing import Entry, Sections
from gateway.database.signal import Signal
from gateway.errors import nearest

WIDEST_SCALAR: Final = 16
WIDEST: Final = 64


@dataclass(frozen=True, slots=True)
class LdfSignal:
    """A signal before it has its place in a frame. `initial_raw` is of its bits as one number."""

    name: str
    width: int
    initial_raw: int
    publisher: str
    subscribers: tuple[str, ...]
    encoding: Encoding
    line: int

    def placed(self, offset: int, line: int) -> Signal:
        """The signal at a bit of a frame."""
        coded = self.encoding
        return Signal(
            name=self.name,
            start=offset,
            length=self.width,
            scale=coded.scale,
            offset=coded.offset,
            minimum=coded.minimum,
            maximum=coded.maximum,
            unit=coded.unit,
            choices=dict(coded.choices) or None,
            initial_raw=self.initial_raw,
            receivers=self.subscribers,
            comment=coded.comment,
            line=line,
        )


@dataclass(frozen=True, slots=True)
class Encoding:
    """What raw values mean."""

    scale: int | float = 1
    offset: int | float = 0
    minimum: int | float | None = None
    maximum: int | float | None = None
    unit: str = ""
    choices: tuple[tuple[int, str], ...] = ()
    comment: str = ""


def signals_of(sections: Sections, nodes: list[str], findings: Findings) -> dict[str, LdfSignal]:
    """All signals by name; what is at fault is told, and left out where nothing can be made of it."""
    encodings = _encodings(sections, findings)
    found: dict[str, LdfSignal] = {}
    for section in ("signals", "diagnostic_signals"):
        for entry in sections.entries.get(section, []):
            signal = _signal(entry, encodings.get(entry.value["name"], Encoding()), nodes, findings)
            if signal is None:
                continue
            if signal.name in found:
                first = found[signal.name].line
                findings.error(entry.line, f"signal {signal.name} is there twice; the first is in line {first}")
            else:
                found[signal.name] = signal
    _check_representations(sections, found, findings)
    return found


def _signal(entry: Entry, encoding: Encoding, nodes: list[str], findings: Findings) -> LdfSignal | None:
    value, line = entry.value, entry.line
    name, width = value["name"], value["width"]
    if not 1 <= width <= WIDEST:
        findings.error(
            line, f"signal {name} has {width} bits; a LIN signal has 1 to {WIDEST_SCALAR}, or 8 to {WIDEST} as bytes"
        )
        return None
    initial = _initial(name, width, value["init_value"], line, findings)
    publisher = value.get("publisher", "")
    subscribers = tuple(value.get("subscribers", ()))
    if publisher and publisher not in nodes and publisher not in findings.refused:
        findings.refused.add(publisher)
        findings.error(
            line, f"signal {name} has the publisher {publisher!r}, which is no node{nearest(publisher, nodes)}"
        )
    for subscriber in subscribers:
        if subscriber not in nodes and subscriber not in findings.refused:
            findings.refused.add(subscriber)
            near = nearest(subscriber, nodes)
            findings.error(line, f"signal {name} has the subscriber {subscriber!r}, which is no node{near}")
    return LdfSignal(name, width, initial, publisher, subscribers, encoding, line)


def _initial(name: str, width: int, given: Any, line: int, findings: Findings) -> int:
    """The start value; of a byte array the bytes as one little-endian number."""
    if isinstance(given, list):
        if width % 8 or len(given) != width // 8 or not all(0 <= byte <= 255 for byte in given):
            findings.error(line, f"signal {name} of {width} bits has a start value of {len(given)} bytes: {given}")
            return 0
        return int.from_bytes(bytes(given), "little")
    if width > WIDEST_SCALAR:
        findings.warn(
            line, f"signal {name} has {width} bits, and LIN's numbers end at {WIDEST_SCALAR}; it is read as a number"
        )
    if not 0 <= given < 1 << width:
        findings.error(line, f"signal {name} of {width} bits cannot have the start value {given}")
        return 0
    return int(given)


def _encodings(sections: Sections, findings: Findings) -> dict[str, Encoding]:
    """The encoding of each signal that has one."""
    types: dict[str, Encoding] = {}
    for entry in sections.entries.get("signal_encoding_types", []):
        name = entry.value["name"]
        if name in types:
            findings.error(entry.line, f"encoding {name} is there twice")
        else:
            types[name] = _encoding(name, entry, findings)
    found: dict[str, Encoding] = {}
    for entry in sections.entries.get("signal_representations", []):
        encoding = types.get(entry.value["encoding"])
        if encoding is None:
            near = nearest(entry.value["encoding"], list(types))
            findings.error(entry.line, f"there is no encoding {entry.value['encoding']!r}{near}")
            continue
        for signal in entry.value["signals"]:
            if signal in found:
                findings.warn(entry.line, f"signal {signal} has two encodings; the first counts")
            found.setdefault(signal, encoding)
    return found


def _encoding(name: str, entry: Entry, findings: Findings) -> Encoding:
    values: list[Mapping[str, Any]] = entry.value["values"]
    choices: dict[int, str] = {}
    ranges = []
    kinds = []
    for value in values:
        if value["type"] == "logical":
            choices.setdefault(value["value"], value["text"] or str(value["value"]))
        elif value["type"] == "physical":
            ranges.append(value)
        else:
            kinds.append(str(value["type"]).upper())
    table = tuple(choices.items())
    comment = f"{' and '.join(kinds)} coded" if kinds else ""
    if not ranges:
        return Encoding(choices=table, comment=comment)
    first = ranges[0]
    scale, offset = first["scale"], first["offset"]
    if not scale or not math.isfinite(scale) or not math.isfinite(offset):
        findings.error(
            entry.line, f"encoding {name} has the scale {scale:g} and offset {offset:g}; its values are raw now"
        )
        return Encoding(choices=table, comment=comment)
    alike = [each for each in ranges if (each["scale"], each["offset"]) == (scale, offset)]
    if len(alike) < len(ranges):
        findings.warn(entry.line, f"encoding {name} has ranges of different scales; all values are read with the first")
    low, high = min(each["min"] for each in alike), max(each["max"] for each in alike)
    scale, offset = _whole(scale), _whole(offset)
    ends = sorted((low * scale + offset, high * scale + offset))
    return Encoding(scale, offset, _whole(ends[0]), _whole(ends[1]), first["unit"] or "", table, comment)


def _whole(number: int | float) -> int | float:
    return int(number) if isinstance(number, float) and number.is_integer() and abs(number) < 1 << 53 else number


def _check_representations(sections: Sections, signals: Mapping[str, LdfSignal], findings: Findings) -> None:
    for entry in sections.entries.get("signal_representations", []):
        for name in entry.value["signals"]:
            if name not in signals:
                near = nearest(name, list(signals))
                findings.warn(entry.line, f"an encoding is given for signal {name}, which is not there{near}")
