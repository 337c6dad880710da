"""ASC, BLF, TRC, MF4 and CSV, written by python-can.

python-can puts the time of writing into ASC and lets the first frame begin the recording. Here the recording begins at
0, or, when the frames carry dates, at the second of the first frame; so the same frames give the same bytes, in all
formats but MF4, which has the date and a random name of the machine's temporary files in it.
"""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

import can

from gateway.can.frame import ERROR, FD, REMOTE, Frame
from gateway.trace.blf_names import APP_TEXT, channel_text
from gateway.trace.errors import TraceError, os_sentence
from gateway.trace.files import open_output
from gateway.trace.foreign import require_asammdf, to_message
from gateway.trace.record import BusInfo, Direction
from gateway.trace.writer import TraceWriter

SECOND: Final = 1_000_000_000
LAST_CHANNEL: Final = 255
DATES_FROM_NS: Final = 631_152_000 * SECOND
"""1990: an earlier time is one of a simulation that began at 0 (as python-can's BLF writer has it)."""


def open_foreign(path: Path, ending: str, buses: Sequence[BusInfo]) -> TraceWriter:
    """The writer of an ending. TraceError: cannot write, asammdf missing, not to be compressed."""
    require_asammdf(ending, str(path))
    if ending in (".blf", ".mf4") and path.suffix.lower() == ".gz":
        raise TraceError(f"{ending[1:].upper()} is compressed already; leave out .gz", file=str(path))
    stream = open_output(path)
    kinds: dict[str, type[ForeignWriter]] = {
        ".asc": AscWriter,
        ".blf": BlfWriter,
        ".trc": TrcWriter,
        ".mf4": Mf4Writer,
        ".csv": CsvWriter,
    }
    return kinds[ending](stream, path, buses)


class ForeignWriter(TraceWriter, ABC):
    """What the formats share: the start of the recording, what they cannot hold, faults as TraceError."""

    unfit: ClassVar[dict[int, str]] = {}
    first_channel: ClassVar = 0
    """What python-can has to be told for the first bus, so that the file says 1."""

    def __init__(self, stream: BinaryIO, path: Path, buses: Sequence[BusInfo]) -> None:
        super().__init__()
        self._path = path
        self._names = [bus.name for bus in buses]
        self._start_ns: int | None = None
        self._last_ns = 0
        self._stream = stream
        self._writer: Any = self._open(stream)

    @abstractmethod
    def _open(self, stream: BinaryIO) -> Any:
        """python-can's writer onto the stream."""

    def _begin(self, start_ns: int) -> None:
        """Write what tells when the recording began."""

    def write(
        self,
        time_ns: int,
        bus: int,
        frame: Frame,
        comment: str = "",
        direction: Direction = Direction.UNKNOWN,
    ) -> None:
        if not 0 <= bus < len(self._names):
            raise IndexError(f"there is no bus {bus}")
        if time_ns < 0:
            raise TraceError(f"holds no time below 0, not {time_ns} ns", file=str(self._path))
        if comment:
            self.skipped["comment (only pcapng holds those)"] += 1
        for flag, reason in self.unfit.items():
            if frame.header & flag:
                self.skipped[reason] += 1
                self.frames_left_out[reason] += 1
                return
        if self._start_ns is None:
            self._start(time_ns)
        self._last_ns = max(self._last_ns, time_ns)
        message = to_message(self._seconds(time_ns), bus + self.first_channel, frame, direction)
        try:
            self._writer.on_message_received(message)
        except OSError as fault:
            raise TraceError(os_sentence("written", fault), file=str(self._path)) from fault

    def close(self) -> None:
        if self._stream.closed:
            return
        if self._start_ns is None:
            self._start(0)
        try:
            self._writer.stop()
        except OSError as fault:
            raise TraceError(os_sentence("written", fault), file=str(self._path)) from fault
        finally:
            self._stream.close()

    def _start(self, first_ns: int) -> None:
        self._start_ns = first_ns // SECOND * SECOND if first_ns >= DATES_FROM_NS else 0
        self._begin(self._start_ns)

    def _seconds(self, time_ns: int) -> float:
        assert self._start_ns is not None
        return (time_ns - self._start_ns) / SECOND

    def _head(self, start_ns: int) -> str:
        """What `ForeignReader` finds again in a comment of a text format."""
        return "vehicle-gateway " + json.dumps({"start_ns": start_ns, "buses": self._names})


