"""A whole recording as NumPy arrays, for work on millions of frames at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.trace.candump import CandumpReader
from gateway.trace.candump_columns import candump_pieces
from gateway.trace.capture import CaptureReader
from gateway.trace.packets import PcapngReader
from gateway.trace.pcapng_columns import pcapng_pieces
from gateway.trace.pieces import BusNumbers, Piece
from gateway.trace.reader import TraceReader

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


def load(reader: TraceReader) -> Columns:
    """All frames that `reader` has still to give. TraceError when there are none."""
    buses = BusNumbers()
    if isinstance(reader, CandumpReader):
        pieces = list(candump_pieces(reader, buses))
    elif isinstance(reader, CaptureReader) and isinstance(reader.capture, PcapngReader):
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
