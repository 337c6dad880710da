"""The drive cycle: a CSV file with the inputs of ECUs over time.

The first column is `time_s`; each other column is `ECU.input`. A column whose values all are numbers with a decimal
point is interpolated; other values stay until the next row. An empty cell leaves its input as it is. After the last row
the cycle begins again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from gateway.ecu import InputValue, Track
from gateway.errors import GatewayError
from gateway.vehicle.errors import VehicleFileError, raise_all


def read_drive(path: Path) -> Mapping[str, Track]:
    """The tracks by `ECU.input`. VehicleFileError, with all faults and their lines, for what is no drive cycle."""
    file = str(path)
    rows = _rows(path, file)
    if len(rows) < 2 or rows[0][1][0].strip() != "time_s":
        raise VehicleFileError(
            "is no drive cycle: its first column must be time_s, and it needs a row", file=file, line=1
        )
    head, names = rows[0][0], [name.strip() for name in rows[0][1][1:]]
    faults: list[GatewayError] = []
    for index, name in enumerate(names):
        if name.count(".") != 1 or not all(name.split(".")):
            faults.append(VehicleFileError(f"column {name!r} is not ECU.input", file=file, line=head))
        if name in names[:index]:
            faults.append(VehicleFileError(f"column {name!r} is there twice", file=file, line=head))
    times: list[int] = []
    columns: dict[str, tuple[list[int], list[InputValue]]] = {name: ([], []) for name in names}
    for line, row in rows[1:]:
        try:
            times.append(_time_ns(row, len(names) + 1, times))
        except VehicleFileError as error:
            faults.append(VehicleFileError(error.sentence, file=file, line=line))
            continue
        for name, cell in zip(names, row[1:], strict=True):
            if cell.strip():
                columns[name][0].append(times[-1])
                columns[name][1].append(_value(cell.strip()))
    raise_all(faults)
    return {name: Track(at, values, times[-1]) for name, (at, values) in columns.items() if values}


def _rows(path: Path, file: str) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, with the lines that they end in."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        raise VehicleFileError(f"cannot be read: {(error.strerror or str(error)).lower()}", file=file) from None
    except UnicodeDecodeError as error:
        raise VehicleFileError(f"is not text in UTF-8 (byte {error.start})", file=file) from None
    except (csv.Error, ValueError) as error:
        raise VehicleFileError(f"cannot be read as CSV: {error}", file=file) from None


def _time_ns(row: list[str], cells: int, before: list[int]) -> int:
    """The time of a row; VehicleFileError, without a place, for a row that cannot be."""
    if len(row) != cells:
        raise VehicleFileError(f"has {len(row)} cells instead of {cells}")
    try:
        time_ns = round(float(row[0]) * 1e9)
    except (ValueError, OverflowError):
        raise VehicleFileError(f"{row[0]!r} is not a time in seconds") from None
    if time_ns < 0:
        raise VehicleFileError(f"{row[0]} s is before the start")
    if before and time_ns <= before[-1]:
        raise VehicleFileError(f"{row[0]} s does not come after the row before")
    return time_ns


def _value(cell: str) -> InputValue:
    """A number where the cell has one; `nan`, `inf` and `1_000` are text."""
    if re.fullmatch(r"[-+]?[0-9]{1,18}", cell):
        return int(cell)
    if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", cell):
        return float(cell)
    return cell
