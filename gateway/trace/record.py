"""What a recording holds: frames of a bus and, in pcapng, events of the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from gateway.can.frame import Frame
from gateway.database.lin_wire import ChecksumModel, usual_model


class Direction(IntEnum):
    """From the recorder's view; the values are those of pcapng's epb_flags."""

    UNKNOWN = 0
    RX = 1
    TX = 2


class Severity(IntEnum):
    """Of an event, as syslog numbers it (RFC 5424, 6.2.1)."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


class Recorded(NamedTuple):
    """One frame as it was seen on `bus` at `time_ns` (since the start of the run, or since 1970)."""

    time_ns: int
    bus: str
    frame: Frame
    comment: str = ""
    direction: Direction = Direction.UNKNOWN


class Event(NamedTuple):
    """Something the gateway itself had to say at `time_ns`."""

    time_ns: int
    text: str
    severity: Severity = Severity.INFO


@dataclass(frozen=True, slots=True)
class BusInfo:
    """A bus as a recording names it; rates in bit/s, 0 when unknown."""

    name: str
    bitrate: int = 0
    data_bitrate: int = 0
    lin: bool = False
    classic: frozenset[int] = frozenset()
    """LIN: frames with the classic checksum besides the diagnostic ones."""

    def checksum_model(self, frame_id: int) -> ChecksumModel:
        """LIN: how the checksum of a frame is made."""
        return ChecksumModel.CLASSIC if frame_id in self.classic else usual_model(frame_id)

    @property
    def description(self) -> str:
        """For people: `CAN 500 kbit/s`, `CAN FD 500 kbit/s, data 2000 kbit/s`; empty when no rate is known."""
        if not self.bitrate:
            return ""
        if self.lin:
            return f"LIN {self.bitrate / 1000:g} kbit/s"
        if self.data_bitrate:
            return f"CAN FD {self.bitrate / 1000:g} kbit/s, data {self.data_bitrate / 1000:g} kbit/s"
        return f"CAN {self.bitrate / 1000:g} kbit/s"
