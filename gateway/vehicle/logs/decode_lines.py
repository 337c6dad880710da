"""A log decoded frame by frame, as lines: what is read is written at once, whatever the length of the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gateway.can import ERROR, EXTENDED, ID_MASK, KEY_MASK, REMOTE
from gateway.database import Database, Message, Severity, Signal
from gateway.sim import NS_PER_S
from gateway.trace import Recorded, TraceReader, open_reader
from gateway.vehicle.checks.findings import Census, Finding
from gateway.vehicle.logs.decode_choice import choose
from gateway.vehicle.logs.decoded_files import number_text

FindDatabase = Callable[[str], Database | None]


class LineDecoder:
    """Gives the lines of a log. `census` and `findings` are of what was read so far.

    `find_database` is asked once for each bus, when it appears. With `names`, only the lines of messages that have
    such a signal; without, a frame that nobody knows has a line too.
    """

    def __init__(self, find_database: FindDatabase, names: Sequence[str]) -> None:
        self.census: Census = Counter()
        self.findings: list[Finding] = []
        self.damaged = False
        """A part of the file could not be read."""
        self.databases: dict[str, Database] = {}
        self._find = find_database
        self._names = names
        self._buses: set[str] = set()
        self._chosen: dict[tuple[str, Message], tuple[Signal, ...]] = {}

    def lines(self, path: str | Path) -> Iterator[str]:
        """One for each frame, with its line end. TraceError for a file that cannot be read."""
        with open_reader(path) as reader:
            for recorded in reader:
                frame = recorded.frame
                if recorded.bus not in self._buses:
                    self._meet(recorded.bus)
                self.census[recorded.bus, frame.header & KEY_MASK, len(frame.data)] += 1
                line = self._line(recorded)
                if line is not None:
                    yield line
            self._tell(reader)

    def _meet(self, bus: str) -> None:
        self._buses.add(bus)
        database = self._find(bus)
        if database is not None:
            self.databases[bus] = database
            self._chosen.update(choose(self._names, {bus: database}))

    def _line(self, recorded: Recorded) -> str | None:
        frame = recorded.frame
        database = self.databases.get(recorded.bus)
        message = None
        if database is not None and not frame.header & (REMOTE | ERROR):
            message = database.by_id(frame.header & ID_MASK, frame.header & EXTENDED != 0)
        if message is None:
            what = "an error frame" if frame.header & ERROR else "a remote frame" if frame.remote else "unknown"
            return None if self._names else f"{_head(recorded)} {frame}  # {what}\n"
        signals = self._chosen.get((recorded.bus, message))
        return None if signals is None else f"{_head(recorded)} {_call(message, signals, frame.data)}\n"

    def _tell(self, reader: TraceReader) -> None:
        if reader.problem:
            self.damaged = True
            text = f"not everything could be read: {reader.problem}"
            self.findings.append(Finding(reader.file, None, Severity.ERROR, text))


def _head(recorded: Recorded) -> str:
    seconds, rest = divmod(recorded.time_ns, NS_PER_S)
    return f"({seconds}.{rest // 1000:06d}) {recorded.bus}"


def _call(message: Message, signals: Sequence[Signal], data: bytes) -> str:
    """`EMS1(SWI_IGK: 1, N: 819.75 rpm)`: labels where there are any, units where they have one."""
    values = message.labels(data)
    parts = []
    for signal in signals:
        value = values.get(signal.name)
        if value is not None:
            text = value if isinstance(value, str) else number_text(value)
            parts.append(f"{signal.name}: {text}{' ' + signal.unit if signal.unit else ''}")
    return f"{message.name}({', '.join(parts)})"
