"""Signals that are decoded already, from a CSV or an MF4 file: what `gateway decode --out` wrote, or another tool.

CSV: a row a value (`time_s, bus, message, signal, value, unit, label`), or a column a signal with the times in the first.
MF4: channels, each with its own times. Times count from the first value of the file when they are dates.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

from gateway.analysis.errors import AnalysisError
from gateway.analysis.plot_curve import Curve
from gateway.errors import nearest_path
from gateway.sim import NS_PER_S
from gateway.vehicle.logs.decoded_files import LONG_HEAD
from gateway.vehicle.logs.log import EPOCH_NS

_TIMES: Final = ("time_s", "time", "timestamp", "timestamps", "t", "time [s]")
_FRAMES: Final = ("arbitration_id", "can_id", "id")
"""A column of this name makes a CSV file one of frames."""
_MASTERS: Final = (2, 3)
"""Kinds of MF4 channel that are the times of others."""
_DATES_S: Final = EPOCH_NS / NS_PER_S


def holds_signals(path: Path) -> bool:
    """Whether the file holds signals and no frames."""
    ending = path.suffix.lower()
    if ending == ".csv":
        head = _head(path)
        return bool(head) and head[0].lower() in _TIMES and not {name.lower() for name in head} & set(_FRAMES)
    return ending == ".mf4" and _mf4_holds_signals(path)


def first_signal(path: Path) -> str:
    """The name of the first one of a CSV file."""
    titles = _titles(path)
    if not titles:
        raise AnalysisError("holds no signal", file=str(path))
    return titles[0]


def curves_of_file(path: Path, names: Sequence[str], origin_s: float | None = None) -> list[Curve]:
    """The signals of those names. AnalysisError for one that the file does not have, or a file that is damaged.

    Times that are dates count from `origin_s`, or from the first value.
    """
    every = list(_mf4_curves(path, names) if path.suffix.lower() == ".mf4" else _csv_curves(path, names))
    found: list[Curve] = []
    for name in names:
        own = [curve for curve in every if _matches(name, curve.title)]
        if not own:
            known = [curve.title for curve in every] or _titles(path)
            raise AnalysisError(f"has no signal {name!r}{nearest_path(name, known)}", file=str(path))
        found += own
    start_s = min((float(curve.times_s[0]) for curve in found if len(curve)), default=0.0)
    origin_s = (origin_s or start_s) if start_s >= _DATES_S else 0.0
    return [replace(curve, times_s=curve.times_s - origin_s) for curve in found]


def _matches(name: str, title: str) -> bool:
    """`BUS.MESSAGE.SIGNAL` is meant by each of its ends, and by `MESSAGE`."""
    return title == name or title.endswith(f".{name}") or f".{title}".find(f".{name}.") >= 0


def _open(path: Path) -> TextIO:
    try:
        return path.open(newline="", encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise AnalysisError(f"cannot be read: {(error.strerror or str(error)).lower()}", file=str(path)) from None


def _head(path: Path) -> list[str]:
    with _open(path) as stream:
        return next(csv.reader(stream), [])


def _titles(path: Path) -> list[str]:
    if path.suffix.lower() == ".mf4":
        return []
    with _open(path) as stream:
        rows = csv.reader(stream)
        head = next(rows, [])
        if tuple(head) != LONG_HEAD:
            return head[1:]
        return list(dict.fromkeys(".".join(row[1:4]) for row in rows if len(row) == len(LONG_HEAD)))


def _csv_curves(path: Path, names: Sequence[str]) -> Iterator[Curve]:
    with _open(path) as stream:
        rows = csv.reader(stream)
        head = next(rows, [])
        try:
            yield from _long(rows, names) if tuple(head) == LONG_HEAD else _wide(head, rows, names)
        except (ValueError, IndexError) as error:
            raise AnalysisError(f"is no row of values: {error}", file=str(path), line=rows.line_num) from None


def _long(rows: Iterator[list[str]], names: Sequence[str]) -> Iterator[Curve]:
    """A row a value."""
    wanted: dict[str, bool] = {}
    points: dict[str, tuple[list[float], list[float]]] = {}
    units: dict[str, str] = {}
    labels: dict[str, dict[float, str]] = {}
    for time, bus, message, signal, value, unit, label in rows:
        title = f"{bus}.{message}.{signal}"
        if title not in wanted:
            wanted[title] = any(_matches(name, title) for name in names)
            units[title] = unit
        if wanted[title]:
            times, values = points.setdefault(title, ([], []))
            times.append(float(time))
            values.append(float(value))
            if label:
                labels.setdefault(title, {})[values[-1]] = label
    for title, (times, values) in points.items():
        named = labels.get(title, {})
        yield Curve(title, np.array(times), np.array(values), units[title], named, bool(named))


def _wide(head: list[str], rows: Iterator[list[str]], names: Sequence[str]) -> Iterator[Curve]:
    """A column a signal; an empty cell is no value."""
    columns = [index for index, title in enumerate(head) if index and any(_matches(name, title) for name in names)]
    times: list[float] = []
    values: dict[int, list[float]] = {index: [] for index in columns}
    for row in rows:
        times.append(float(row[0]))
        for index in columns:
            values[index].append(float(row[index]) if row[index] else math.nan)
    for index in columns:
        yield Curve(head[index], np.array(times), np.array(values[index]))


# MF4


def _mdf(path: Path, done: Callable[[Any], Any]) -> Any:
    try:
        from asammdf import MDF
    except ImportError:
        raise AnalysisError("MF4 needs the package asammdf: pip install 'vehicle-gateway[mf4]'") from None
    try:
        with MDF(path) as file:
            return done(file)
    except AnalysisError:
        raise
    except Exception as error:  # asammdf promises no types for damaged files
        raise AnalysisError(f"is damaged, or no MF4 file ({type(error).__name__})", file=str(path)) from error


def _mf4_holds_signals(path: Path) -> bool:
    if not path.is_file():
        return False
    return bool(_mdf(path, lambda file: not any("DataFrame" in name for name in file.channels_db)))


def _mf4_curves(path: Path, names: Sequence[str]) -> list[Curve]:
    def read(file: Any) -> list[Curve]:
        found = []
        for number, group in enumerate(file.groups):
            message = str(group.channel_group.acq_name or "")
            for index, channel in enumerate(group.channels):
                title = f"{message}.{channel.name}" if message else str(channel.name)
                if channel.channel_type in _MASTERS or not any(_matches(name, title) for name in names):
                    continue
                signal = file.get(group=number, index=index)
                if signal.samples.dtype.kind in "iufb":
                    found.append(_of_samples(title, signal))
        return found

    curves: list[Curve] = _mdf(path, read)
    return curves


def _of_samples(title: str, signal: Any) -> Curve:
    values = np.asarray(signal.samples, np.float64)
    there = ~np.isnan(values)
    return Curve(title, np.asarray(signal.timestamps, np.float64)[there], values[there], str(signal.unit or ""))
