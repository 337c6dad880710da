"""A whole recording as NumPy arrays, for work on millions of frames at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.trace.candump import CandumpReader
from gateway.trace.capture import CaptureReader
from gateway.trace.packets import PcapngReader
from gateway.trace.reader import TraceReader
from gateway.trace.record import Recorded

BATCH: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Columns:
    """Frame i is row i of every array, in the file's order.

    `times`: int64, ns. `bus`: uint16, an index into `buses`. `header`: uint64, as `Frame.header`. `length`: uint8,
    payload bytes. `data`: uint8 of shape (n, 8), or (n, 64) when a frame is longer; zero behind the payload.
    """

    times: NDArray[np.int64]
    bus: NDArray[np.uint16]
    header: NDArray[np.uint64]
    length: NDArray[np.uint8]
    data: NDArray[np.uint8]
    buses: tuple[str, ...]
    problem: str | None = None
    skipped: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of `Columns`."""

    times: NDArray[np.int64]
    bus: NDArray[np.uint16]
    header: NDArray[np.uint64]
    length: NDArray[np.uint8]
    data: NDArray[np.uint8]

    @classmethod
    def empty(cls, rows: int, width: int = 8) -> Piece:
        return cls(
            np.zeros(rows, np.int64),
            np.zeros(rows, np.uint16),
            np.zeros(rows, np.uint64),
            np.zeros(rows, np.uint8),
            np.zeros((rows, width), np.uint8),
        )

    def put(self, row: int, recorded: Recorded, buses: BusNumbers) -> None:
        """Fill one row by hand."""
        frame = recorded.frame
        self.times[row] = recorded.time_ns
        self.bus[row] = buses[recorded.bus]
        self.header[row] = frame.header
        self.length[row] = len(frame.data)
        self.data[row, : len(frame.data)] = np.frombuffer(frame.data, np.uint8)

    def take(self, rows: NDArray[np.bool_]) -> Piece:
        """The chosen rows, payloads as wide as they need."""
        length = self.length[rows]
        data = self.data if length.max(initial=0) > 8 else self.data[:, :8]
        if rows.all():
            return Piece(self.times, self.bus, self.header, length, data)
        return Piece(self.times[rows], self.bus[rows], self.header[rows], length, data[rows])


class BusNumbers(dict[str, int]):
    """The index of each bus name, given out in order of appearance."""

    def __missing__(self, name: str) -> int:
        number = len(self)
        if number > 0xFFFF:
            # More names than a vehicle has buses: a damaged file. The rest shares the last one.
            return 0xFFFF
        self[name] = number
        return number


def load(reader: TraceReader) -> Columns:
    """All frames that `reader` has still to give. TraceError when there are none."""
    buses = BusNumbers()
    if isinstance(reader, CandumpReader):
        from gateway.trace.candump_columns import candump_pieces

        pieces = list(candump_pieces(reader, buses))
    elif isinstance(reader, CaptureReader) and isinstance(reader.capture, PcapngReader):
        from gateway.trace.pcapng_columns import pcapng_pieces

        pieces = list(pcapng_pieces(reader, reader.capture, buses))
    else:
        pieces = _frame_by_frame(reader, buses)
    if not any(len(piece.times) for piece in pieces):
        raise reader.nothing()
    return _joined(pieces, buses, reader)


def _frame_by_frame(reader: TraceReader, buses: BusNumbers) -> list[Piece]:
    pieces = []
    frames = iter(reader)
    while batch := list(islice(frames, BATCH)):
        width = 64 if any(len(recorded.frame.data) > 8 for recorded in batch) else 8
        piece = Piece.empty(len(batch), width)
        for row, recorded in enumerate(batch):
            piece.put(row, recorded, buses)
        pieces.append(piece)
    return pieces


def _joined(pieces: list[Piece], buses: BusNumbers, reader: TraceReader) -> Columns:
    rows = sum(len(piece.times) for piece in pieces)
    names = tuple(buses)
    whole = Piece.empty(rows, max(piece.data.shape[1] for piece in pieces))
    start = 0
    pieces.reverse()
    while pieces:
        piece = pieces.pop()  # lets go of the memory
        end = start + len(piece.times)
        whole.times[start:end] = piece.times
        whole.bus[start:end] = piece.bus
        whole.header[start:end] = piece.header
        whole.length[start:end] = piece.length
        whole.data[start:end, : piece.data.shape[1]] = piece.data
        start = end
    # Groups of lines were decoded in any order; the buses are named in that of the frames.
    numbers, first = np.unique(whole.bus, return_index=True)
    appearance = numbers[np.argsort(first)]
    renumber = np.zeros(int(numbers.max()) + 1, np.uint16)
    renumber[appearance] = np.arange(len(appearance))
    whole.bus[:] = renumber[whole.bus]
    named = tuple(names[number] for number in appearance.tolist())
    return Columns(
        whole.times, whole.bus, whole.header, whole.length, whole.data, named, reader.problem, reader.skipped
    )
