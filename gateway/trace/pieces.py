"""Parts of a recording as arrays, as its readers make them; `columns` joins them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.trace.record import Recorded


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
