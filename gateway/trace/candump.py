"""candump logs as recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from gateway.can.frame import Frame
from gateway.trace.candump_lines import BadLineError, format_line, parse_line
from gateway.trace.errors import TraceError
from gateway.trace.files import Input, Output
from gateway.trace.pcapng import CHUNK, Flush
from gateway.trace.reader import TraceReader
from gateway.trace.record import BusInfo, Direction, Event, Recorded
from gateway.trace.writer import TraceWriter

READ_SIZE: Final = 1 << 18
LINE_MAX: Final = 1 << 16
"""A longer line is no line of candump."""
COMPLAINTS_MAX: Final = 5


class LineFaults:
    """The bad lines of a file: counted, the first few kept with their line numbers."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[str] = []

    def add(self, number: int, line: bytes, reason: str) -> None:
        self.count += 1
        if len(self.first) < COMPLAINTS_MAX:
            shown = line[:40].decode("utf-8", "replace")
            self.first.append(f"line {number}: {reason}: {shown!r}")

    @property
    def sentence(self) -> str | None:
        """None when there is nothing to complain about."""
        if not self.count:
            return None
        rest = f" and {self.count - len(self.first)} more" if self.count > len(self.first) else ""
        lines = "1 line was" if self.count == 1 else f"{self.count} lines were"
        return f"{lines} not understood and left out: {'; '.join(self.first)}{rest}"


def chunks_of_lines(source: Input, size: int = READ_SIZE) -> Iterator[bytes]:
    """The file in pieces that end with a line; a line that grows over `LINE_MAX` is cut."""
    held = b""
    while more := source.read(size):
        data = held + more
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) < LINE_MAX:
            held = data
            continue
        if end == 0:
            end = len(data)
        held = data[end:]
        yield data[:end]
    if held:
        yield held


class CandumpReader(TraceReader):
    """Frames of a candump log or of what candump shows on the screen. A bad line is counted; the rest is read."""

    def __init__(self, source: Input) -> None:
        super().__init__(source)
        self.faults = LineFaults()
        self._buses: dict[str, None] = {}

    @property
    def buses(self) -> tuple[str, ...]:
        return tuple(self._buses)

    def _records(self) -> Iterator[Recorded | Event]:
        found = False
        number = 0
        buses = self._buses
        for chunk in chunks_of_lines(self.source):
            for line in chunk.splitlines():
                number += 1
                try:
                    recorded = parse_line(line)
                except BadLineError as reason:
                    if line.strip():
                        self.faults.add(number, line, str(reason))
                    continue
                found = True
                buses[recorded.bus] = None
                yield recorded
        self.complain()
        if not found:
            raise self.nothing()

    def complain(self) -> None:
        """Take faults and damage into `problem` and `skipped`."""
        if self.faults.count:
            self.skipped["line that candump does not write"] = self.faults.count
        sentences = [part for part in (self.faults.sentence, self.source.damage) if part]
        self.problem = "; ".join(sentences) or None


class CandumpWriter(TraceWriter):
    """A candump log, as `canplayer` and `log2asc` read it: microseconds, direction only when it is known.

    White space in a bus name becomes `_`. TraceError: the stream refuses, time below 0.
    """

    def __init__(self, stream: BinaryIO, buses: Sequence[BusInfo], flush: Flush = Flush.CHUNKS) -> None:
        super().__init__()
        self._output = Output(stream, CHUNK if flush is Flush.CHUNKS else 0)
        self._names = ["_".join(bus.name.split()) or "can" for bus in buses]
        self.flush = self._output.flush

    def write(
        self,
        time_ns: int,
        bus: int,
        frame: Frame,
        comment: str = "",
        direction: Direction = Direction.UNKNOWN,
    ) -> None:
        if time_ns < 0:
            raise TraceError(f"candump logs hold no time below 0, not {time_ns} ns")
        if comment:
            self.skipped["comment (only pcapng holds those)"] += 1
        self._output.append(format_line(time_ns, self._names[bus], frame, direction).encode("utf-8", "replace"))

    def close(self) -> None:
        self._output.close()
