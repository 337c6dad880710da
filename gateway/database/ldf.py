"""From the text of an LDF to a database with its LIN description."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from gateway.database.database import Database
from gateway.database.diagnostic import Findings
from gateway.database.errors import DatabaseError
from gateway.database.ldf_frames import Frames
from gateway.database.ldf_nodes import node_names, responders_of
from gateway.database.ldf_parsing import Sections, parse_ldf
from gateway.database.ldf_schedules import tables_of
from gateway.database.ldf_signals import signals_of
from gateway.database.lin import LinDescription
from gateway.database.lin_diagnostics import missing_diagnostics

SLOWEST: Final = 1_000
FASTEST: Final = 20_000
USUAL: Final = 19_200
_NEEDED: Final = {"protocol_version": "LIN_protocol_version", "speed": "LIN_speed", "nodes": "Nodes"}


def load_ldf(path: Path, text: str) -> Database:
    """The database of an LDF; each fault is among its diagnostics. DatabaseError for what is no LDF at all."""
    sections = parse_ldf(text, str(path))
    findings = Findings()
    if not sections.lines:
        raise DatabaseError("this is no LDF: it has no section", file=str(path))
    _check_sections(sections, findings)
    names = node_names(sections, findings)
    signals = signals_of(sections, names.all, findings)
    frames = Frames(sections, signals, names.all, names.commander, findings)
    messages = {message.name: message for message in frames.messages({})}
    description = LinDescription(
        bit_rate=_bit_rate(sections, findings),
        commander=names.commander,
        time_base_ns=names.time_base_ns,
        jitter_ns=names.jitter_ns,
        responders=responders_of(sections, names, frames.frames, messages, findings),
        frames=frames.frames,
        events=frames.events,
        sporadics=frames.sporadics,
    )
    description = replace(description, tables=tables_of(sections, description, findings))
    cycles = {name: description.cycle_ns(name) for name in description.frames}
    if frames.frames and not description.tables:
        findings.warn(None, "the LDF has no schedule table, so its commander asks for no frame")
    if not frames.frames:
        findings.warn(sections.lines.get("frames"), "the LDF has no frame")
    known = frames.messages(cycles)
    return Database(
        str(sections.plain.get("channel_name") or path.stem),
        str(path),
        (*known, *missing_diagnostics(known)),
        tuple(names.all),
        findings.in_order(),
        description,
    )


def _check_sections(sections: Sections, findings: Findings) -> None:
    for name, line in sections.repeated.items():
        if name != "header":
            findings.error(line, f"a section or header is there twice ({name}); its entries are taken together")
    for name, word in _NEEDED.items():
        if name not in sections.lines:
            findings.error(None, f"the LDF has no {word}")
    if "endianness" in sections.plain and sections.plain["endianness"] == "big":
        line = sections.lines["endianness"]
        findings.warn(line, "signals of big-endian byte order are not known here; they are read as little endian")


def _bit_rate(sections: Sections, findings: Findings) -> int:
    rate = sections.plain.get("speed")
    if rate is None:
        return USUAL
    if not SLOWEST <= rate <= FASTEST:
        text = f"a LIN bus has 1 to 20 kbit/s, not {rate / 1000:g}"
        findings.error(sections.lines.get("speed"), text)
        return USUAL
    return int(rate)
