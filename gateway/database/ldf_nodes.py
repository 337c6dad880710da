"""Nodes of an LDF: the commander with its time base, the responders with their attributes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gateway.database.diagnostic import Findings
from gateway.database.ldf_parsing import Entry, Sections
from gateway.database.lin import LinFrame, Place, ProductId, Responder
from gateway.database.message import Message
from gateway.errors import nearest

LONGEST_S: Final = 86_400.0
LAST_NAD: Final = 0xFF


class NodeNames(NamedTuple):
    """Who is on the bus."""

    commander: str
    time_base_ns: int
    jitter_ns: int
    responders: tuple[str, ...]

    @property
    def all(self) -> list[str]:
        return [name for name in (self.commander, *self.responders) if name]


def nanoseconds(seconds: float, what: str, line: int | None, findings: Findings) -> int:
    """A time of the file; 0, and told, for what is none."""
    if not math.isfinite(seconds) or not 0 <= seconds <= LONGEST_S:
        findings.error(line, f"{what} of {seconds:g} s is no time that a LIN bus has")
        return 0
    return round(seconds * 1_000_000_000)


def node_names(sections: Sections, findings: Findings) -> NodeNames:
    """The nodes section."""
    line = sections.lines.get("nodes")
    given = sections.plain.get("nodes") or {}
    master = given.get("master")
    if isinstance(master, list):  # responders only: the transformer puts them where the commander should be
        master, given = None, {"slaves": master}
    if master is None:
        findings.error(line, "the LDF names no commander (Nodes { Master: NAME, 5 ms, 0.1 ms; ... })")
        return NodeNames("", 0, 0, tuple(given.get("slaves") or ()))
    names = tuple(given.get("slaves") or ())
    for name in (name for index, name in enumerate(names) if name in names[:index] or name == master["name"]):
        findings.error(line, f"node {name} is there twice")
    return NodeNames(
        master["name"],
        nanoseconds(master["timebase"], "a time base", line, findings),
        nanoseconds(master["jitter"], "a jitter", line, findings),
        tuple(dict.fromkeys(name for name in names if name != master["name"])),
    )


def responders_of(
    sections: Sections,
    names: NodeNames,
    frames: Mapping[str, LinFrame],
    messages: Mapping[str, Message],
    findings: Findings,
) -> dict[str, Responder]:
    """All responders by name; those without attributes (LIN 1.3) have what LIN gives by default."""
    addresses = sections.plain.get("diagnostic_addresses") or {}
    found = {
        name: Responder(name=name, nad=addresses.get(name, 0x7F), initial_nad=addresses.get(name, 0x7F))
        for name in names.responders
    }
    nads: dict[int, str] = {}
    seen: set[str] = set()
    for entry in sections.entries.get("node_attributes", []):
        name = entry.value["name"]
        if name not in names.responders:
            near = nearest(name, list(names.responders))
            findings.error(entry.line, f"node {name} has attributes, and is none of the responders{near}")
            continue
        if name in seen:
            findings.error(entry.line, f"node {name} has attributes twice")
            continue
        seen.add(name)
        found[name] = responder = _responder(entry, frames, messages, findings)
        if responder.nad in nads:
            findings.warn(
                entry.line, f"nodes {nads[responder.nad]} and {name} have the same address {responder.nad:#x}"
            )
        nads[responder.nad] = name
    for name in set(names.responders) - seen if "node_attributes" in sections.lines else ():
        findings.warn(sections.lines["node_attributes"], f"node {name} has no attributes")
    return found


def _responder(
    entry: Entry, frames: Mapping[str, LinFrame], messages: Mapping[str, Message], findings: Findings
) -> Responder:
    value, line = entry.value, entry.line
    name = value["name"]
    nad = _address(name, value.get("configured_nad", 0x7F), line, findings)
    product = value.get("product_id") or {}
    numbers = (product.get("supplier_id", 0x7FFF), product.get("function_id", 0xFFFF), product.get("variant", 0xFF))
    if not (0 <= numbers[0] <= 0xFFFF and 0 <= numbers[1] <= 0xFFFF and 0 <= numbers[2] <= 0xFF):
        findings.error(line, f"node {name} has the product {numbers}; it has two numbers of 16 bits and one of 8")
        numbers = (0x7FFF, 0xFFFF, 0xFF)
    return Responder(
        name=name,
        nad=nad,
        initial_nad=_address(name, value.get("initial_nad", nad), line, findings),
        product=ProductId(*numbers),
        response_error=_error_place(name, value.get("response_error"), frames, messages, line, findings),
        configurable=_configurable(name, value.get("configurable_frames"), messages, line, findings),
        p2_min_ns=nanoseconds(value.get("P2_min", 0.05), "P2_min", line, findings),
        st_min_ns=nanoseconds(value.get("ST_min", 0.0), "ST_min", line, findings),
        n_cr_ns=nanoseconds(value.get("N_Cr_timeout", 1.0), "N_Cr_timeout", line, findings),
        line=line,
    )


def _address(name: str, nad: int, line: int, findings: Findings) -> int:
    if not 1 <= nad <= LAST_NAD:
        findings.error(line, f"node {name} has the address {nad:#x}; those of LIN are 0x01 to 0x7D")
        return 0x7F
    return nad


def _error_place(
    node: str,
    name: str | None,
    frames: Mapping[str, LinFrame],
    messages: Mapping[str, Message],
    line: int,
    findings: Findings,
) -> Place | None:
    """Where the response_error of a node is: in the first frame that it publishes with that signal."""
    if name is None:
        return None
    for frame in frames.values():
        signal = messages[frame.name].by_name.get(name)
        if signal is not None and frame.publisher == node:
            if signal.length != 1:
                findings.error(
                    line, f"the response_error {name} of node {node} has {signal.length} bits; it must have one"
                )
            return Place(frame.name, signal.start)
    if name not in findings.refused:
        findings.error(line, f"the response_error {name} of node {node} is in no frame that the node publishes")
    return None


def _configurable(
    node: str, given: Any, messages: Mapping[str, Message], line: int, findings: Findings
) -> tuple[tuple[str, int | None], ...]:
    pairs = list(given.items()) if isinstance(given, dict) else [(name, None) for name in given or ()]
    for name, _ in pairs:
        if name not in messages and name not in findings.refused:
            findings.error(
                line, f"node {node} can configure a frame {name!r} that is not there{nearest(name, list(messages))}"
            )
    return tuple(pairs)
