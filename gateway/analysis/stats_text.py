"""The figures of a recording as lines for people, and as a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gateway.analysis.stats import BusStats, LogStats, MessageStats, Periods
from gateway.analysis.stats_load import BusLoad
from gateway.analysis.tabular import NS_PER_MS, id_text, ms_text, percent_text, seconds_text, table_lines
from gateway.sim import NS_PER_S
from gateway.vehicle.checks.findings import named

_BUSES: Final = ("bus", "frames", "frames/s", "kbit/s", "load", "peak", "errors", "remote", "ids", "unknown")
_MESSAGES: Final = (
    "bus",
    "id",
    "message",
    "frames",
    "cycle",
    "min",
    "median",
    "mean",
    "max",
    "jitter",
    "gaps",
    "bytes",
    "notes",
)
_GAPS_TOLD: Final = 3
_ABSENT_TOLD: Final = 8


def stats_lines(stats: LogStats) -> Iterator[str]:
    """Buses, then messages, then what is worth knowing. Periods are in milliseconds."""
    yield f"{stats.source.file}: {stats.frames} frames in {stats.duration_ns / NS_PER_S:.6g} s"
    yield from table_lines(_BUSES, [_bus_row(bus, stats) for bus in stats.buses], ("bus",))
    unknown = [bus.name for bus in stats.buses if bus.load.rate is None]
    if unknown:
        yield f"no bit rate is known for {', '.join(unknown)}: --bitrate 500k gives the load"
    if stats.messages:
        yield ""
        rows = [_message_row(message, stats) for message in stats.messages]
        yield from table_lines(_MESSAGES, rows, ("bus", "id", "message", "notes"))
        yield "periods in ms; jitter: 99 % of the periods are so near to the cycle time, or to their median"
    yield from _absent_lines(stats)


def _bus_row(bus: BusStats, stats: LogStats) -> tuple[str, ...]:
    span_s = stats.duration_ns / NS_PER_S
    load = bus.load
    return (
        bus.name,
        str(bus.frames),
        f"{bus.frames / span_s:.5g}" if span_s else "-",
        "-" if load.bits_per_s is None else f"{load.bits_per_s / 1000:.4g}",
        percent_text(load.load),
        percent_text(load.peak),
        str(bus.errors),
        str(bus.remote),
        str(bus.ids),
        _unknown(bus) if bus.name in stats.source.databases else "-",
    )


def _unknown(bus: BusStats) -> str:
    return f"{bus.unknown_ids} ({bus.unknown_frames} frames)" if bus.unknown_ids else "0"


def _message_row(message: MessageStats, stats: LogStats) -> tuple[str, ...]:
    periods = message.periods
    return (
        message.bus,
        id_text(message.key),
        message.name or ("unknown" if message.bus in stats.source.databases else "-"),
        str(message.frames),
        ms_text(message.cycle_ns),
        *_period_cells(periods, message.cyclic),
        str(message.gap_count) if message.cyclic else "-",
        "/".join(str(length) for length in message.lengths),
        "; ".join(_notes(message, stats)),
    )


def _period_cells(periods: Periods | None, cyclic: bool) -> Iterator[str]:
    if periods is None:
        yield from "-----"
        return
    for period in (periods.least_ns, periods.median_ns, periods.mean_ns, periods.most_ns):
        yield ms_text(period)
    yield ms_text(periods.jitter_ns) if cyclic else "-"


def _notes(message: MessageStats, stats: LogStats) -> Iterator[str]:
    described = message.message
    if message.wrong_length and described is not None:
        yield f"{message.wrong_length} not of {described.length} bytes"
    elif len(message.lengths) > 1 and described is None:
        yield "its length changes"
    if message.off_cycle is not None and message.periods is not None:
        yield f"comes every {ms_text(message.periods.median_ns)} ms"
    if message.gaps:
        longest = max(message.gaps, key=lambda gap: gap.length_ns)
        at = seconds_text(longest.time_ns + stats.source.offset_ns)
        yield f"away for {ms_text(longest.length_ns)} ms at {at} s"
    if not message.cyclic and message.frames > 1:
        yield "not cyclic"


def _absent_lines(stats: LogStats) -> Iterator[str]:
    if not stats.absent:
        return
    listed = ", ".join(f"{bus}.{named(message)}" for bus, message in stats.absent[:_ABSENT_TOLD])
    more = f" and {len(stats.absent) - _ABSENT_TOLD} more" if len(stats.absent) > _ABSENT_TOLD else ""
    yield f"{len(stats.absent)} cyclic messages of the databases never came: {listed}{more}"


def stats_json(stats: LogStats) -> dict[str, Any]:
    """Times in seconds, periods in milliseconds, loads from 0 to 1."""
    offset = stats.source.offset_ns
    return {
        "file": stats.source.file,
        "frames": stats.frames,
        "start_s": stats.source.log.start_ns / NS_PER_S,
        "duration_s": stats.duration_ns / NS_PER_S,
        "buses": [_bus_json(bus, offset) for bus in stats.buses],
        "messages": [_message_json(message, offset) for message in stats.messages],
        "absent": [{"bus": bus, "id": _key_of(one), "message": one.name} for bus, one in stats.absent],
        "diagnostics": [finding.as_json() for finding in stats.findings],
    }


def _key_of(message: Any) -> str:
    return f"0x{message.arbitration_id:X}x" if message.extended else f"0x{message.arbitration_id:03X}"


def _bus_json(bus: BusStats, offset_ns: int) -> dict[str, Any]:
    return {
        "bus": bus.name,
        "frames": bus.frames,
        "errors": bus.errors,
        "remote": bus.remote,
        "ids": bus.ids,
        "unknown_ids": bus.unknown_ids,
        "unknown_frames": bus.unknown_frames,
        **_load_json(bus.load, offset_ns),
    }


def _load_json(load: BusLoad, offset_ns: int) -> dict[str, Any]:
    return {
        "bits_per_s": load.bits_per_s,
        "bitrate": None if load.rate is None else load.rate.nominal,
        "load": load.load,
        "peak_load": load.peak,
        "peak_at_s": None if load.peak is None else (load.peak_ns + offset_ns) / NS_PER_S,
        "peak_window_s": load.window_ns / NS_PER_S,
    }


def _message_json(message: MessageStats, offset_ns: int) -> dict[str, Any]:
    return {
        "bus": message.bus,
        "id": id_text(message.key),
        "message": message.name or None,
        "frames": message.frames,
        "first_s": (message.first_ns + offset_ns) / NS_PER_S,
        "last_s": (message.last_ns + offset_ns) / NS_PER_S,
        "lengths": {str(length): count for length, count in message.lengths.items()},
        "wrong_length": message.wrong_length,
        "cyclic": message.cyclic,
        "cycle_ms": None if message.cycle_ns is None else message.cycle_ns / NS_PER_MS,
        "period_ms": None if message.periods is None else _periods_json(message.periods),
        "gap_count": message.gap_count,
        "gaps": [
            {"at_s": (gap.time_ns + offset_ns) / NS_PER_S, "length_ms": gap.length_ns / NS_PER_MS}
            for gap in message.gaps
        ],
        "bits": message.bits,
    }


def _periods_json(periods: Periods) -> dict[str, float]:
    return {
        "min": periods.least_ns / NS_PER_MS,
        "mean": periods.mean_ns / NS_PER_MS,
        "median": periods.median_ns / NS_PER_MS,
        "max": periods.most_ns / NS_PER_MS,
        "deviation": periods.deviation_ns / NS_PER_MS,
        "jitter": periods.jitter_ns / NS_PER_MS,
    }
