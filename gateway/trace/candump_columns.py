"""A candump log into arrays: lines of the same shape are decoded as one matrix, odd ones by hand.

The shape of a line is where its `)`, `#` and end stand. Lines of one shape are the rows of a matrix of characters;
whole columns of it are checked and decoded at once. A line that fails a check goes through `parse_line`, so both
ways of reading give the same frames and the same complaints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, LENGTHS
from gateway.trace.candump import CandumpReader, chunks_of_lines
from gateway.trace.candump_lines import SECONDS_MAX, BadLineError, parse_line
from gateway.trace.pieces import BusNumbers, Piece
from gateway.trace.socketcan import FLAG_BRS, FLAG_ESI, STANDARD_MASK

CHUNK: Final = 1 << 22
NAMES_MAX: Final = 64
"""Distinct bus names in one group of lines that are worth looking for; lines with others are read by hand."""
SHAPE_MIN: Final = 16
"""Fewer lines of a shape are read by hand."""
LINE_MAX: Final = 250

_FLEXIBLE: Final = 1 << 24
"""Of a shape: `##`, a CAN FD frame."""
_DIRECTED: Final = 1 << 25
"""Of a shape: a space before the last character, which tells the direction."""
_SHORT: Final = 1 << 26
"""Of a shape: three digits of identifier."""

_HEX: Final = np.full(256, 255, np.uint8)
for _digit, _character in enumerate(b"0123456789ABCDEF"):
    _HEX[_character] = _HEX[ord(chr(_character).lower())] = _digit
_OPEN, _CLOSE, _SPACE, _DOT, _HASH = b"() .#"


@dataclass(frozen=True, slots=True)
class _Lines:
    """Of each line: begin, end (without its line end), place of the first `)` and of the first `#`."""

    text: NDArray[np.uint8]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    close: NDArray[np.int64]
    hash: NDArray[np.int64]


def candump_pieces(reader: CandumpReader, buses: BusNumbers) -> Iterator[Piece]:
    """The frames of each piece of the file; complaints go to the reader."""
    number = 0
    for chunk in chunks_of_lines(reader.source, CHUNK):
        lines = _split(chunk)
        yield _piece(reader, lines, number, buses)
        number += len(lines.begin)
    reader.complain()


def _split(chunk: bytes) -> _Lines:
    if b"\r" in chunk:
        chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    text = np.frombuffer(chunk, np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    if not len(ends) or ends[-1] != len(text) - 1:
        ends = np.append(ends, len(text))
    begin = np.concatenate(([0], ends[:-1] + 1))
    return _Lines(text, begin, ends, _next(text, _CLOSE, begin), _next(text, _HASH, begin))


def _next(text: NDArray[np.uint8], character: int, begin: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the character comes next after each begin; the text's length when it does not."""
    found = np.flatnonzero(text == character)
    if len(found) == len(begin) and bool((found >= begin).all()) and bool((found[:-1] < begin[1:]).all()):
        return found  # one in each line, as most logs have it
    places = np.append(found, len(text))
    return places[np.searchsorted(places, begin)]


def _piece(reader: CandumpReader, lines: _Lines, number: int, buses: BusNumbers) -> Piece:
    rows = len(lines.begin)
    shape = _shapes(lines)
    # A line to be read by hand may hold up to 64 bytes.
    wide = (shape == 0) | ((shape & 0xFF) - (shape >> 8 & 0xFF) > 19)
    piece = Piece.empty(rows, 64 if bool(wide.any()) else 8)
    done = np.zeros(rows, np.bool_)
    order = np.argsort(shape, kind="stable")
    values, starts = np.unique(shape[order], return_index=True)
    for value, start, end in zip(values.tolist(), starts.tolist(), [*starts.tolist()[1:], rows], strict=True):
        if value and end - start >= SHAPE_MIN:
            members = order[start:end]
            matrix = _matrix(lines, members, value & 0xFF)
            layout = _Layout.of(value, matrix[0])
            if layout is not None:
                _decode(piece, done, members, matrix, layout, buses)
    for row in np.flatnonzero(~done).tolist():
        _by_hand(reader, piece, done, row, lines, number, buses)
    return piece.take(done)


