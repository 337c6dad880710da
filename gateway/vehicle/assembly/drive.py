"""The drive cycle: a CSV file with the inputs of ECUs over time.

The first column is `time_s`; each other column is `ECU.input`. A column whose values all are numbers with a decimal
point is interpolated; other values stay until the next row. An empty cell leaves its input as it is. The time of the
last row is the period: there the cycle begins again, so that what the last row has is only what is interpolated towards.

Tests read single columns of any CSV file as well.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from gateway.ecu import InputValue, Track
from gateway.errors import GatewayError, nearest
from gateway.vehicle.errors import VehicleFileError, raise_all

Line = tuple[int, list[str]]
"""A line's number and its cells."""
_SHOWN: Final = 8
_CELLS_MAX: Final = 1_000_000


class Column(NamedTuple):
    """One column of a CSV file: values from times on, in nanoseconds, and the lines of the file that they stand in."""

    times_ns: list[int]
    values: list[InputValue]
    lines: list[int]
    last_ns: int
    """The time of the last row, also where this column has no value in it."""

    def held(self) -> Track:
        """Its last value stays."""
        return Track(self.times_ns, self.values)

    def repeated(self) -> Track:
        """It begins again at the time of the last row, which so is the period."""
        return Track(self.times_ns, self.values, self.last_ns)


def read_drive(path: Path) -> Mapping[str, Track]:
    """The tracks by `ECU.input`. VehicleFileError, with all faults and their lines, for what is no drive cycle."""
    return {name: column.repeated() for name, column in read_inputs(path).items()}


def read_inputs(path: Path) -> Mapping[str, Column]:
    """As `read_drive`, the columns as they stand there."""
    file = str(path)
    rows = _rows(path, file, ",")
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
    timed = _timed(rows, range(len(names) + 1, len(names) + 2), file, faults)
    raise_all(faults)
    columns = {name: _column(timed, index) for index, name in enumerate(names, 1)}
    return {name: column for name, column in columns.items() if column.values}


def read_column(path: Path, name: str) -> Column:
    """One column of any CSV file whose first column has the times, in seconds.

    With semicolons between the cells, numbers may have decimal commas. VehicleFileError, with the nearest name, for a
    column that is not there, and for rows that cannot be.
    """
    file = str(path)
    rows = _rows(path, file, ",")
    if rows and ";" in "".join(rows[0][1]):
        rows = [(line, [_decimal(cell) for cell in row]) for line, row in _rows(path, file, ";")]
    if len(rows) < 2:
        raise VehicleFileError("has no rows: a line with names and one with values are the least", file=file)
    head, names = rows[0][0], [each.strip() for each in rows[0][1]]
    if names[1:].count(name) != 1:
        known = [each for each in names[1:] if each]
        hint = nearest(name, known) or (f" (there are {', '.join(known[:_SHOWN])})" if known else "")
        what = f"column {name!r} is there twice" if name in known else f"there is no column {name!r}{hint}"
        raise VehicleFileError(what, file=file, line=head)
    faults: list[GatewayError] = []
    index = names.index(name, 1)
    timed = _timed(rows, range(index + 1, _CELLS_MAX), file, faults)
    raise_all(faults)
    column = _column(timed, index)
    if not column.values:
        raise VehicleFileError(f"column {name!r} has no value", file=file, line=head)
    return column


def _timed(rows: list[Line], cells: range, file: str, faults: list[GatewayError]) -> list[tuple[int, int, list[str]]]:
    """Time, line and cells of the rows after the first, each with so many cells; what is wrong goes into `faults`."""
    times: list[int] = []
    found = []
    for line, row in rows[1:]:
        try:
            times.append(_time_ns(row, cells, times))
        except VehicleFileError as error:
            faults.append(VehicleFileError(error.sentence, file=file, line=line))
            continue
        found.append((times[-1], line, row))
    return found


def _column(timed: list[tuple[int, int, list[str]]], index: int) -> Column:
    cells = [(time_ns, line, row[index].strip()) for time_ns, line, row in timed if row[index].strip()]
    return Column(
        [time_ns for time_ns, _, _ in cells],
        [_value(cell) for _, _, cell in cells],
        [line for _, line, _ in cells],
        timed[-1][0],
    )


def _rows(path: Path, file: str, separator: str) -> list[Line]:
    """The rows that are not empty, with the lines that they end in."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, delimiter=separator)
            return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        raise VehicleFileError(f"cannot be read: {(error.strerror or str(error)).lower()}", file=file) from None
    except UnicodeDecodeError as error:
        raise VehicleFileError(f"is not text in UTF-8 (byte {error.start})", file=file) from None
    except (csv.Error, ValueError) as error:
        raise VehicleFileError(f"cannot be read as CSV: {error}", file=file) from None


def _time_ns(row: list[str], cells: range, before: list[int]) -> int:
    """The time of a row; VehicleFileError, without a place, for a row that cannot be."""
    if len(row) not in cells:
        raise VehicleFileError(f"has {len(row)} cells instead of {cells.start}")
    try:
        time_ns = round(float(row[0]) * 1e9)
    except (ValueError, OverflowError):
        raise VehicleFileError(f"{row[0]!r} is not a time in seconds") from None
    if time_ns < 0:
        raise VehicleFileError(f"{row[0]} s is before the start")
    if before and time_ns <= before[-1]:
        raise VehicleFileError(f"{row[0]} s does not come after the row before")
    return time_ns


def _decimal(cell: str) -> str:
    """With a decimal point, where a number has a decimal comma."""
    return cell.replace(",", ".") if re.fullmatch(r"\s*[-+]?[0-9]*,[0-9]+\s*", cell) else cell


def _value(cell: str) -> InputValue:
    """A number where the cell has one; `nan`, `inf` and `1_000` are text."""
    if re.fullmatch(r"[-+]?[0-9]{1,18}", cell):
        return int(cell)
    if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", cell):
        return float(cell)
    return cell
