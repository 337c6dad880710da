"""What a bus tells about itself: each frame that is through, and each thing that went wrong."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from gateway.can.controller import Controller
from gateway.can.frame import Frame


class BusEventKind(Enum):
    """What a bus tells besides frames."""

    ERROR = "error frame"
    COLLISION = "two senders of one identifier"
    NO_ACK = "no acknowledgement"
    ERROR_PASSIVE = "error-passive"
    BUS_OFF = "bus-off"
    RECOVERED = "recovered"
    REFUSED = "not sent"
    LINK_DOWN = "link down"
    LINK_UP = "link up again"
    LINK_LOST = "lost before they were read"
    NO_RESPONSE = "no response"
    CHECKSUM = "wrong checksum"
    LATE_RESPONSE = "late response"
    HEADER = "header not understood"
    STUCK = "bus held dominant"
    SILENT = "no header for 4 s"
    EVENT_COLLISION = "several answers to an event-triggered frame"
    SLEEP = "asleep"
    WAKE_UP = "woken up"


class BusEvent(NamedTuple):
    """Something on a bus that is not a good frame."""

    time_ns: int
    kind: BusEventKind
    controller: str
    frame: Frame | None
    text: str


class Passage(NamedTuple):
    """A frame that is through: all that a recording needs."""

    time_ns: int
    """End of frame: when receivers have it."""
    bus: int
    """The bus's index in its vehicle."""
    frame: Frame
    sender: Controller
    requested_ns: int
    start_ns: int