class TextFile(io.TextIOWrapper):
    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, encoding="utf-8", errors="replace", newline="\n")


class AscWriter(ForeignWriter):
    """Vector ASC, to the microsecond; the content of an error frame is lost."""

    def _open(self, stream: BinaryIO) -> can.ASCWriter:
        writer = can.ASCWriter(io.StringIO())
        writer.file = TextFile(stream)
        return writer

    def _begin(self, start_ns: int) -> None:
        date = _date(start_ns).strftime("%a %b %d %H:%M:%S.000 %Y")
        writer = self._writer
        writer.file.write(f"date {date}\nbase hex  timestamps absolute\ninternal events logged\n")
        writer.file.write(f"// {self._head(start_ns)}\nBegin Triggerblock {date}\n 0.000000 Start of measurement\n")
        writer.header_written = True


class BlfWriter(ForeignWriter):
    """Vector BLF, to the nanosecond. The buses' names stand in it as Vector's tools write those of channels."""

    def _open(self, stream: BinaryIO) -> can.BLFWriter:
        return can.BLFWriter(stream)

    def _begin(self, start_ns: int) -> None:
        self._writer.start_timestamp = 0.0
        for number, name in enumerate(self._names[:LAST_CHANNEL], 1):
            self._writer._add_object(APP_TEXT, channel_text(number, name), 0.0)

    def _seconds(self, time_ns: int) -> float:
        # python-can cuts the nanoseconds; half a one on top keeps a double's error from taking one away.
        assert self._start_ns is not None
        return (time_ns - self._start_ns + 0.5) / SECOND

    def close(self) -> None:
        if not self._stream.closed and self._start_ns:
            # The times in the file count from here; both dates stand in its header, which is written last.
            self._writer.start_timestamp = self._start_ns / SECOND
            self._writer.stop_timestamp = self._last_ns / SECOND
        super().close()


class TrcWriter(ForeignWriter):
    """PEAK TRC 2.1, to the microsecond; python-can writes classic data frames only."""

    unfit: ClassVar[dict[int, str]] = {
        FD: "CAN FD frame (not written to TRC)",
        REMOTE: "remote frame (not written to TRC)",
        ERROR: "error frame (not written to TRC)",
    }

    def _open(self, stream: BinaryIO) -> can.TRCWriter:
        writer = can.TRCWriter(TextFile(stream))
        writer.filepath = self._path.name
        return writer

    def _begin(self, start_ns: int) -> None:
        self._writer.write_header(start_ns / SECOND)
        self._writer.file.write(f"; {self._head(start_ns)}\n")
        self._writer.first_timestamp = 0.0


class Mf4Writer(ForeignWriter):
    """ASAM MDF 4, to the microsecond. The bytes differ from run to run. The file's comment has the buses' names."""

    first_channel = 1

    def _begin(self, start_ns: int) -> None:
        self._writer._mdf.header.description = self._head(start_ns)

    def _open(self, stream: BinaryIO) -> Any:
        stream.close()
        self._stream = self._path.open("w+b")
        return can.MF4Writer(self._stream)

    def _seconds(self, time_ns: int) -> float:
        return time_ns / SECOND


class CsvWriter(ForeignWriter):
    """python-can's CSV: one bus, no CAN FD, dates to the microsecond."""

    unfit: ClassVar[dict[int, str]] = {FD: "CAN FD frame (not written to CSV)"}

    def _open(self, stream: BinaryIO) -> can.CSVWriter:
        return can.CSVWriter(TextFile(stream))

    def _seconds(self, time_ns: int) -> float:
        return time_ns / SECOND


def _date(start_ns: int) -> datetime:
    return datetime.fromtimestamp(start_ns // SECOND, UTC)
