"""Two runs side by side: of each message what is missing, what came besides, which payloads and times differ.

The first difference in time is where to look: what differs later on other buses mostly follows from it, and where the
recording tells its routes, along which of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.analysis.differ_align import Index, Pairs, align, one_by_one
from gateway.analysis.differ_model import FramePair, Kind, LogDifference, MessageDifference
from gateway.analysis.differ_signals import SignalDifference, signal_differences
from gateway.analysis.source import Source
from gateway.can import ERROR, EXTENDED, ID_MASK
from gateway.database import Message, Severity
from gateway.sim import NS_PER_S
from gateway.vehicle import AboutRule
from gateway.vehicle.checks.findings import Finding
from gateway.vehicle.logs.decode import groups
from gateway.vehicle.logs.log import EPOCH_NS, Log

TOLERANCE_NS = 1_000
"""What two formats may differ in, one of which keeps microseconds."""
_END_TOLD_NS = NS_PER_S // 2


class _Side(NamedTuple):
    """One run: its log, its messages by bus and key, and what makes its times comparable to the other's."""

    log: Log
    rows: Mapping[tuple[str, int], Index]
    shift_ns: int

    def times(self, rows: Index) -> Index:
        shifted: Index = self.log.times[rows] + self.shift_ns
        return shifted


def difference(first: Source, second: Source, tolerance_ns: int = TOLERANCE_NS) -> LogDifference:
    """Compare two recordings; times that differ by up to `tolerance_ns` count as the same."""
    names, notes = _bus_names(first, second)
    shifts = _shifts(first, second)
    one = _Side(first.log, {(bus, key): rows for bus, key, rows in groups(first.log)}, shifts[0])
    two = _Side(second.log, {(names[bus], key): rows for bus, key, rows in groups(second.log)}, shifts[1])
    found = []
    everything = [*one.rows, *(which for which in two.rows if which not in one.rows)]
    for bus, key in everything:
        message = _message(first, second, bus, key)
        marks = first.marks.get((bus, key)) or second.marks.get((bus, key)) or frozenset[str]()
        differs = _compare(one, two, bus, key, message, marks, tolerance_ns)
        if differs is not None:
            found.append(differs)
    found.sort(key=lambda each: (each.time_ns, list(Kind).index(each.kind)))
    notes += [*first.notes, *second.notes, *_ends(first, second, shifts)]
    return LogDifference(
        first, second, tolerance_ns, tuple(_followed(first, found)), len(everything) - len(found), tuple(notes)
    )


def _bus_names(first: Source, second: Source) -> tuple[dict[str, str], list[Finding]]:
    """What the second run's buses are called in the first."""
    own, other = first.log.buses, second.log.buses
    if not set(own) & set(other) and len(own) == len(other):
        pairs = dict(zip(other, own, strict=True))
        text = "is compared with other names of its buses: " + ", ".join(f"{a} is {b}" for a, b in pairs.items())
        return pairs, [Finding(second.file, None, Severity.INFO, text)]
    return {bus: bus for bus in other}, []


def _shifts(first: Source, second: Source) -> tuple[int, int]:
    """What is added to the times of both logs. Runs from 0 keep their times; dates that overlap, their distance."""
    starts = first.log.start_ns, second.log.start_ns
    if max(starts) < EPOCH_NS:
        return starts
    overlap = starts[0] < starts[1] + second.log.duration_ns and starts[1] < starts[0] + first.log.duration_ns
    return (0, starts[1] - starts[0]) if min(starts) >= EPOCH_NS and overlap else (0, 0)


def _message(first: Source, second: Source, bus: str, key: int) -> Message | None:
    database = first.databases.get(bus) or second.databases.get(bus)
    return None if database is None or key & ERROR else database.by_id(key & ID_MASK, key & EXTENDED != 0)


def _compare(
    one: _Side, two: _Side, bus: str, key: int, message: Message | None, marks: frozenset[str], tolerance_ns: int
) -> MessageDifference | None:
    nothing = np.empty(0, np.int64)
    rows, others = one.rows.get((bus, key), nothing), two.rows.get((bus, key), nothing)
    times, other_times = one.times(rows), two.times(others)
    if _same_payloads(one.log, rows, two.log, others):
        pairs = one_by_one(len(rows))
    else:
        pairs = align(times, other_times, tolerance_ns)
    paired, other_paired = rows[pairs.first], others[pairs.second]
    bits = _changed_bits(one.log, paired, two.log, other_paired)
    changed = bits.any(axis=1) | (_rest(one.log, paired) != _rest(two.log, other_paired))
    shift = other_times[pairs.second] - times[pairs.first]
    shifted = np.abs(shift) > tolerance_ns
    if not (changed.any() or shifted.any() or len(pairs.missing) or len(pairs.extra)):
        return None
    kind, pair = _first(one, two, rows, others, pairs, changed, shifted)
    at = np.flatnonzero(changed)
    found: tuple[SignalDifference, ...] = ()
    if message is not None and len(at):
        when = times[pairs.first][at]
        found = signal_differences(message, one.log, paired[at], two.log, other_paired[at], when, marks)
    return MessageDifference(
        bus,
        key,
        message,
        len(rows),
        len(others),
        len(pairs.missing),
        len(pairs.extra),
        len(at),
        int(np.count_nonzero(shifted)),
        int(shift[np.abs(shift).argmax()]) if len(shift) else 0,
        np.bitwise_or.reduce(bits, axis=0).tobytes() if len(bits) else b"",
        kind,
        pair,
        found,
    )


