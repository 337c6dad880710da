"""Recordings: pcapng and the log formats of the field, written and read. Knows `can` and `sim`.

python-can and NumPy are imported only by what needs them; importing this room is light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.trace.candump import CandumpReader, CandumpWriter
from gateway.trace.capture import CaptureReader, CaptureWriter
from gateway.trace.errors import TraceError
from gateway.trace.formats import (
    READ_ENDINGS,
    WRITE_ENDINGS,
    load_columns,
    open_reader,
    open_writer,
)
from gateway.trace.lin_packets import LinFault, fault_frame
from gateway.trace.packets import Packet
from gateway.trace.pcapng import Flush, Interface, LinkType, PcapngWriter
from gateway.trace.reader import TraceReader
from gateway.trace.record import BusInfo, Direction, Event, Recorded, Severity
from gateway.trace.writer import TraceWriter

if TYPE_CHECKING:
    from gateway.trace.columns import Columns
    from gateway.trace.file_table import open_table
    from gateway.trace.table import EVENT, RecordTable, Rows, table_of

__all__ = [
    "EVENT",
    "READ_ENDINGS",
    "WRITE_ENDINGS",
    "BusInfo",
    "CandumpReader",
    "CandumpWriter",
    "CaptureReader",
    "CaptureWriter",
    "Columns",
    "Direction",
    "Event",
    "Flush",
    "Interface",
    "LinFault",
    "LinkType",
    "Packet",
    "PcapngWriter",
    "RecordTable",
    "Recorded",
    "Rows",
    "Severity",
    "TraceError",
    "TraceReader",
    "TraceWriter",
    "fault_frame",
    "load_columns",
    "open_reader",
    "open_table",
    "open_writer",
    "table_of",
]


def __getattr__(name: str) -> Any:
    if name == "Columns":
        from gateway.trace.columns import Columns

        return Columns
    if name == "open_table":
        from gateway.trace.file_table import open_table

        return open_table
    if name in {"EVENT", "RecordTable", "Rows", "table_of"}:
        from gateway.trace import table

        return getattr(table, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
