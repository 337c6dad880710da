"""The figures of a whole recording: of each bus its load, of each message its period, jitter, gaps and lengths.

All of it is asked of arrays, a message at a time. A period is the time between two frames of one message. Its nominal
is the cycle time of the database, where there is one, else the median of the recording. Jitter is how far 99 of 100
periods keep to the nominal. A message is cyclic when its database says so, or when half of its periods are within a
quarter of their median; of a cyclic one a period of more than 2.5 times the nominal is a gap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.analysis.source import BusRate, Source, findings
from gateway.analysis.stats_load import BusLoad, Stream, bus_load, stream_bits
from gateway.can import ERROR, EXTENDED, ID_MASK, REMOTE, padded_length
from gateway.database import Message
from gateway.vehicle.checks.findings import Census, Finding
from gateway.vehicle.logs.decode import census, groups
from gateway.vehicle.logs.log import Log

GAP: Final = 2.5
"""So many nominal periods without a frame are a gap."""
GAPS_KEPT: Final = 10
"""Of a message, the longest."""
NEAR: Final = 0.25
OFF: Final = 0.05
"""A mean period that is further than this part from the cycle time is told."""
_JITTER: Final = 0.99


class Gap(NamedTuple):
    """A message was away for `length_ns`, from `time_ns` of the log on."""

    time_ns: int
    length_ns: int


@dataclass(frozen=True, slots=True)
class Periods:
    """The times between the frames of a message, in ns."""

    least_ns: int
    mean_ns: float
    median_ns: float
    most_ns: int
    deviation_ns: float
    """Standard deviation."""
    jitter_ns: float
    """99 of 100 are so near to the nominal."""


@dataclass(frozen=True, slots=True)
class MessageStats:
    """One message (or unknown identifier) on one bus. Times count as the log's."""

    bus: str
    key: int
    message: Message | None
    frames: int
    first_ns: int
    last_ns: int
    lengths: Mapping[int, int]
    """How many frames have how many bytes."""
    periods: Periods | None
    """None with less than two frames."""
    cyclic: bool
    gaps: tuple[Gap, ...]
    """The longest ones, in the order of time."""
    gap_count: int
    bits: float
    """Of a frame, at an average, stuff bits and intermission included."""

    @property
    def name(self) -> str:
        return "" if self.message is None else self.message.name

    @property
    def cycle_ns(self) -> int | None:
        """As the database has it."""
        return None if self.message is None else self.message.cycle_ns

    @property
    def wrong_length(self) -> int:
        """Frames that are not as long as the database says."""
        if self.message is None:
            return 0
        right = {self.message.length, padded_length(self.message.length) if self.message.length <= 64 else 0}
        return sum(count for length, count in self.lengths.items() if length not in right)

    @property
    def off_cycle(self) -> float | None:
        """How far the median period is from the cycle time, as a part of it; None where it is near, or unknown."""
        if self.cycle_ns is None or self.periods is None:
            return None
        part = self.periods.median_ns / self.cycle_ns - 1
        return part if abs(part) > OFF else None


@dataclass(frozen=True, slots=True)
class BusStats:
    """One bus: good frames, error frames, remote frames, how many ids, and what they take of it."""

    name: str
    frames: int
    errors: int
    remote: int
    ids: int
    unknown_ids: int
    unknown_frames: int
    load: BusLoad


@dataclass(frozen=True, slots=True)
class LogStats:
    """All of it. `absent`: cyclic messages of the databases that never came."""

    source: Source
    frames: int
    duration_ns: int
    buses: tuple[BusStats, ...]
    messages: tuple[MessageStats, ...]
    absent: tuple[tuple[str, Message], ...]
    findings: tuple[Finding, ...]


def stats(source: Source, rates: Mapping[str, BusRate] | None = None) -> LogStats:
    """The figures of a recording; `rates`: of the buses of which the load is wanted, else as the recording knows them."""
    rates = source.rates if rates is None else rates
    log = source.log
    streams: dict[str, list[Stream]] = {bus: [] for bus in log.buses}
    messages = []
    for bus, key, rows in groups(log):
        times = log.times[rows]
        lengths = _lengths(log.length[rows])
        lin = bus in rates and rates[bus].lin
        bits = stream_bits(log, rows, lin)
        streams[bus].append(Stream(times, bits))
        messages.append(_message(source, bus, key, times, lengths, bits.total))
    counted = _census(log, messages)
    messages.sort(key=lambda one: (log.buses.index(one.bus), one.key & EXTENDED, one.key))
    buses = tuple(
        _bus(source, bus, messages, counted, bus_load(log, streams[bus], rates.get(bus))) for bus in log.buses
    )
    absent = tuple(_absent(source, messages))
    return LogStats(source, len(log), log.duration_ns, buses, tuple(messages), absent, tuple(findings(source, counted)))


