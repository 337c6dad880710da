"""A decoded log as MCAP, for Foxglove and what else reads it: a channel a message, a JSON object a frame.

Topics are `/BUS/MESSAGE`; the schema of each (JSON Schema) names its signals with their units. A signal that a frame
does not have is left out of its object; where values have names, `labels` has those of the frame.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from gateway.com import label_of
from gateway.vehicle.logs.decode import DecodedLog, MessageTable
from gateway.vehicle.logs.log import LogError
from gateway.version import __version__

MISSING: Final = "MCAP needs the package mcap: pip install 'vehicle-gateway[mcap]'"
_LABELS: Final = "labels"
_WHOLE_BELOW: Final = 1 << 53


def check_mcap(path: Path) -> None:
    """LogError without the package."""
    if importlib.util.find_spec("mcap") is None:
        raise LogError(MISSING, file=str(path))


def write_mcap(decoded: DecodedLog, path: Path) -> None:
    """The frames in the order of their times, which are the recording's own in nanoseconds. LogError for times below 0."""
    from mcap.writer import Writer

    log = decoded.log
    if log.start_ns < 0:
        raise LogError("MCAP has no times before 1970", file=str(path))
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="", library=f"vehicle-gateway {__version__}")
        channels = []
        for table in decoded.tables:
            schema = writer.register_schema(table.message.name, "jsonschema", _schema(table))
            topic = f"/{table.bus}/{table.message.name}"
            channels.append(writer.register_channel(topic, "json", schema, _about(decoded, table)))
        sources = [_objects(table) for table in decoded.tables]
        for number in _in_order(decoded):
            time_ns, data = next(sources[number])
            time_ns += log.start_ns
            writer.add_message(channels[number], time_ns, data, time_ns)
        writer.finish()  # type: ignore[no-untyped-call]


def _in_order(decoded: DecodedLog) -> list[int]:
    """Of each frame of the tables, in the log's order, which table it is of."""
    rows = np.concatenate([table.rows for table in decoded.tables])
    numbers = np.repeat(np.arange(len(decoded.tables)), [len(table) for table in decoded.tables])
    ordered: list[int] = numbers[np.argsort(rows, kind="stable")].tolist()
    return ordered


def _schema(table: MessageTable) -> bytes:
    properties: dict[str, Any] = {}
    for name in table.values:
        signal = table.message.by_name[name]
        properties[name] = {"type": "number"}
        said = [text for text in (signal.comment, f"in {signal.unit}" if signal.unit else "") if text]
        if said:
            properties[name]["description"] = ", ".join(said)
    if any(table.message.by_name[name].choices for name in table.values):
        properties[_LABELS] = {"type": "object", "additionalProperties": {"type": "string"}}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": table.message.name, "type": "object"}
    return json.dumps({**schema, "properties": properties}).encode()


def _about(decoded: DecodedLog, table: MessageTable) -> dict[str, str]:
    message = table.message
    database = decoded.databases[table.bus]
    identifier = f"0x{message.arbitration_id:X}" + ("x" if message.extended else "")
    return {"bus": table.bus, "id": identifier, "database": Path(database.file).name}


def _objects(table: MessageTable) -> Iterator[tuple[int, bytes]]:
    """Time within the log, and the object, of each frame."""
    names = list(table.values)
    signals = [table.message.by_name[name] for name in names]
    columns = [values.tolist() for values in table.values.values()]
    labelled = [name for name, signal in zip(names, signals, strict=True) if signal.choices]
    for time_ns, *values in zip(table.times.tolist(), *columns, strict=True):
        found = {name: _number(value) for name, value in zip(names, values, strict=True) if value - value == 0}
        whole: dict[str, Any] = dict(found)
        labels = {name: label_of(table.message.by_name[name], found[name]) for name in labelled if name in found}
        named = {name: label for name, label in labels.items() if label is not None}
        if named:
            whole[_LABELS] = named
        yield time_ns, json.dumps(whole, separators=(",", ":")).encode()


def _number(value: float) -> int | float:
    return int(value) if value == int(value) and abs(value) < _WHOLE_BELOW else value