def _matrix(lines: _Lines, members: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Lines of one length, a row each; column by column in memory, for that is how they are decoded."""
    rows = np.lib.stride_tricks.sliding_window_view(lines.text, width)[lines.begin[members]]
    return np.asfortranarray(rows)


def _shapes(lines: _Lines) -> NDArray[np.int64]:
    """The shape of each line: place of `)`, place of `#` and length, eight bits each, and flags; 0 for odd lines."""
    length = lines.end - lines.begin
    close, mark = lines.close - lines.begin, lines.hash - lines.begin
    regular = (length <= LINE_MAX) & (close > 3) & (close + 4 < mark) & (mark < length)
    shape = np.where(regular, (close << 16) | (mark << 8) | length, 0)
    at, end = lines.hash[regular], lines.end[regular]
    padded = np.append(lines.text, np.uint8(0))
    flags = np.where(padded[at + 1] == _HASH, _FLEXIBLE, 0)
    flags |= np.where((padded[end - 2] == _SPACE) & (end - at > 2), _DIRECTED, 0)
    flags |= np.where(padded[at - 4] == _SPACE, _SHORT, 0)
    shape[regular] |= flags
    return shape


def _by_hand(
    reader: CandumpReader,
    piece: Piece,
    done: NDArray[np.bool_],
    row: int,
    lines: _Lines,
    number: int,
    buses: BusNumbers,
) -> None:
    line = lines.text[lines.begin[row] : lines.end[row]].tobytes()
    try:
        recorded = parse_line(line)
    except BadLineError as reason:
        if line.strip():
            reader.faults.add(number + row + 1, line, str(reason))
        return
    piece.put(row, recorded, buses)
    done[row] = True


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns of the matrix of a shape hold what; `end` is where the payload ends."""

    dot: int
    close: int
    name_end: int
    mark: int
    payload: int
    end: int
    flexible: bool
    directed: bool

    @classmethod
    def of(cls, shape: int, first: NDArray[np.uint8]) -> _Layout | None:
        """The layout that a shape stands for; None when no line of `candump -L` has it."""
        close, mark, size = shape >> 16 & 0xFF, shape >> 8 & 0xFF, shape & 0xFF
        flexible, directed = bool(shape & _FLEXIBLE), bool(shape & _DIRECTED)
        payload = mark + (3 if flexible else 1)
        end = size - 2 if directed else size
        count, odd = divmod(end - payload, 2)
        dot = int((first[:close] == _DOT).argmax())
        name_end = mark - (4 if shape & _SHORT else 9)
        lengths = LENGTHS if flexible else LENGTHS[:9]
        if odd or count not in lengths or name_end <= close + 2 or not 2 <= dot <= 11 or not 2 <= close - dot <= 10:
            return None
        return cls(dot, close, name_end, mark, payload, end, flexible, directed)


def _decode(
    piece: Piece,
    done: NDArray[np.bool_],
    members: NDArray[np.int64],
    matrix: NDArray[np.uint8],
    layout: _Layout,
    buses: BusNumbers,
) -> None:
    """Decode lines of one shape that are as `candump -L` writes them; leaves the others as not done."""
    dot, close = layout.dot, layout.close
    good = np.ones(len(matrix), np.bool_)
    for place, character in ((0, _OPEN), (dot, _DOT), (close + 1, _SPACE), (layout.name_end, _SPACE)):
        good &= matrix[:, place] == character
    if layout.directed:
        letter = matrix[:, layout.end + 1]
        good &= (letter == ord("R")) | (letter == ord("T"))
    seconds, seconds_good = _decimal(matrix[:, 1:dot])
    fraction, fraction_good = _decimal(matrix[:, dot + 1 : close])
    good &= seconds_good & fraction_good & (seconds <= SECONDS_MAX)
    header, header_good = _headers(matrix, layout)
    nibbles = _HEX[matrix[:, layout.payload : layout.end]]
    good &= header_good & (nibbles < 16).all(axis=1)
    numbers, named = _buses(matrix[:, close + 2 : layout.name_end], good, buses)
    rows = members[named]
    count = (layout.end - layout.payload) // 2
    piece.times[rows] = (seconds * 1_000_000_000 + fraction * 10 ** (10 - (close - dot)))[named]
    piece.bus[rows] = numbers[named]
    piece.header[rows] = header[named]
    piece.length[rows] = count
    piece.data[rows, :count] = (nibbles[:, 0::2] << 4 | nibbles[:, 1::2])[named]
    done[rows] = True


def _headers(matrix: NDArray[np.uint8], layout: _Layout) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """`Frame.header` of each row, and whether there is one."""
    header, good = _hexadecimal(matrix[:, layout.name_end + 1 : layout.mark])
    if layout.mark - layout.name_end == 4:
        good &= header <= np.uint64(STANDARD_MASK)
    else:
        good &= (header & np.uint64(ERROR)) == 0
        header = (header & np.uint64(ID_MASK)) | np.uint64(EXTENDED)
    if layout.flexible:
        flags, flags_good = _hexadecimal(matrix[:, layout.mark + 2 : layout.mark + 3])
        good &= flags_good
        header |= np.uint64(FD)
        for flag, bit in ((FLAG_BRS, BRS), (FLAG_ESI, ESI)):
            header[flags & np.uint64(flag) != 0] |= np.uint64(bit)
    return header, good


def _decimal(characters: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    digits = characters - np.uint8(ord("0"))
    value = np.zeros(len(characters), np.int64)
    for column in range(characters.shape[1]):
        value = value * 10 + digits[:, column]
    return value, np.all(digits < 10, axis=1)


def _hexadecimal(characters: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    digits = _HEX[characters]
    value = np.zeros(len(characters), np.uint64)
    for column in range(characters.shape[1]):
        value = (value << np.uint64(4)) | digits[:, column]
    return value, np.all(digits < 16, axis=1)


def _buses(
    names: NDArray[np.uint8], good: NDArray[np.bool_], buses: BusNumbers
) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """The bus of each good row, and which rows have one: names with white space or of bad lines have none."""
    numbers = np.zeros(len(names), np.uint16)
    named = np.zeros(len(names), np.bool_)
    left = good.copy()
    for _ in range(NAMES_MAX):
        row = int(left.argmax())
        if not left[row]:
            break
        same = left & (names == names[row]).all(axis=1)
        left &= ~same
        name = names[row].tobytes()
        if name.split() == [name]:
            numbers[same] = buses[name.decode("utf-8", "replace")]
            named |= same
    return numbers, named
