"""ASC, BLF, TRC, MF4 and CSV, read by python-can."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Iterator
from typing import Any, Final

import can
from can.io.blf import BLFParseError

from gateway.trace.blf_names import channel_name
from gateway.trace.candump import LineFaults
from gateway.trace.errors import TraceError
from gateway.trace.files import Input
from gateway.trace.foreign import CHANNEL_OFFSET, nanoseconds, require_asammdf, to_frame
from gateway.trace.packets import TIME_LIMIT
from gateway.trace.reader import TraceReader
from gateway.trace.record import Direction, Event, Recorded

HEAD_SIZE: Final = 4096
OUR_HEAD: Final = re.compile(rb"^(?:// |; |)vehicle-gateway (\{.*\})\s*$", re.MULTILINE)
"""A comment that our writer leaves in text formats and MF4: when the recording began and the names of the buses."""

AGAIN: Final = {".asc": "internal events logged\n", ".csv": "timestamp,...\n"}
"""A line that ends what a reader takes for the head of the file, when it begins anew after a bad line."""


class SafeBlfReader(can.BLFReader):
    """python-can's BLF reader loops for ever on an object of length 0; this looks at the lengths first.

    It also finds what python-can passes over: the names of channels, by number, as far as they are one channel's only.
    """

    def __init__(self, file: Input, names: dict[int, str]) -> None:
        self._names = names
        super().__init__(file)  # type: ignore[arg-type]

    def _parse_container(self, data: bytes) -> Iterator[can.Message]:
        self._look(self._tail + data if self._tail else data)
        return super()._parse_container(data)

    def _look(self, data: bytes) -> None:
        position, end = 0, len(data)
        while True:
            position = data.find(b"LOBJ", position, position + 8)
            if position < 0 or position + 16 > end:
                return
            (size,) = struct.unpack_from("<L", data, position + 8)
            if size < 16:
                raise BLFParseError(f"an object claims to be {size} bytes long")
            named = channel_name(data, position)
            if named is not None and named[1] not in self._names.values():
                self._names.setdefault(*named)
            position += size


class Lines:
    """A text file's lines for python-can's readers, with the number of the last; a line can be put in between."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._inserted: str | None = None
        self._number_before = 0
        self.number = 0
        self.last = ""

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._inserted is not None:
            line, self._inserted = self._inserted, None
            return line
        self.last = next(self._text)
        self.number += 1
        return self.last

    def insert(self, line: str | None) -> None:
        """Give this line next."""
        self._inserted = line

    def advanced(self) -> bool:
        """Whether a line was taken since this was last asked."""
        before, self._number_before = self._number_before, self.number
        return self.number > before

    def close(self) -> None:
        self._text.close()


class ForeignReader(TraceReader):
    """Frames of a file that python-can reads. A bad line of a text format is counted and the rest is read; where a
    binary format is damaged reading ends, and `problem` says after which frame.

    Bus i of the file (counted from 1) is called `can<i>`, unless the file has names: a comment of our own writer, or a
    BLF's own for its channels.
    Times: BLF to the nanosecond, the others to the microsecond. ASC and TRC 1.0 count from the start of the recording.
    """

    def __init__(self, source: Input, ending: str) -> None:
        super().__init__(source)
        require_asammdf(ending, source.name)
        self._ending = ending
        self._start_ns = 0
        self._names: dict[int, str] = {}
        self._seen: dict[str, None] = {}
        self._lines: Lines | None = None
        self.faults = LineFaults()
        if ending in (".asc", ".trc"):
            self._read_our_head(source.peek(HEAD_SIZE))
        try:
            self._reader = self._open(source)
        except TraceError:
            raise
        except Exception as fault:  # python-can promises no types for damaged files
            raise self._gave_up(fault, 0) from fault

    @property
    def buses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._names.values(), *self._seen)))

    def _records(self) -> Iterator[Recorded | Event]:
        found = False
        for message in self._messages():
            record = self._record(message)
            if record is None:
                self.skipped["frame that no bus could carry"] += 1
                continue
            found = True
            self._seen[record.bus] = None
            yield record
        if self.faults.count:
            self.skipped["line that python-can does not understand"] = self.faults.count
        sentences = [part for part in (self.problem, self.faults.sentence, self.source.damage) if part]
        self.problem = "; ".join(sentences) or None
        if not found:
            raise self.nothing()

    def _messages(self) -> Iterator[can.Message]:
        """All that python-can makes of the file. It is asked again after a bad line; other damage ends it."""
        count = 0
        messages = iter(self._reader)
        while True:
            try:
                message = next(messages, None)
            except Exception as fault:  # as above
                if isinstance(fault, TraceError) or self._lines is None or not self._lines.advanced():
                    problem = self._gave_up(fault, count)
                    if not count:
                        raise problem from fault
                    self.problem = problem.sentence
                    return
                self.faults.add(self._lines.number, self._lines.last.encode(), _said(fault))
                self._lines.insert(AGAIN.get(self._ending))
                messages = iter(self._reader)
                continue
            if message is None:
                return
            count += 1
            yield message

    def _open(self, source: Input) -> Any:
        if self._ending == ".blf":
            reader = SafeBlfReader(source, self._names)
            # Relative times keep their nanoseconds in a double; dates would not.
            self._start_ns = round(reader.start_timestamp * 1000) * 1_000_000
            reader.start_timestamp = 0.0
            return reader
        if self._ending == ".mf4":
            mf4 = can.MF4Reader(source)  # type: ignore[arg-type]
            self._read_our_head(str(mf4._mdf.header.description).encode())
            return mf4
        self._lines = Lines(io.TextIOWrapper(source, encoding="utf-8", errors="replace"))
        readers: dict[str, Any] = {".asc": can.ASCReader, ".trc": can.TRCReader, ".csv": can.CSVReader}
        return readers[self._ending](self._lines)

    def _record(self, message: can.Message) -> Recorded | None:
        frame = to_frame(message)
        try:
            time_ns = self._start_ns + nanoseconds(message.timestamp)
        except (ValueError, OverflowError):
            return None
        if frame is None or not -TIME_LIMIT <= time_ns < TIME_LIMIT:
            return None
        direction = Direction.RX if message.is_rx else Direction.TX
        return Recorded(time_ns, self._bus(message.channel), frame, "", direction)

    def _bus(self, channel: object) -> str:
        if isinstance(channel, str):
            return channel
        number = channel + CHANNEL_OFFSET[self._ending] if isinstance(channel, int) else 1
        return self._names.get(number) or f"can{number}"

    def _read_our_head(self, head: bytes) -> None:
        found = OUR_HEAD.search(head)
        if found is None:
            return
        try:
            said = json.loads(found[1])
            self._names = {number: str(name) for number, name in enumerate(said["buses"], 1)}
            if self._ending == ".asc":
                self._start_ns = int(said["start_ns"])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            self._names = {}

    def _gave_up(self, fault: Exception, count: int) -> TraceError:
        if isinstance(fault, TraceError):
            return fault
        where = f"after frame {count}, near byte {self.position}" if count else "before the first frame"
        return TraceError(
            f"is damaged or not a{'n' if self._ending == '.asc' else ''} {self._ending[1:].upper()} file: "
            f"reading stopped {where} ({_said(fault)})",
            file=self.file,
        )


def _said(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"[:200] if str(fault) else type(fault).__name__
