"""CAN frames of a pcapng file into arrays: the ordinary ones a megabyte at a time, the odd ones by hand.

Ordinary is an enhanced packet of link type 227 that holds a whole classic frame or CAN FD frame. All others go through
`CaptureReader.record`, so both ways of reading give the same frames and the same counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, LENGTHS, REMOTE
from gateway.trace.capture import CaptureReader
from gateway.trace.packets import PcapngReader
from gateway.trace.pcap_blocks import Run, SourceInterface
from gateway.trace.pcapng import ENHANCED_PACKET, LinkType
from gateway.trace.pieces import BusNumbers, Piece
from gateway.trace.record import Recorded
from gateway.trace.socketcan import FLAG_BRS, FLAG_ESI, FLAG_FDF, FLAG_XL, HEAD, STANDARD_MASK

PAYLOAD_AT: Final = 36
"""Of an enhanced packet block: 28 bytes before the packet, 8 before the payload."""

_FD_LENGTH: Final = np.isin(np.arange(256), LENGTHS)
_WIDE: Final = 64
_TICKS_MAX: Final = (1 << 63) - 1


def pcapng_pieces(reader: CaptureReader, capture: PcapngReader, buses: BusNumbers) -> Iterator[Piece]:
    """The frames of each run."""
    for run in capture.runs():
        yield _piece(reader, capture, run, buses)
    reader.problem = capture.problem


def _piece(reader: CaptureReader, capture: PcapngReader, run: Run, buses: BusNumbers) -> Piece:
    at = np.array(run.offsets, np.int64)
    padded = run.data + bytes(PAYLOAD_AT + _WIDE + (-len(run.data) & 3))
    octets = np.frombuffer(padded, np.uint8)
    words = np.frombuffer(padded, run.order + "u4")
    first = at >> 2
    interface = words[first + 2].astype(np.int64)
    captured = words[first + 5].astype(np.int64)
    length, flags = octets[at + 32], octets[at + 33]
    word = np.frombuffer(padded, ">u4")[first + 7].astype(np.uint64)
    ticks = words[first + 3].astype(np.uint64) << np.uint64(32) | words[first + 4]

    ordinary = (words[first] == ENHANCED_PACKET) & (captured + 32 <= words[first + 1])
    ordinary &= (captured >= HEAD + length.astype(np.int64)) & (length & FLAG_XL == 0)
    ordinary &= (word & np.uint64(ERROR)) == 0
    fd = (flags & FLAG_FDF != 0) | (length > 8)
    remote = (word & np.uint64(REMOTE)) != 0
    ordinary &= ~fd | (_FD_LENGTH[length] & ~remote)

    piece = Piece.empty(len(at), _WIDE if bool((fd & (length > 8)).any()) else 8)
    by_hand = _times_and_buses(piece, run.interfaces, interface, ticks, ordinary, buses)
    _headers(piece, word, flags, fd)
    piece.length[:] = np.where(remote, 0, length)
    _payloads(piece, octets, at)

    kept = ordinary & ~by_hand
    for row in np.flatnonzero(~kept).tolist():
        packet = capture.packet(run, run.offsets[row])
        record = None if packet is None else reader.record(packet)
        if isinstance(record, Recorded):
            piece.data[row] = 0
            piece.put(row, record, buses)
            kept[row] = True
    return piece.take(kept)


def _times_and_buses(
    piece: Piece,
    interfaces: list[SourceInterface],
    interface: NDArray[np.int64],
    ticks: NDArray[np.uint64],
    ordinary: NDArray[np.bool_],
    buses: BusNumbers,
) -> NDArray[np.bool_]:
    """Fill both columns; gives the rows for which that is not possible in 64-bit steps or that are no CAN."""
    by_hand = np.ones(len(interface), np.bool_)
    for index in np.unique(interface[ordinary]).tolist():
        if index >= len(interfaces) or interfaces[index].link_type != LinkType.CAN_SOCKETCAN:
            continue
        source = interfaces[index]
        factor, odd = divmod(1_000_000_000, source.per_second)
        if odd or source.offset_s:
            continue
        rows = ordinary & (interface == index) & (ticks <= np.uint64(_TICKS_MAX // factor))
        if not rows.any():
            continue
        piece.times[rows] = (ticks[rows] * np.uint64(factor)).astype(np.int64)
        piece.bus[rows] = buses[source.name]
        by_hand &= ~rows
    return by_hand


def _headers(piece: Piece, word: NDArray[np.uint64], flags: NDArray[np.uint8], fd: NDArray[np.bool_]) -> None:
    extended = (word & np.uint64(EXTENDED)) != 0
    header = np.where(extended, word, word & np.uint64(~(ID_MASK & ~STANDARD_MASK) & 0xFFFFFFFF))
    for flag, where in ((FD, fd), (BRS, fd & (flags & FLAG_BRS != 0)), (ESI, fd & (flags & FLAG_ESI != 0))):
        header[where] |= np.uint64(flag)
    piece.header[:] = header


def _payloads(piece: Piece, octets: NDArray[np.uint8], at: NDArray[np.int64]) -> None:
    columns = np.arange(8)
    piece.data[:, :8] = octets[at[:, None] + (PAYLOAD_AT + columns)]
    piece.data[:, :8] *= columns < piece.length[:, None]
    wide = np.flatnonzero(piece.length > 8) if piece.data.shape[1] > 8 else np.empty(0, np.int64)
    if len(wide):
        columns = np.arange(_WIDE)
        gathered = octets[at[wide][:, None] + (PAYLOAD_AT + columns)]
        piece.data[wide] = gathered * (columns < np.minimum(piece.length[wide], _WIDE)[:, None])
