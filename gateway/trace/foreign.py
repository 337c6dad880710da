"""python-can's messages and our frames, converted at the edge.

Time is a float of seconds there. Below about 97 days a double still tells nanoseconds apart, above (dates since 1970)
no more than microseconds, and that is what is kept.
"""

from __future__ import annotations

import importlib.util
from typing import Final

from can import Message

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, LENGTHS, REMOTE, Frame
from gateway.trace.errors import TraceError
from gateway.trace.record import Direction

NANOSECONDS_UNTIL_S: Final = 1 << 23

CHANNEL_OFFSET: Final = {".asc": 1, ".blf": 1, ".trc": 0, ".mf4": 0, ".csv": 1}
"""What to add to python-can's channel to have the number that stands in the file, which counts from 1."""


def nanoseconds(seconds: float) -> int:
    """An integer time, to what a double holds. ValueError, OverflowError: not a finite number."""
    if abs(seconds) < NANOSECONDS_UNTIL_S:
        return round(seconds * 1e9)
    return round(seconds * 1e6) * 1000


def require_asammdf(ending: str, file: str) -> None:
    """TraceError naming the extra when the format needs a package that is not there."""
    if ending == ".mf4" and importlib.util.find_spec("asammdf") is None:
        raise TraceError("MF4 needs the package asammdf: pip install 'vehicle-gateway[mf4]'", file=file)


def to_message(seconds: float, channel: int, frame: Frame, direction: Direction) -> Message:
    """A message for python-can's writers; they choose what they make of `channel`."""
    header = frame.header
    return Message(
        timestamp=seconds,
        arbitration_id=header & ID_MASK,
        is_extended_id=header & EXTENDED != 0,
        is_remote_frame=header & REMOTE != 0,
        is_error_frame=header & ERROR != 0,
        is_fd=header & FD != 0,
        bitrate_switch=header & BRS != 0,
        error_state_indicator=header & ESI != 0,
        is_rx=direction is not Direction.TX,
        channel=channel,
        data=frame.data,
    )


def to_frame(message: Message) -> Frame | None:
    """None when the message is not a frame that a bus could carry."""
    identifier, data = message.arbitration_id, bytes(message.data)
    if message.is_error_frame:
        return Frame(ERROR | (identifier & ID_MASK), data[:8])
    if not 0 <= identifier <= (ID_MASK if message.is_extended_id else 0x7FF):
        return None
    header = identifier | (EXTENDED if message.is_extended_id else 0)
    # A CSV line does not tell the format; more than 8 bytes do.
    if message.is_fd or len(data) > 8:
        if len(data) not in LENGTHS:
            return None
        header |= FD | (BRS if message.bitrate_switch else 0) | (ESI if message.error_state_indicator else 0)
    elif message.is_remote_frame:
        header |= REMOTE
        data = b""
    return Frame(header, data)
