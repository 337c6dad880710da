"""A whole log decoded with NumPy: a table for each message that it has.

`decode_log(path, databases)` is all of it in one call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.can import EXTENDED, ID_MASK
from gateway.database import Database, Message
from gateway.database.arrays import decode_array
from gateway.errors import nearest
from gateway.vehicle.checks.findings import Census
from gateway.vehicle.logs.log import Log, LogError, read_log

_STANDARD_IDS: Final = 2048
_BUSES_MAX: Final = 32
"""So many buses of 11-bit identifiers have 16-bit codes, which sort in linear time."""


@dataclass(frozen=True, slots=True)
class MessageTable:
    """All frames of one message on one bus.

    `rows`: int64, which frames of the log; `times`: int64, ns since the log's first frame; `values`: a float64 array a
    signal, physical values, NaN where the frame does not have the signal.
    """

    bus: str
    message: Message
    rows: NDArray[np.int64]
    times: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def present(self) -> int:
        """How many values there are, of all signals together."""
        return sum(int(np.count_nonzero(~np.isnan(values))) for values in self.values.values())


@dataclass(frozen=True, slots=True)
class DecodedLog:
    """The tables of a log, in the order in which their messages first came."""

    log: Log
    databases: Mapping[str, Database]
    tables: tuple[MessageTable, ...]

    def table(self, message: str, bus: str | None = None) -> MessageTable:
        """The table of a message. LogError, with the nearest name, where the log has no frame of it."""
        for table in self.tables:
            if table.message.name == message and bus in {None, table.bus}:
                return table
        near = nearest(message, [table.message.name for table in self.tables])
        raise LogError(f"{self.log.name} has no frame of a message {message!r}{near}")


def decode_log(path: str | Path | Sequence[str | Path], databases: Database | Mapping[str, Database]) -> DecodedLog:
    """Read and decode recordings with one database for all buses, or with one for each.

    TraceError for a file that cannot be read. Frames of unknown identifiers are left out, short ones decoded as far as
    they reach.
    """
    paths = [path] if isinstance(path, str | Path) else path
    log = read_log(paths)
    if isinstance(databases, Database):
        databases = dict.fromkeys(log.buses, databases)
    return decode(log, databases)


def decode(log: Log, databases: Mapping[str, Database]) -> DecodedLog:
    """Decode a log that has been read."""
    tables = []
    for bus, key, rows in groups(log):
        database = databases.get(bus)
        message = None if database is None else database.by_id(key & ID_MASK, key & EXTENDED != 0)
        if message is not None:
            lengths = log.length[rows]
            short = int(lengths.min()) < message.length
            payloads = np.take(log.data, rows, axis=0)
            values = decode_array(message, payloads, lengths if short else None)
            tables.append(MessageTable(bus, message, rows, log.times[rows], values))
    tables.sort(key=lambda table: int(table.rows[0]))
    return DecodedLog(log, databases, tuple(tables))


def groups(log: Log) -> Iterator[tuple[str, int, NDArray[np.int64]]]:
    """The data frames of a log by message: bus, key (header & KEY_MASK) and rows in their order."""
    rows = np.flatnonzero(log.is_data) if not log.is_data.all() else np.arange(len(log), dtype=np.int64)
    if not len(rows):
        return
    bus, key = log.bus[rows], log.keys[rows]
    if int(key.max()) < _STANDARD_IDS and len(log.buses) <= _BUSES_MAX:
        codes: NDArray[np.uint16] | NDArray[np.uint64] = bus * np.uint16(_STANDARD_IDS) + key.astype(np.uint16)
    else:
        codes = bus.astype(np.uint64) << np.uint64(32) | key
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    for start, end in zip(starts.tolist(), [*starts.tolist()[1:], len(order)], strict=True):
        members = order[start:end]
        yield log.buses[int(bus[members[0]])], int(key[members[0]]), rows[members]


def census(log: Log) -> Census:
    """How many frames there are of each bus, key and length."""
    codes = log.bus.astype(np.uint64) << np.uint64(40) | log.length.astype(np.uint64) << np.uint64(32) | log.keys
    values, counts = np.unique(codes, return_counts=True)
    found: Census = Counter()
    for code, count in zip(values.tolist(), counts.tolist(), strict=True):
        found[log.buses[code >> 40], code & 0xFFFFFFFF, code >> 32 & 0xFF] = count
    return found
