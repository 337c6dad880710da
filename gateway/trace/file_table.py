"""From a file to a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gateway.can.frame import KEY_MASK, Frame
from gateway.trace.candump import CandumpReader
from gateway.trace.capture import CaptureReader
from gateway.trace.columns import Columns, load
from gateway.trace.formats import open_reader
from gateway.trace.packets import PcapngReader
from gateway.trace.pcapng_table import pcapng_table
from gateway.trace.reader import TraceReader
from gateway.trace.record import Event, Recorded
from gateway.trace.table import RecordTable, Rows, in_order, table_of


def open_table(path: str | Path) -> RecordTable:
    """The table of a file. A large pcapng file is indexed once, and the index kept (`index_file`). TraceError."""
    path = Path(path)
    with open_reader(path) as reader:
        if isinstance(reader, CaptureReader) and isinstance(reader.capture, PcapngReader) and path.suffix == ".pcapng":
            return pcapng_table(path, reader, reader.capture)
        if isinstance(reader, CandumpReader):
            columns = load(reader)
            return _table_of_columns(columns, reader)
        records = list(reader.records())
        return table_of(records, reader.buses, reader.problem, reader.comment)


def _table_of_columns(columns: Columns, reader: TraceReader) -> RecordTable:
    order = in_order(columns.times)
    rows = np.arange(len(columns), dtype=np.int64) if order is None else order
    names = columns.buses

    def fetch(wanted: Rows) -> list[Recorded | Event]:
        found: list[Recorded | Event] = []
        for row in rows[wanted].tolist():
            data = columns.data[row, : columns.length[row]].tobytes()
            frame = Frame(int(columns.header[row]), data)
            found.append(Recorded(int(columns.times[row]), names[columns.bus[row]], frame))
        return found

    key = columns.header.astype(np.int64) & KEY_MASK
    return RecordTable(
        columns.times[rows],
        columns.bus[rows].astype(np.int16),
        key[rows],
        names,
        fetch,
        reader.comment,
        columns.problem,
    )
