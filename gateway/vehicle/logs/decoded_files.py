"""A decoded log as a file for other tools: CSV, JSON, MF4 or MCAP.

CSV has a row for each value (time_s, bus, message, signal, value, unit, label): nothing is lost, every value keeps its
own time, and pandas or a database turns it into any other shape. With a raster it has a column for each signal and a
row for each step, each signal with the value that it had then: that is what a spreadsheet or a plot wants.

Times are the recording's own, in seconds.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
from numpy.typing import NDArray

from gateway.com import label_of
from gateway.database import Signal
from gateway.errors import nearest
from gateway.sim import NS_PER_S
from gateway.vehicle.logs.decode import DecodedLog, MessageTable
from gateway.vehicle.logs.decoded_mcap import check_mcap, write_mcap
from gateway.vehicle.logs.log import EPOCH_NS, LogError

ENDINGS: Final = (".csv", ".json", ".mf4", ".mcap")
LONG_HEAD: Final = ("time_s", "bus", "message", "signal", "value", "unit", "label")
ROWS_MAX: Final = 50_000_000
"""Of a raster: more is a mistake in the step."""
_BLOCK: Final = 65536
_WHOLE_BELOW: Final = 1 << 53


def check_ending(path: Path, raster_ns: int | None) -> None:
    """LogError for a file that cannot be written in any of our ways; to be asked before the work is done."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        what = f"a file {ending!r}" if ending else "a file without an ending"
        raise LogError(
            f"{what} cannot be written{nearest(ending, list(ENDINGS))}: write {', '.join(ENDINGS)}", file=str(path)
        )
    if raster_ns is not None and ending != ".csv":
        raise LogError("a raster is for CSV: JSON, MF4 and MCAP keep the time of each value", file=str(path))
    if ending == ".mf4" and importlib.util.find_spec("asammdf") is None:
        raise LogError("MF4 needs the package asammdf: pip install 'vehicle-gateway[mf4]'", file=str(path))
    if ending == ".mcap":
        check_mcap(path)


def write(decoded: DecodedLog, path: Path, raster_ns: int | None = None) -> None:
    """Write the file, its format chosen by its ending. `raster_ns`: step of a CSV with a column a signal. LogError."""
    check_ending(path, raster_ns)
    if not decoded.tables:
        raise LogError("nothing of it could be decoded: no frame has an id of the databases", file=decoded.log.name)
    try:
        if path.suffix.lower() == ".mf4":
            write_mf4(decoded, path)
            return
        if path.suffix.lower() == ".mcap":
            write_mcap(decoded, path)
            return
        with path.open("w", newline="", encoding="utf-8") as stream:
            if path.suffix.lower() == ".json":
                write_json(decoded, stream)
            elif raster_ns is None:
                write_long(decoded, stream)
            else:
                write_raster(decoded, stream, raster_ns)
    except OSError as error:
        raise LogError(f"cannot be written: {error.strerror or error}", file=str(path)) from None


# CSV, a row for each value


