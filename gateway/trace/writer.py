"""What all writers of recordings offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from types import TracebackType
from typing import Self

from gateway.can.frame import Frame
from gateway.trace.record import Direction, Severity


class TraceWriter(ABC):
    """Writes frames of known buses to one file. A context manager closes it.

    What a format cannot hold is left out and counted in `skipped`, by reason.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.frames_left_out: Counter[str] = Counter()
        """Of these, the frames."""

    @abstractmethod
    def write(
        self,
        time_ns: int,
        bus: int,
        frame: Frame,
        comment: str = "",
        direction: Direction = Direction.UNKNOWN,
    ) -> None:
        """Append a frame of the bus with index `bus`. A comment is kept by pcapng only. TraceError: cannot write."""

    def write_event(self, time_ns: int, text: str, severity: Severity = Severity.INFO) -> None:
        """Append something the gateway has to say; only pcapng can hold it."""
        self.skipped["event (only pcapng holds those)"] += 1

    def write_ethernet(self, time_ns: int, segment: str, data: bytes) -> None:
        """Append an Ethernet frame (without its check sequence) of a segment; only pcapng can hold it."""
        self.skipped["Ethernet frame (only pcapng holds those)"] += 1

    @abstractmethod
    def close(self) -> None:
        """Write what is still held and close the file. TraceError: cannot write."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
