"""A whole recording in figures: each identifier with its period and waits, each route with its decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gateway.can import KEY_MASK, Frame
from gateway.explain.names import Names, key_of
from gateway.explain.notes import decided_in, note_of
from gateway.sim import NS_PER_S
from gateway.trace import Event, Recorded

if TYPE_CHECKING:
    from gateway.trace import RecordTable

_CHUNK: Final = 1 << 16


@dataclass(slots=True)
class StreamSummary:
    """All frames of one identifier on one bus. Times in nanoseconds; waits count frames that tell theirs."""

    bus: str
    first: Frame
    count: int = 0
    first_ns: int = 0
    last_ns: int = 0
    shortest_ns: int | None = None
    longest_ns: int | None = None
    senders: Counter[str] = field(default_factory=Counter)
    waits: int = 0
    waited_ns: int = 0
    longest_wait_ns: int = 0

    @property
    def mean_ns(self) -> int | None:
        """The mean period; None for a single frame."""
        return (self.last_ns - self.first_ns) // (self.count - 1) if self.count > 1 else None

    @property
    def mean_wait_ns(self) -> int | None:
        return self.waited_ns // self.waits if self.waits else None

    def take(self, record: Recorded) -> None:
        if self.count:
            gap = record.time_ns - self.last_ns
            self.shortest_ns = gap if self.shortest_ns is None else min(self.shortest_ns, gap)
            self.longest_ns = gap if self.longest_ns is None else max(self.longest_ns, gap)
        else:
            self.first_ns = record.time_ns
        self.count += 1
        self.last_ns = record.time_ns
        note = note_of(record.comment)
        if note.sender:
            self.senders[note.sender] += 1
        if note.waited_ns is not None:
            self.waits += 1
            self.waited_ns += note.waited_ns
            self.longest_wait_ns = max(self.longest_wait_ns, note.waited_ns)


@dataclass(slots=True)
class RuleSummary:
    """One route. `carried`: different receptions that were seen to leave on the other bus."""

    name: str
    carried: int = 0
    longest_ns: int = 0
    """From the end of the frame on its bus to the end of that on the other."""
    decisions: Counter[str] = field(default_factory=Counter)
    """`filtered: rate limit` and so on."""
    last_received_ns: int = -1


@dataclass(slots=True)
class Summary:
    """The figures of a recording. `problem`: where the file is damaged."""

    streams: dict[tuple[str, int], StreamSummary] = field(default_factory=dict)
    rules: dict[str, RuleSummary] = field(default_factory=dict)
    events: int = 0
    problem: str | None = None

    def as_json(self, names: Names) -> dict[str, Any]:
        """The document that `--json` prints; times in seconds."""
        return {
            "frames": [_stream_json(stream, names) for stream in self.streams.values()],
            "routes": [
                {
                    "route": rule.name,
                    "from": getattr(names.rule(rule.name), "source", ""),
                    "to": getattr(names.rule(rule.name), "target", ""),
                    "forwarded": rule.carried,
                    "decisions": dict(sorted(rule.decisions.items())),
                }
                for rule in self.rules.values()
            ],
            "problem": self.problem,
        }


def _stream_json(stream: StreamSummary, names: Names) -> dict[str, Any]:
    periods = (stream.shortest_ns, stream.mean_ns, stream.longest_ns)
    return {
        "frame": names.title(stream.bus, stream.first),
        "count": stream.count,
        "period_s": [None if period is None else period / NS_PER_S for period in periods],
        "senders": dict(sorted(stream.senders.items())),
        "wait_s": None
        if not stream.waits
        else [stream.waited_ns / stream.waits / NS_PER_S, stream.longest_wait_ns / NS_PER_S],
    }


def summarize(records: Iterable[Recorded | Event], names: Names, only: tuple[str, int] | None = None) -> Summary:
    """One pass over a recording. `only`: bus and key; then the routes are those that take or send that identifier."""
    summary = Summary()
    for record in records:
        if isinstance(record, Event):
            summary.events += 1
            decided = decided_in(record.text)
            if decided is not None and _concerns(decided.rule, names, only):
                rule = summary.rules.setdefault(decided.rule, RuleSummary(decided.rule))
                rule.decisions[f"{decided.decision}: {decided.reason}"] += 1
            continue
        place = (record.bus, key_of(record.frame))
        if only is None or place == only:
            if place not in summary.streams:
                summary.streams[place] = StreamSummary(record.bus, record.frame)
            summary.streams[place].take(record)
        _take_sources(summary, record, names, only)
    return summary


def records_for(table: RecordTable, names: Names, only: tuple[str, int] | None) -> Iterator[Recorded | Event]:
    """The records of a table that a summary needs: all, or those that have to do with one identifier."""
    import numpy as np

    if only is None:
        rows = np.arange(len(table), dtype=np.int64)
    else:
        places = {only}
        for rule in names.rules:
            target_key = rule.source_key if rule.target_key is None else rule.target_key
            if rule.takes(*only):
                places.add((rule.target_bus, only[1] if target_key is None else target_key & KEY_MASK))
        rows = np.unique(np.concatenate([table.events(), *(table.rows(*place) for place in sorted(places))]))
    for start in range(0, len(rows), _CHUNK):
        yield from table.fetch(rows[start : start + _CHUNK])


def _take_sources(summary: Summary, record: Recorded, names: Names, only: tuple[str, int] | None) -> None:
    if "; r" not in record.comment:
        return
    for source in note_of(record.comment).sources:
        if not _concerns(source.rule, names, only):
            continue
        rule = summary.rules.setdefault(source.rule, RuleSummary(source.rule))
        if source.received_ns != rule.last_received_ns:
            rule.last_received_ns = source.received_ns
            rule.carried += 1
            rule.longest_ns = max(rule.longest_ns, record.time_ns - source.received_ns)


def _concerns(name: str, names: Names, only: tuple[str, int] | None) -> bool:
    if only is None:
        return True
    rule = names.rule(name)
    if rule is None:
        return False
    target_key = rule.source_key if rule.target_key is None else rule.target_key
    return rule.takes(*only) or (rule.target_bus == only[0] and target_key in {None, only[1]})