def write_long(decoded: DecodedLog, stream: TextIO) -> None:
    """Rows in the order of the frames, the signals of a frame in the order of their message."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(LONG_HEAD)
    columns = [(table, name) for table in decoded.tables for name in table.values]
    heads = [(table.bus, table.message.name, name) for table, name in columns]
    texts = [_texts(table.message.by_name[name]) for table, name in columns]
    frames = np.concatenate([table.rows for table, _ in columns])
    values = np.concatenate([table.values[name] for table, name in columns])
    numbers = np.repeat(np.arange(len(columns)), [len(table) for table, _ in columns])
    order = np.lexsort((numbers, frames))
    order = order[~np.isnan(values[order])]
    for at in range(0, len(order), _BLOCK):
        block = order[at : at + _BLOCK]
        times = _seconds(decoded.log.times[frames[block]] + decoded.log.start_ns)
        rows = zip(times, numbers[block].tolist(), values[block].tolist(), strict=True)
        writer.writerows((time, *heads[number], *texts[number](value)) for time, number, value in rows)


def _texts(signal: Signal) -> Callable[[float], tuple[str, str, str]]:
    """Value, unit and label of a value, each made once where the signal has a table of labels."""
    unit = signal.unit
    known: dict[float, tuple[str, str, str]] = {}

    def texts(value: float) -> tuple[str, str, str]:
        found = known.get(value)
        if found is None:
            found = (number_text(value), unit, label_of(signal, value) or "")
            if len(known) < _BLOCK:
                known[value] = found
        return found

    return texts


def number_text(value: float) -> str:
    """The shortest text of a value that gives it again; whole numbers without a point."""
    if math.isfinite(value) and value == int(value) and abs(value) < _WHOLE_BELOW:
        return str(int(value))
    return repr(value)


def _seconds(times_ns: NDArray[np.int64]) -> list[str]:
    return [f"{time // NS_PER_S}.{time % NS_PER_S:09d}".rstrip("0").rstrip(".") for time in times_ns.tolist()]


# CSV, a row for each step


def write_raster(decoded: DecodedLog, stream: TextIO, step_ns: int) -> None:
    """A column for each signal: the value that it had at the time of the row, empty before its first."""
    if step_ns <= 0:
        raise LogError("the step of a raster must be above 0")
    steps = decoded.log.duration_ns // step_ns + 1
    if steps > ROWS_MAX:
        raise LogError(f"the raster would have {steps} rows: take a greater step")
    writer = csv.writer(stream, lineterminator="\n")
    columns = [(table, name) for table in decoded.tables for name in table.values]
    writer.writerow(["time_s", *(_column_name(decoded, table, name) for table, name in columns)])
    series = [_present(table, name) for table, name in columns]
    for at in range(0, steps, _BLOCK):
        times = np.arange(at, min(at + _BLOCK, steps), dtype=np.int64) * step_ns
        cells = [_held(times, *one) for one in series]
        writer.writerows(zip(_seconds(times + decoded.log.start_ns), *cells, strict=True))


def _column_name(decoded: DecodedLog, table: MessageTable, name: str) -> str:
    buses = {other.bus for other in decoded.tables if other.message.name == table.message.name}
    return f"{table.bus}.{table.message.name}.{name}" if len(buses) > 1 else f"{table.message.name}.{name}"


def _present(table: MessageTable, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    values = table.values[name]
    there = ~np.isnan(values)
    return table.times[there], values[there]


def _held(times: NDArray[np.int64], own: NDArray[np.int64], values: NDArray[np.float64]) -> list[str]:
    """The last value at or before each time, as text."""
    at = np.searchsorted(own, times, side="right") - 1
    if not len(own):
        return [""] * len(times)
    held = values[np.maximum(at, 0)].tolist()
    return [number_text(value) if index >= 0 else "" for value, index in zip(held, at.tolist(), strict=True)]


# JSON


def write_json(decoded: DecodedLog, stream: TextIO) -> None:
    """One document: a list of messages with their times and the values of each signal; null where one is not there."""
    stream.write('{"messages": [')
    for number, table in enumerate(decoded.tables):
        stream.write((",\n" if number else "\n") + json.dumps(_as_json(decoded, table)))
    stream.write("\n]}\n")


def _as_json(decoded: DecodedLog, table: MessageTable) -> Mapping[str, Any]:
    message = table.message
    times = table.times + decoded.log.start_ns
    return {
        "bus": table.bus,
        "message": message.name,
        "id": message.arbitration_id,
        "extended": message.extended,
        # Seconds and their part apart: a date in nanoseconds is beyond what a float tells apart.
        "time_s": (times // NS_PER_S + times % NS_PER_S / NS_PER_S).tolist(),
        "signals": {name: _signal_json(message.by_name[name], values) for name, values in table.values.items()},
    }


def _signal_json(signal: Signal, values: NDArray[np.float64]) -> Mapping[str, Any]:
    numbers = [None if not math.isfinite(value) else value for value in values.tolist()]
    labels = {signal.to_physical(raw): label for raw, label in (signal.choices or {}).items()}
    return {"unit": signal.unit, "labels": {str(value): label for value, label in labels.items()}, "values": numbers}


# MF4


def write_mf4(decoded: DecodedLog, path: Path) -> None:
    """ASAM MDF 4 with a channel group for each message; its times count from the file's start time."""
    from datetime import UTC, datetime, timedelta

    from asammdf import MDF
    from asammdf import Signal as Channel

    log = decoded.log
    with MDF(version="4.10") as file:
        if log.start_ns >= EPOCH_NS:
            file.header.start_time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=log.start_ns // 1000)
        for table in decoded.tables:
            times = table.times / NS_PER_S
            channels = [
                Channel(values, times, unit=table.message.by_name[name].unit, name=name)
                for name, values in table.values.items()
            ]
            if channels:
                file.append(
                    channels,
                    acq_name=table.message.name,
                    comment=f"{table.bus}.{table.message.name}",
                    common_timebase=True,
                )
        file.save(path, overwrite=True)