def _same_payloads(log: Log, rows: Index, other: Log, others: Index) -> bool:
    if len(rows) != len(others) or not np.array_equal(_rest(log, rows), _rest(other, others)):
        return False
    return not _changed_bits(log, rows, other, others).any()


def _rest(log: Log, rows: Index) -> NDArray[np.uint64]:
    """Header and length of each row, as one number."""
    rest: NDArray[np.uint64] = log.header[rows] << np.uint64(8) | log.length[rows]
    return rest


def _changed_bits(log: Log, rows: Index, other: Log, others: Index) -> NDArray[np.uint8]:
    """The bits that differ; bytes that only one of the two logs has room for are zero in the other."""
    width = max(log.data.shape[1], other.data.shape[1])
    bits: NDArray[np.uint8] = _payloads(log, rows, width) ^ _payloads(other, others, width)
    return bits


def _payloads(log: Log, rows: Index, width: int) -> NDArray[np.uint8]:
    data = log.data[rows]
    return data if data.shape[1] == width else np.pad(data, ((0, 0), (0, width - data.shape[1])))


def _first(
    one: _Side,
    two: _Side,
    rows: Index,
    others: Index,
    pairs: Pairs,
    changed: NDArray[np.bool_],
    shifted: NDArray[np.bool_],
) -> tuple[Kind, FramePair]:
    """The first difference in time."""
    candidates: list[tuple[int, int, Kind, int | None, int | None]] = []
    for order, (kind, where) in enumerate(((Kind.PAYLOAD, changed), (Kind.SHIFTED, shifted & ~changed))):
        if where.any():
            at = int(where.argmax())
            row, other = int(rows[pairs.first[at]]), int(others[pairs.second[at]])
            candidates.append((int(one.log.times[row]) + one.shift_ns, order, kind, row, other))
    if len(pairs.missing):
        row = int(rows[pairs.missing[0]])
        candidates.append((int(one.log.times[row]) + one.shift_ns, 2, Kind.MISSING, row, None))
    if len(pairs.extra):
        other = int(others[pairs.extra[0]])
        candidates.append((int(two.log.times[other]) + two.shift_ns, 3, Kind.EXTRA, None, other))
    _, _, kind, found, found_other = min(candidates, key=lambda each: each[:2])
    return kind, FramePair(
        None if found is None else int(one.log.times[found]) + one.shift_ns,
        None if found_other is None else int(two.log.times[found_other]) + two.shift_ns,
        None if found is None else _data(one.log, found),
        None if found_other is None else _data(two.log, found_other),
    )


def _data(log: Log, row: int) -> bytes:
    return log.data[row, : log.length[row]].tobytes()


def _followed(source: Source, found: list[MessageDifference]) -> Iterator[MessageDifference]:
    """Each with the routes that bring it from a message that differed before."""
    rules = () if source.about is None else source.about.rules
    for position, each in enumerate(found):
        before = found[:position]
        follows = [rule for rule in rules if _brings(rule, each) and any(rule.takes(b.bus, b.key) for b in before)]
        yield replace(each, follows=tuple(follows))


def _brings(rule: AboutRule, each: MessageDifference) -> bool:
    return rule.target_bus == each.bus and each.key in {
        rule.target_key,
        rule.source_key if rule.target_key is None else None,
    }


def _ends(first: Source, second: Source, shifts: tuple[int, int]) -> Iterator[Finding]:
    """One run that ends before the other: what is missing behind its end is nothing to wonder at."""
    ends = first.log.duration_ns + shifts[0], second.log.duration_ns + shifts[1]
    apart_ns = ends[1] - ends[0]
    if abs(apart_ns) > _END_TOLD_NS:
        shorter, missing = (second, "missing") if apart_ns < 0 else (first, "not in the first")
        text = f"ends {abs(apart_ns) / NS_PER_S:.3f} s before the other: all behind its end is counted as {missing}"
        yield Finding(shorter.file, None, Severity.WARNING, text)
