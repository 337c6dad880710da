"""The drive cycle: a CSV file with the inputs of ECUs over time.

The first column is `time_s`; each other column is `ECU.input`. A column whose values all are numbers with a decimal
point is interpolated; other values stay until the next row. An empty cell leaves its input as it is. After the last row
the cycle begins again.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from gateway.ecu import InputValue, Track
from gateway.vehicle.errors import VehicleFileError


def read_drive(path: Path) -> Mapping[str, Track]:
    """The tracks by `ECU.input`. VehicleFileError with file and line for what is no drive cycle."""
    file = str(path)
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [(reader_line, row) for reader_line, row in enumerate(csv.reader(stream), 1) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise VehicleFileError(f"cannot be read as CSV: {error}", file=file) from None
    if len(rows) < 2 or rows[0][1][0].strip() != "time_s":
        raise VehicleFileError(
            "is no drive cycle: its first column must be time_s, and it needs a row", file=file, line=1
        )
    names = [name.strip() for name in rows[0][1][1:]]
    for name in names:
        if name.count(".") != 1:
            raise VehicleFileError(f"column {name!r} is not ECU.input", file=file, line=rows[0][0])
    times: list[int] = []
    columns: dict[str, tuple[list[int], list[InputValue]]] = {name: ([], []) for name in names}
    for line, row in rows[1:]:
        if len(row) != len(names) + 1:
            raise VehicleFileError(f"has {len(row)} cells instead of {len(names) + 1}", file=file, line=line)
        times.append(_time_ns(row[0], times, file, line))
        for name, cell in zip(names, row[1:], strict=True):
            if cell.strip():
                columns[name][0].append(times[-1])
                columns[name][1].append(_value(cell.strip()))
    return {name: Track(at, values, times[-1]) for name, (at, values) in columns.items() if values}


def _time_ns(cell: str, before: list[int], file: str, line: int) -> int:
    try:
        time_ns = round(float(cell) * 1e9)
    except (ValueError, OverflowError):
        raise VehicleFileError(f"{cell!r} is not a time in seconds", file=file, line=line) from None
    if before and time_ns <= before[-1]:
        raise VehicleFileError(f"{cell} s does not come after the row before", file=file, line=line)
    return time_ns


def _value(cell: str) -> InputValue:
    for convert in (int, float):
        try:
            return convert(cell)
        except ValueError:
            continue
    return cell
