"""Recordings as one log: all frames in the order of their times, counted from the first.

The arrays hold 27 bytes a frame (83 with CAN FD payloads), so that hours of driving fit in memory and whatever is asked
of all frames is asked of the arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.can import ERROR, KEY_MASK, REMOTE, Frame
from gateway.database import Severity
from gateway.errors import GatewayError
from gateway.trace import Columns, TraceReader, open_reader
from gateway.trace.columns import load
from gateway.vehicle.checks.findings import Finding

EPOCH_NS: Final = 1_000_000_000 * 1_000_000_000
"""Times from here on (the year 2001) are dates; below, they count from the start of a recording."""
BLOCK: Final = 4096
"""Frames that are made at a time."""

Rows = NDArray[np.bool_] | NDArray[np.int64]


class LogError(GatewayError):
    """A log that does not fit to what is asked of it."""


@dataclass(frozen=True, slots=True)
class Log:
    """Frame i is row i. `times`: int64, ns since the first frame; `start_ns`: when that was, as the recording has it.

    `bus`: uint16, index into `buses`; `header`: uint64, as `Frame.header`; `length`: uint8; `data`: uint8 of shape
    (n, 8) or (n, 64). `findings`: what was wrong with the files.
    """

    files: tuple[str, ...]
    buses: tuple[str, ...]
    start_ns: int
    times: NDArray[np.int64]
    bus: NDArray[np.uint16]
    header: NDArray[np.uint64]
    length: NDArray[np.uint8]
    data: NDArray[np.uint8]
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    @property
    def name(self) -> str:
        """For messages: the files."""
        return ", ".join(self.files)

    @property
    def duration_ns(self) -> int:
        """From the first frame to the last."""
        return int(self.times[-1]) if len(self) else 0

    @property
    def damaged(self) -> bool:
        """Whether a part of the files could not be read; `findings` tells which."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """What tells one message from another on a bus: identifier and its width, and the flags of remote and error
        frames."""
        return self.header & np.uint64(KEY_MASK)

    @property
    def is_data(self) -> NDArray[np.bool_]:
        """Which rows are data frames, neither remote nor error frames."""
        flags = self.header & np.uint64(REMOTE | ERROR)
        data: NDArray[np.bool_] = flags == 0
        return data

    def select(self, rows: Rows) -> Log:
        """The log of those rows only; its times still count from where they did."""
        return replace(
            self,
            times=self.times[rows],
            bus=self.bus[rows],
            header=self.header[rows],
            length=self.length[rows],
            data=self.data[rows],
        )

    def frames(self, first: int = 0) -> Iterator[tuple[int, int, Frame]]:
        """Time, index of the bus, and frame, one after the other, from row `first` on."""
        width = self.data.shape[1]
        for at in range(first, len(self), BLOCK):
            block = slice(at, at + BLOCK)
            data = self.data[block].tobytes()
            rows = zip(
                self.times[block].tolist(),
                self.bus[block].tolist(),
                self.header[block].tolist(),
                self.length[block].tolist(),
                range(0, len(data), width),
                strict=True,
            )
            for time_ns, bus, header, length, begin in rows:
                yield time_ns, bus, Frame(header, data[begin : begin + length])


def read_log(paths: Sequence[str | Path], on_open: Callable[[TraceReader], object] | None = None) -> Log:
    """All frames of the recordings. Dates keep their distance; where one recording has none, each begins at 0.

    `on_open` gets each reader before it is read: its `position` tells how far it is. TraceError: a file that cannot be
    read, has another format or holds no frame.
    """
    columns = []
    for path in paths:
        with open_reader(path) as reader:
            if on_open is not None:
                on_open(reader)
            columns.append(load(reader))
    return log_of(columns, [str(path) for path in paths])


def log_of(columns: Sequence[Columns], files: Sequence[str]) -> Log:
    """The log of recordings that have been read."""
    findings = [finding for one, file in zip(columns, files, strict=True) for finding in _damage(one, file)]
    starts = [int(one.times.min()) for one in columns]
    if min(starts) >= EPOCH_NS or len(starts) == 1:
        starts = [min(starts)] * len(starts)
    buses = tuple(dict.fromkeys(bus for one in columns for bus in one.buses))
    width = max(one.data.shape[1] for one in columns)
    whole = Log(
        files=tuple(files),
        buses=buses,
        start_ns=min(starts),
        times=_joined([one.times - start for one, start in zip(columns, starts, strict=True)]),
        bus=_joined([_numbered(one, buses) for one in columns]),
        header=_joined([one.header for one in columns]),
        length=_joined([one.length for one in columns]),
        data=_joined([_widened(one.data, width) for one in columns]),
        findings=tuple(findings),
    )
    return whole if np.all(whole.times[1:] >= whole.times[:-1]) else _in_order(whole)


def _in_order(log: Log) -> Log:
    """Sorted by time; frames of one time stay in the order of the file."""
    backwards = int(np.count_nonzero(log.times[1:] < log.times[:-1]))
    ordered = log.select(np.argsort(log.times, kind="stable"))
    if len(log.files) > 1:
        return ordered
    text = f"the time goes backwards {_times(backwards)}; the frames were taken in the order of their times"
    return replace(ordered, findings=(*log.findings, Finding(log.name, None, Severity.INFO, text)))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """One after the other; a single one is not copied."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _numbered(columns: Columns, buses: tuple[str, ...]) -> NDArray[np.uint16]:
    if columns.buses == buses:
        return columns.bus
    numbers = np.array([buses.index(name) for name in columns.buses], np.uint16)
    return numbers[columns.bus]


def _widened(data: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    return data if data.shape[1] == width else np.pad(data, ((0, 0), (0, width - data.shape[1])))


def _damage(columns: Columns, file: str) -> Iterator[Finding]:
    if columns.problem:
        yield Finding(file, None, Severity.ERROR, f"not everything could be read: {columns.problem}")
    for reason, count in columns.skipped.items():
        if columns.problem is None or "line" not in reason:
            yield Finding(file, None, Severity.INFO, f"{count} left out: {reason}")
