"""Schedule tables of an LDF: names looked up, delays held against what the frames need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.database.diagnostic import Findings
from gateway.database.ldf_nodes import nanoseconds
from gateway.database.ldf_parsing import Entry, Sections
from gateway.database.lin import LinDescription, Responder, ScheduleTable, Slot, SlotKind, longest_ns, nominal_ns
from gateway.database.lin_wire import protected
from gateway.errors import nearest

_ANYBODY: Final = Responder(name="")
_MS: Final = 1_000_000


def tables_of(sections: Sections, description: LinDescription, findings: Findings) -> dict[str, ScheduleTable]:
    """All tables by name; entries that cannot be are told and left out. `description` has nodes and frames."""
    found: dict[str, ScheduleTable] = {}
    for entry in sections.entries.get("schedule_tables", []):
        name = entry.value["name"]
        if name in found:
            findings.error(entry.line, f"schedule table {name} is there twice")
            continue
        slots = [
            slot
            for item, line in zip(entry.value["schedule"], _lines(entry), strict=True)
            if (slot := _slot(name, item, line, description, findings)) is not None
        ]
        found[name] = ScheduleTable(name, tuple(slots), entry.line)
    return found


def _lines(entry: Entry) -> tuple[int, ...]:
    wanted = len(entry.value["schedule"])
    return entry.inner if len(entry.inner) == wanted else (entry.line,) * wanted


def _slot(
    table: str, item: Mapping[str, Any], line: int, description: LinDescription, findings: Findings
) -> Slot | None:
    delay_ns = nanoseconds(item["delay"], f"a slot of table {table}", line, findings)
    command = item["command"]
    slot = _command(table, command, delay_ns, line, description, findings)
    if slot is not None:
        check_slot(table, slot, description, findings)
    return slot


def check_slot(table: str, slot: Slot, description: LinDescription, findings: Findings) -> None:
    """Whether a slot is long enough for what may be in it (LIN 2.2A, 2.4.2: the longest frame and the jitter)."""
    length = description.longest_of(slot)
    if not length or not description.bit_rate:
        return
    what = slot.name or slot.kind.value
    longest = longest_ns(length, description.bit_rate)
    needed_ns = longest + description.jitter_ns
    if slot.delay_ns < needed_ns:
        text = f"table {table}: the slot of {slot.delay_ns / _MS:g} ms is too short for {what}: it needs {needed_ns / _MS:.3f} ms"
        nominal = f"{nominal_ns(length, description.bit_rate) / _MS:.3f} ms nominal, {longest / _MS:.3f} at most"
        text += f" ({length} bytes at {description.bit_rate} bit/s take {nominal}; the jitter is {description.jitter_ns / _MS:g})"
        tell = findings.error if slot.delay_ns < longest else findings.warn
        tell(slot.line, text)
    base_ns = description.time_base_ns
    if base_ns and slot.delay_ns % base_ns:
        text = f"table {table}: the slot of {slot.delay_ns / _MS:g} ms is no multiple of the time base of {base_ns / _MS:g} ms"
        findings.remark(slot.line, text)


def _command(
    table: str,
    command: Mapping[str, Any],
    delay_ns: int,
    line: int,
    description: LinDescription,
    findings: Findings,
) -> Slot | None:
    kind = command["type"]
    if kind == "master_request":
        return Slot(SlotKind.MASTER_REQUEST, delay_ns, line=line)
    if kind == "slave_response":
        return Slot(SlotKind.SLAVE_RESPONSE, delay_ns, line=line)
    if kind == "frame":
        name = command["frame"]
        known = [*description.frames, *description.events, *description.sporadics]
        if name not in known:
            if name not in findings.refused:
                near = nearest(name, known)
                findings.error(line, f"table {table} has a slot for frame {name!r}, which is not there{near}")
            return None
        return Slot(SlotKind.FRAME, delay_ns, name, line=line)
    node = _ANYBODY
    if "node" in command:
        if command["node"] not in description.responders:
            near = nearest(command["node"], list(description.responders))
            findings.error(line, f"table {table} configures a node {command['node']!r} that is not there{near}")
            return None
        node = description.responders[command["node"]]
    data = _request(kind, command, node, description)
    if data is None and command.get("frame") in findings.refused:
        return None
    if data is None or not all(0 <= byte <= 0xFF for byte in data):
        findings.error(
            line, f"table {table}: this command cannot be sent: its numbers are no bytes, or its frame is not there"
        )
        return None
    return Slot(SlotKind.REQUEST, delay_ns, kind, bytes(data), line)


def _request(kind: str, command: Mapping[str, Any], node: Responder, description: LinDescription) -> list[int] | None:
    """The eight bytes of a node configuration command (LIN 2.2A, 4.2.5; AssignFrameId is LIN 2.0)."""
    product = node.product
    match kind:
        case "free_format":
            return list(command["data"])
        case "assign_nad":
            return [node.initial_nad, 6, 0xB0, *_words(product.supplier, product.function), node.nad]
        case "conditional_change_nad":
            return [command["nad"], 6, 0xB3, *(command[key] for key in ("id", "byte", "mask", "inv", "new_nad"))]
        case "data_dump":
            return [node.nad, 6, 0xB4, *command["data"]]
        case "save_configuration":
            return [node.nad, 1, 0xB6, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        case "assign_frame_id_range":
            pids = list(command["pids"]) or _next_pids(node, command["frame_index"], description)
            return [node.nad, 6, 0xB7, command["frame_index"], *pids]
        case "assign_frame_id" | "unassign_frame_id":
            message_id = dict(node.configurable).get(command["frame"])
            frame_id = _frame_id(command["frame"], description)
            if frame_id is None:
                return None
            # LIN 2.1 has no message ids any more; the index of the frame stands for them.
            if message_id is None:
                names = [name for name, _ in node.configurable]
                message_id = names.index(command["frame"]) if command["frame"] in names else 0xFFFF
            pid = protected(frame_id) if kind == "assign_frame_id" else 0x40
            return [node.nad, 6, 0xB1, *_words(product.supplier, message_id), pid]
    return None


def _words(*numbers: int) -> list[int]:
    return [byte for number in numbers for byte in (number & 0xFF, number >> 8)]


def _next_pids(node: Responder, start: int, description: LinDescription) -> list[int]:
    """Without identifiers in the command, the next four configurable frames get those of the LDF."""
    pids = []
    for place in range(start, start + 4):
        name = node.configurable[place][0] if 0 <= place < len(node.configurable) else None
        frame_id = None if name is None else _frame_id(name, description)
        pids.append(0xFF if frame_id is None else protected(frame_id))
    return pids


def _frame_id(name: str, description: LinDescription) -> int | None:
    found = description.frames.get(name) or description.events.get(name)
    return None if found is None else found.frame_id
