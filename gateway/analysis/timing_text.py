"""The analysis of response times, as lines for people and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from gateway.analysis.timing import BusTiming, MessageTiming, PathTiming, Timing
from gateway.analysis.timing_advice import Advice
from gateway.can import EXTENDED, ID_MASK
from gateway.sim import NS_PER_S, duration_text

_COLUMNS: Final = (
    "message",
    "id",
    "sender",
    "period",
    "jitter",
    "longest",
    "worst",
    "since due",
    "deadline",
    "seen",
    "",
)
_UNSEEN_SHOWN: Final = 8


def timing_lines(timing: Timing) -> Iterator[str]:
    """A table a bus, one of the routes, and what to move."""
    for bus in timing.buses:
        yield from _bus_lines(bus, timing.advice.get(bus.name))
        yield ""
    if timing.paths:
        yield from _path_lines(timing.paths)
        yield ""
    if timing.unseen:
        more = f" and {len(timing.unseen) - _UNSEEN_SHOWN} more" if len(timing.unseen) > _UNSEEN_SHOWN else ""
        listed = ", ".join(timing.unseen[:_UNSEEN_SHOWN])
        yield f"left out, because they have no cycle time and were not seen: {listed}{more}"
    if any(message.assumed for bus in timing.buses for message in bus.messages):
        yield (
            f"~ sent on events: as closely as it was seen in {timing.seen_s:.3f} s;"
            " its bounds, and those below it, hold for that only"
        )


def _bus_lines(bus: BusTiming, advice: Advice | None) -> Iterator[str]:
    missed = sum(1 for message in bus.messages if message.missed)
    judged = f"{missed} deadline{'' if missed == 1 else 's'} can be missed" if missed else "all deadlines are kept"
    if any(message.rests and (message.missed or not missed) for message in bus.messages):
        judged += ", by what was seen (~)"
    if all(message.deadline_ns is None for message in bus.messages):
        judged = "no deadline is known"
    busy = "no end of a busy time" if bus.busy_ns is None else f"busy for {duration_text(bus.busy_ns)} at most"
    yield f"{bus.name}, {bus.bitrate / 1000:g} kbit/s: load {bus.load:.1%} at its worst, {busy}, {judged}"
    yield from _table(_COLUMNS, [_row(message) for message in bus.messages])
    if advice is not None:
        yield f"  {_advice_text(bus, advice)}"


def _row(message: MessageTiming) -> tuple[str, ...]:
    return (
        ("~" if message.assumed else "") + message.name,
        f"0x{message.header & ID_MASK:X}x" if message.header & EXTENDED else f"0x{message.header & ID_MASK:03X}",
        message.sender,
        _text(message.period_ns),
        _jitter_text(message),
        _text(message.longest_ns),
        "no bound" if message.worst_ns is None else _text(message.worst_ns),
        _text(message.due_ns) if message.due_ns != message.worst_ns else "-",
        _text(message.deadline_ns),
        _text(message.seen_ns),
        ("can be missed (~)" if message.rests else "can be missed") if message.missed else "",
    )


def _jitter_text(message: MessageTiming) -> str:
    """How irregularly it is sent."""
    if message.gap_ns is not None:
        return f">= {_text(message.gap_ns)} apart"
    return _text(message.jitter_ns) if message.jitter_ns else "-"


def _text(ns: int | None) -> str:
    return "-" if ns is None else duration_text(ns)


def _path_lines(paths: tuple[PathTiming, ...]) -> Iterator[str]:
    yield "along the routes, from the request at the source to the end of the frame on the target bus"
    rows = [
        (
            f"{path.title} ({path.place})" if path.place else path.title,
            _text(path.latency_ns),
            "no bound" if path.worst_ns is None else _text(path.worst_ns),
            _text(path.seen_ns),
        )
        for path in paths
    ]
    yield from _table(("route", "gateway", "worst", "seen"), rows)


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
    for row in [columns, *rows]:
        yield "  " + "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip()


def _advice_text(bus: BusTiming, advice: Advice) -> str:
    if advice.move is not None:
        return f"move {advice.move.name} above {advice.move.before} (a lower identifier), and all deadlines are kept"
    if advice.order:
        return f"in this order all deadlines are kept: {', '.join(advice.order)}"
    return f"no order of priorities keeps all deadlines of {bus.name}: send less, or faster"


def timing_json(timing: Timing) -> dict[str, Any]:
    """The document that `--json` prints; times in seconds."""
    return {
        "seen_s": timing.seen_s,
        "problem": timing.problem,
        "buses": [
            {
                "bus": bus.name,
                "bitrate": bus.bitrate,
                "worst_load": round(bus.load, 6),
                "busy_s": _seconds(bus.busy_ns),
                "messages": [_message_json(message) for message in bus.messages],
                "advice": _advice_json(bus, timing.advice.get(bus.name)),
            }
            for bus in timing.buses
        ],
        "routes": [
            {
                "route": path.rule,
                "title": path.title,
                "place": path.place,
                "latency_s": _seconds(path.latency_ns),
                "worst_s": _seconds(path.worst_ns),
                "seen_s": _seconds(path.seen_ns),
            }
            for path in timing.paths
        ],
        "left_out": list(timing.unseen),
    }


def _message_json(message: MessageTiming) -> dict[str, Any]:
    return {
        "message": message.name,
        "id": message.header & ID_MASK,
        "extended": bool(message.header & EXTENDED),
        "sender": message.sender,
        "length": message.length,
        "period_s": _seconds(message.period_ns),
        "jitter_s": _seconds(message.jitter_ns),
        "shortest_gap_s": _seconds(message.gap_ns),
        "longest_frame_s": _seconds(message.longest_ns),
        "worst_s": _seconds(message.worst_ns),
        "worst_since_due_s": _seconds(message.due_ns),
        "deadline_s": _seconds(message.deadline_ns),
        "missed": message.missed,
        "seen_s": _seconds(message.seen_ns),
        "seen": message.seen_count,
        "as_seen": message.assumed,
        "rests_on_seen": message.rests,
    }


def _advice_json(bus: BusTiming, advice: Advice | None) -> dict[str, Any] | None:
    if advice is None:
        return None
    move = None if advice.move is None else {"message": advice.move.name, "above": advice.move.before}
    return {"move": move, "order": list(advice.order), "text": _advice_text(bus, advice)}


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / NS_PER_S
