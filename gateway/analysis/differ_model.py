"""What two runs differ in, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from gateway.analysis.differ_signals import SignalDifference
from gateway.analysis.source import Source
from gateway.database import Message
from gateway.vehicle import AboutRule
from gateway.vehicle.checks.findings import Finding


class Kind(Enum):
    """What is different; of one time the first of them is told."""

    PAYLOAD = "other payload"
    MISSING = "missing"
    EXTRA = "not in the first"
    SHIFTED = "other time"


class FramePair(NamedTuple):
    """A frame of the first run and the same of the second; None for one that is not there."""

    first_ns: int | None
    second_ns: int | None
    first: bytes | None
    second: bytes | None

    @property
    def time_ns(self) -> int:
        time_ns = self.second_ns if self.first_ns is None else self.first_ns
        return time_ns or 0


@dataclass(frozen=True, slots=True)
class MessageDifference:
    """One message that is not the same in both runs. Counts are of frames; `bits` has a 1 for each payload bit that ever
    differs, byte by byte."""

    bus: str
    key: int
    message: Message | None
    first_frames: int
    second_frames: int
    missing: int
    extra: int
    changed: int
    shifted: int
    shift_ns: int
    """The largest, later in the second run above 0."""
    bits: bytes
    kind: Kind
    """Of the first difference."""
    pair: FramePair
    signals: tuple[SignalDifference, ...] = ()
    follows: tuple[AboutRule, ...] = ()
    """Routes that bring this message from one that differed before."""

    @property
    def time_ns(self) -> int:
        return self.pair.time_ns


@dataclass(frozen=True, slots=True)
class LogDifference:
    """All of it, in the order in which messages begin to differ. `same`: messages without any difference."""

    first: Source
    second: Source
    tolerance_ns: int
    messages: tuple[MessageDifference, ...]
    same: int
    findings: tuple[Finding, ...]