def _census(log: Log, messages: list[MessageStats]) -> Census:
    """As `census`, of which the data frames are counted already."""
    counted = Counter({(one.bus, one.key, length): count for one in messages for length, count in one.lengths.items()})
    data = log.is_data
    if not data.all():
        counted += census(log.select(~data))
    return counted


def _lengths(lengths: NDArray[np.uint8]) -> dict[int, int]:
    counts = np.bincount(lengths)
    return {int(length): int(counts[length]) for length in np.flatnonzero(counts)}


def _message(
    source: Source, bus: str, key: int, times: NDArray[np.int64], lengths: dict[int, int], bits: float
) -> MessageStats:
    database = source.databases.get(bus)
    message = None if database is None else database.by_id(key & ID_MASK, key & EXTENDED != 0)
    cycle_ns = None if message is None else message.cycle_ns
    between = np.diff(times)
    periods, cyclic = periods_of(between, cycle_ns)
    gaps: tuple[Gap, ...] = ()
    count = 0
    if periods is not None and cyclic:
        nominal_ns = cycle_ns or periods.median_ns
        gaps, count = _gaps(times, between, GAP * nominal_ns)
    first_ns, last_ns = int(times[0]), int(times[-1])
    return MessageStats(bus, key, message, len(times), first_ns, last_ns, lengths, periods, cyclic, gaps, count, bits)


def periods_of(between: NDArray[np.int64], cycle_ns: int | None = None) -> tuple[Periods | None, bool]:
    """What the times between frames are like, and whether they are those of a cyclic message."""
    if not len(between):
        return None, cycle_ns is not None
    median_ns = float(np.median(between))
    nominal_ns = median_ns if cycle_ns is None else float(cycle_ns)
    near = np.count_nonzero(np.abs(between - median_ns) <= NEAR * median_ns)
    cyclic = cycle_ns is not None or (len(between) > 2 and median_ns > 0 and 2 * near >= len(between))
    away = np.abs(between - nominal_ns)
    at = min(len(away) - 1, int(_JITTER * len(away)))
    periods = Periods(
        least_ns=int(between.min()),
        mean_ns=float(between.mean()),
        median_ns=median_ns,
        most_ns=int(between.max()),
        deviation_ns=float(between.std()),
        jitter_ns=float(np.partition(away, at)[at]),
    )
    return periods, bool(cyclic)


def _gaps(times: NDArray[np.int64], between: NDArray[np.int64], longer_ns: float) -> tuple[tuple[Gap, ...], int]:
    places = np.flatnonzero(between > longer_ns)
    longest = places[np.argsort(between[places], kind="stable")[::-1][:GAPS_KEPT]]
    longest.sort()
    return tuple(Gap(int(times[at]), int(between[at])) for at in longest.tolist()), len(places)


def _bus(source: Source, bus: str, messages: list[MessageStats], counted: Census, load: BusLoad) -> BusStats:
    own = [one for one in messages if one.bus == bus]
    unknown = [one for one in own if one.message is None] if bus in source.databases else []
    errors = sum(count for (where, key, _), count in counted.items() if where == bus and key & ERROR)
    remote = sum(
        count for (where, key, _), count in counted.items() if where == bus and key & REMOTE and not key & ERROR
    )
    frames = sum(one.frames for one in own)
    return BusStats(bus, frames, errors, remote, len(own), len(unknown), sum(one.frames for one in unknown), load)


def _absent(source: Source, messages: list[MessageStats]) -> Iterator[tuple[str, Message]]:
    """Cyclic messages that never came, on buses of which the database fits."""
    for bus, database in source.databases.items():
        seen = {one.message for one in messages if one.bus == bus and one.message is not None}
        if seen:
            yield from ((bus, one) for one in database.messages if one.cycle_ns is not None and one not in seen)
