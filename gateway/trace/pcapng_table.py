"""The table of a pcapng file: where each block lies, found a megabyte at a time, and kept in an index file.

Blocks of CAN frames and of events are known by their heads alone; others (LIN, odd clocks) are decoded once.
"""

from __future__ import annotations

import json
import mmap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from gateway.can.frame import ERROR, EXTENDED, ID_MASK, KEY_MASK, REMOTE
from gateway.trace.capture import CaptureReader
from gateway.trace.errors import TraceError
from gateway.trace.index_file import Index, read_index, write_index
from gateway.trace.packets import PacketDecoder, PcapngReader
from gateway.trace.pcap_blocks import ByteOrder, Run, SourceInterface
from gateway.trace.pcapng import ENHANCED_PACKET, LinkType
from gateway.trace.pieces import BusNumbers
from gateway.trace.record import Event, Recorded
from gateway.trace.socketcan import HEAD, STANDARD_MASK
from gateway.trace.table import EVENT, RecordTable, Rows, in_order

_TICKS_MAX: Final = (1 << 63) - 1
_BEHIND: Final = 64
"""Bytes behind the data that a head may be read from."""
_NOTHING: Final = -2
"""Stands in `bus` for a block that holds no record."""


@dataclass(slots=True)
class _Section:
    """Interfaces and byte order from a row on."""

    row: int
    order: ByteOrder
    interfaces: list[SourceInterface]


def pcapng_table(path: Path, reader: CaptureReader, capture: PcapngReader) -> RecordTable:
    """The table of an open file, from its index where there is one that fits. TraceError when it has no frames."""
    index = read_index(path)
    if index is None:
        index = _indexed(reader, capture)
        write_index(path, index)
    if not bool((index.bus >= 0).any()):
        raise reader.nothing()
    sections = [
        _Section(row, cast(ByteOrder, order), [SourceInterface(*interface) for interface in interfaces])
        for row, order, interfaces in json.loads(index.sections)
    ]
    offsets = index.offsets
    blocks = _Blocks(path, reader, sections, offsets, index.rows)

    return RecordTable(index.times, index.bus, index.key, index.buses, blocks.fetch, reader.comment, index.problem)


class _Blocks:
    """Reads the records of rows out of the file."""

    def __init__(
        self,
        path: Path,
        reader: CaptureReader,
        sections: list[_Section],
        offsets: NDArray[np.int64],
        rows: NDArray[np.int64],
    ) -> None:
        self._path = path
        self._reader = reader
        self._sections = sections
        self._offsets = offsets
        self._rows = rows
        self._data: bytes | None = None
        self._decoder = PacketDecoder(Counter())

    def fetch(self, wanted: Rows) -> list[Recorded | Event]:
        if self._data is None:
            with self._path.open("rb") as file:
                self._data = cast(bytes, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        starts = [section.row for section in self._sections]
        runs = [Run(section.order, self._data, section.interfaces) for section in self._sections]
        own = self._rows[wanted]
        which = np.searchsorted(starts, own, "right") - 1
        found = []
        for offset, section in zip(self._offsets[wanted].tolist(), which.tolist(), strict=True):
            packet = self._decoder.packet(runs[section], offset)
            record = None if packet is None else self._reader.record(packet)
            if record is None:
                raise TraceError("has changed while it was read", file=str(self._path))
            found.append(record)
        return found


def _indexed(reader: CaptureReader, capture: PcapngReader) -> Index:
    buses = BusNumbers()
    for name in reader.buses:
        _ = buses[name]
    pieces, sections, rows = [], list[_Section](), 0
    for run in capture.runs():
        if not sections or sections[-1].interfaces is not run.interfaces:
            sections.append(_Section(rows, run.order, run.interfaces))
        piece = _piece(reader, capture, run, buses)
        pieces.append(piece)
        rows += len(piece[0])
    reader.problem = capture.problem
    columns = [np.concatenate([piece[column] for piece in pieces]) for column in range(4)] if pieces else None
    if columns is None:
        raise reader.nothing()
    times, bus, key, offsets = columns
    own = np.arange(rows, dtype=np.int64)
    order = in_order(times)
    if order is not None:
        times, bus, key, offsets, own = times[order], bus[order], key[order], offsets[order], own[order]
    described = [
        (section.row, section.order, [_described(interface) for interface in section.interfaces])
        for section in sections
    ]
    return Index(times, bus, key, offsets, own, tuple(buses), json.dumps(described), capture.problem)


def _described(interface: SourceInterface) -> tuple[str, int, int, int, int]:
    return (interface.name, interface.link_type, interface.snap_length, interface.per_second, interface.offset_s)


Piece = tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int64], NDArray[np.int64]]


def _piece(reader: CaptureReader, capture: PcapngReader, run: Run, buses: BusNumbers) -> Piece:
    """Times, buses, keys and offsets of a run's records."""
    at = np.array(run.offsets, np.int64)
    padded = run.data + bytes(_BEHIND + (-len(run.data) & 3))
    words = np.frombuffer(padded, run.order + "u4")
    octets = np.frombuffer(padded, np.uint8)
    first = at >> 2
    interface, captured = words[first + 2].astype(np.int64), words[first + 5].astype(np.int64)
    ticks = words[first + 3].astype(np.uint64) << np.uint64(32) | words[first + 4]
    word = np.frombuffer(padded, ">u4")[first + 7].astype(np.int64)
    whole = (words[first] == ENHANCED_PACKET) & (captured + 32 <= words[first + 1])
    plain = (captured >= HEAD + octets[at + 32].astype(np.int64)) & (word & (ERROR | REMOTE) == 0)
    plain &= octets[at + 32] <= 8

    times, bus = np.zeros(len(at), np.int64), np.full(len(at), _NOTHING, np.int16)
    for index, source in enumerate(run.interfaces):
        factor, odd = divmod(1_000_000_000, source.per_second)
        if odd or source.offset_s:
            continue
        mine = whole & (interface == index) & (ticks <= np.uint64(_TICKS_MAX // factor))
        if source.link_type == LinkType.CAN_SOCKETCAN:
            mine &= plain
            number = buses[source.name]
        elif source.link_type == LinkType.WIRESHARK_UPPER_PDU and source.name == "gateway":
            number = EVENT
        else:
            continue
        times[mine] = (ticks[mine] * np.uint64(factor)).astype(np.int64)
        bus[mine] = number
    key = np.where(word & EXTENDED != 0, word & (EXTENDED | ID_MASK), word & STANDARD_MASK)
    key[bus == EVENT] = 0
    _by_hand(reader, capture, run, buses, (times, bus, key))
    kept = bus != _NOTHING
    return times[kept], bus[kept], key[kept], at[kept] + run.base


def _by_hand(
    reader: CaptureReader,
    capture: PcapngReader,
    run: Run,
    buses: BusNumbers,
    columns: tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int64]],
) -> None:
    """The rows that no array operation could tell."""
    times, bus, key = columns
    for row in np.flatnonzero(bus == _NOTHING).tolist():
        packet = capture.packet(run, run.offsets[row])
        record = None if packet is None else reader.record(packet)
        if record is None:
            continue
        times[row] = record.time_ns
        bus[row] = buses[record.bus] if isinstance(record, Recorded) else EVENT
        key[row] = record.frame.header & KEY_MASK if isinstance(record, Recorded) else 0
