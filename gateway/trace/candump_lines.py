"""Lines of candump: the log format (`candump -L`) written and read, the screen format read.

Log: `(1598827794.745895) can0 316#451B780C1B1F0071`, CAN FD `123##1DEADBEEF` (flags digit after `##`), remote `123#R`
or `123#R8`, an error frame with bit 29 in its 8 digits; an optional ` R` or ` T` at the end tells the direction.
Screen: ` (000.000000)  vcan0  RX - -  123   [8]  11 22 33 44 55 66 77 88`. Source: can-utils lib.c and candump.c.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, REMOTE, Frame
from gateway.trace.record import Direction, Recorded
from gateway.trace.socketcan import FLAG_BRS, FLAG_ESI, FLAG_FDF, STANDARD_MASK, UnfitError, clean_header

DIRECTION_LETTERS: Final = {
    b"R": Direction.RX,
    b"T": Direction.TX,
    b"r": Direction.RX,
    b"t": Direction.TX,
    b"RX": Direction.RX,
    b"TX": Direction.TX,
}
SECONDS_MAX: Final = 9_000_000_000
"""Keeps nanoseconds within 64 bits."""

_LOG_LINE: Final = re.compile(
    rb"\s*\((\d{1,12})\.(\d{1,9})\)\s+(\S+)\s+([0-9A-Fa-f]{8}|[0-9A-Fa-f]{3})#"
    rb"(?:((?:[0-9A-Fa-f]{2})*)|#([0-9A-Fa-f])((?:[0-9A-Fa-f]{2})*)|[Rr][0-9A-Fa-f]?)"
    rb"(?:\s+([RTrt]))?\s*"
).fullmatch
_SCREEN_LINE: Final = re.compile(
    rb"\s*\((?:(\d{1,12})|(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d))\.(\d{1,9})\)\s+(\S+)\s+"
    rb"(?:([RT]X)\s+([B-])\s+([E-])\s+)?"
    rb"([0-9A-Fa-f]{8}|[0-9A-Fa-f]{3})\s+\[(\d{1,2})\]\s*"
    rb"(?:(remote request)|((?:[0-9A-Fa-f]{2}(?:\s+|$))*))"
    rb"(?:\s*(?:'.*'|ERRORFRAME.*))?\s*"
).fullmatch
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BadLineError(Exception):
    """Not a line of candump; the text says why."""


def parse_line(line: bytes) -> Recorded:
    """The frame of one line of either format, without its line end. Raises `BadLineError`."""
    found = _LOG_LINE(line)
    if found is None:
        return _parse_screen(line)
    seconds, fraction, bus, identifier, data, flags, fd_data, letter = found.groups()
    direction = DIRECTION_LETTERS[letter] if letter else Direction.UNKNOWN
    time_ns = _time_ns(int(seconds), fraction)
    word = _word(identifier)
    if data is not None:
        frame = _frame(word, 0, unhexlify(data))
    elif flags is not None:
        frame = _frame(word, FLAG_FDF | int(flags, 16) & (FLAG_BRS | FLAG_ESI), unhexlify(fd_data))
    else:
        frame = _frame(word | REMOTE, 0, b"")
    return Recorded(time_ns, bus.decode("utf-8", "replace"), frame, "", direction)


def _parse_screen(line: bytes) -> Recorded:
    found = _SCREEN_LINE(line)
    if found is None:
        raise BadLineError("not a line of candump")
    seconds, date, fraction, bus, direction, brs, esi, identifier, length, remote, data = found.groups()
    time_ns = _time_ns(int(seconds) if seconds else _date_seconds(date), fraction)
    word = _word(identifier)
    payload = b"" if remote else unhexlify(b"".join(data.split()))
    if remote:
        frame = _frame(word | REMOTE, 0, b"")
    elif len(payload) != int(length):
        raise BadLineError(f"{int(length)} bytes are announced, {len(payload)} are there")
    else:
        # candump shows the length of a CAN FD frame with two digits, of a classic frame with one.
        flags = FLAG_FDF if len(length) == 2 else 0
        flags |= (FLAG_BRS if brs == b"B" else 0) | (FLAG_ESI if esi == b"E" else 0)
        frame = _frame(word, flags, payload)
    return Recorded(
        time_ns, bus.decode("utf-8", "replace"), frame, "", DIRECTION_LETTERS.get(direction, Direction.UNKNOWN)
    )


def _word(identifier: bytes) -> int:
    word = int(identifier, 16)
    if len(identifier) == 8:
        # The log has flags of can_id in the digits of an error frame only; otherwise 8 digits mean 29 bits.
        return word if word & ERROR else (word & ID_MASK) | EXTENDED
    if word > STANDARD_MASK:
        raise BadLineError("an identifier of 3 digits ends at 7FF")
    return word


def _frame(word: int, flags: int, data: bytes) -> Frame:
    if len(data) > 8 and not flags & FLAG_FDF:
        raise BadLineError(f"{len(data)} bytes in a classic frame")
    try:
        return Frame(clean_header(word, flags, len(data)), data)
    except UnfitError as reason:
        raise BadLineError(str(reason)) from None


def _time_ns(seconds: int, fraction: bytes) -> int:
    if seconds > SECONDS_MAX:
        raise BadLineError("the time is beyond the year 2255")
    return seconds * 1_000_000_000 + int(fraction.ljust(9, b"0"))


def _date_seconds(date: bytes) -> int:
    """`candump -tA` shows local time without its zone; it is taken as UTC."""
    try:
        moment = datetime.fromisoformat(date.decode()).replace(tzinfo=UTC)
    except ValueError:
        raise BadLineError("no such date") from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if seconds < 0:
        raise BadLineError("the date is before 1970")
    return seconds


def format_line(time_ns: int, bus: str, frame: Frame, direction: Direction = Direction.UNKNOWN) -> str:
    """A line of the log format with its line end. Times are cut to microseconds: can-utils knows no finer ones."""
    seconds, fraction = divmod(time_ns // 1000, 1_000_000)
    return f"({seconds:010d}.{fraction:06d}) {bus} {frame_text(frame)}{_SUFFIXES[direction]}\n"


_SUFFIXES: Final = ("", " R", " T")


def frame_text(frame: Frame) -> str:
    """As `Frame.__str__`, with SocketCAN's flag in the digits of an error frame."""
    header = frame.header
    if header & ERROR:
        return f"{header & (ERROR | ID_MASK):08X}#{frame.data.hex().upper()}"
    if header & FD and not header & (BRS | ESI):
        return f"{header & ID_MASK:0{8 if header & EXTENDED else 3}X}##0{frame.data.hex().upper()}"
    return str(frame)
