"""The differences of two runs as lines for people, and as a document."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from gateway.analysis.differ_model import Kind, LogDifference, MessageDifference
from gateway.analysis.differ_signals import SignalDifference
from gateway.analysis.tabular import id_text, seconds_text, table_lines
from gateway.com import label_of
from gateway.database import Signal
from gateway.sim import NS_PER_S, duration_text
from gateway.vehicle.logs.decoded_files import number_text

MESSAGES_SHOWN: Final = 30
SIGNALS_SHOWN: Final = 30
_MESSAGES: Final = (
    "bus", "id", "message", "frames", "in b", "missing", "extra", "changed", "shifted", "first at", "what",
)  # fmt: skip
_SIGNALS: Final = ("signal", "frames", "first at", "a", "b", "largest")


def difference_lines(found: LogDifference) -> Iterator[str]:
    """The first difference in full, then a line a message, then a line a signal."""
    yield f"a: {_side(found.first.file, len(found.first.log), found.first.log.duration_ns)}"
    yield f"b: {_side(found.second.file, len(found.second.log), found.second.log.duration_ns)}{_seeds_text(found)}"
    tolerance = f"times to {duration_text(found.tolerance_ns)}" if found.tolerance_ns else "times to the nanosecond"
    if not found.messages:
        yield f"no difference: {found.same} messages, {tolerance}"
        return
    yield from _first_lines(found.messages[0])
    yield ""
    shown = found.messages[:MESSAGES_SHOWN]
    yield from table_lines(_MESSAGES, [_message_row(each) for each in shown], ("bus", "id", "message", "what"))
    if len(found.messages) > len(shown):
        yield f"... and {len(found.messages) - len(shown)} messages more; --json has all of them"
    yield f"{found.same} messages are the same, {tolerance}"
    yield from _signal_lines(found)
    if all(each.kind is Kind.SHIFTED and not each.changed for each in found.messages):
        largest = max(abs(each.shift_ns) for each in found.messages)
        yield f"only times differ, by up to {duration_text(largest)}: --tolerance leaves out what does not matter"


def _side(file: str, frames: int, duration_ns: int) -> str:
    return f"{file}: {frames} frames in {duration_ns / NS_PER_S:.6g} s"


def _seeds_text(found: LogDifference) -> str:
    """What is to be expected of runs with seeds of their own."""
    one, two = found.first.about, found.second.about
    if one is None or two is None or one.seed == two.seed:
        return ""
    return (
        f", seed {two.seed} (a: {one.seed}): its ECUs start at other times; --tolerance 10ms leaves out what that moves"
    )


def _first_lines(each: MessageDifference) -> Iterator[str]:
    name = "" if each.message is None else f" {each.message.name}"
    senders = "" if each.message is None or not each.message.senders else f" (from {', '.join(each.message.senders)})"
    yield f"first difference: {seconds_text(each.time_ns)} s, {each.bus} {id_text(each.key)}{name}{senders}: {_what(each)}"
    pair = each.pair
    if each.kind is Kind.SHIFTED:
        return
    for signal in each.signals:
        if signal.time_ns == each.time_ns and each.kind is Kind.PAYLOAD:
            yield f"  {signal.signal.name}: {_value(signal.signal, signal.first)} -> {_value(signal.signal, signal.second)}"
    yield f"  a: {'-' if pair.first is None else pair.first.hex(' ')}"
    yield f"  b: {'-' if pair.second is None else pair.second.hex(' ')}"
    if pair.first is not None and pair.second is not None and len(pair.first) == len(pair.second):
        marks = ("^^" if a != b else "  " for a, b in zip(pair.first, pair.second, strict=True))
        line = f"     {' '.join(marks)}".rstrip()
        if line:
            yield line


def _what(each: MessageDifference) -> str:
    if each.kind is Kind.MISSING:
        return f"missing in b ({each.missing} of {each.first_frames})"
    if each.kind is Kind.EXTRA:
        return f"not in a ({each.extra} of {each.second_frames})"
    if each.kind is Kind.SHIFTED:
        pair = each.pair
        shift = (pair.second_ns or 0) - (pair.first_ns or 0)
        return f"{duration_text(abs(shift))} {'later' if shift > 0 else 'earlier'} in b"
    first, second = each.pair.first or b"", each.pair.second or b""
    if len(first) != len(second):
        return f"{len(second)} bytes instead of {len(first)}"
    return f"another payload in {_bits(first, second)}" if first != second else "another kind of frame"


def _bits(first: bytes, second: bytes) -> str:
    """`byte 3 bit 0..2, byte 5`"""
    parts = []
    for number, (one, two) in enumerate(zip(first, second, strict=True)):
        bits = [str(bit) for bit in range(8) if (one ^ two) >> bit & 1]
        if bits:
            parts.append(f"byte {number} bit {'+'.join(bits)}")
    return ", ".join(parts[:4]) + (f" and {len(parts) - 4} bytes more" if len(parts) > 4 else "")


def _message_row(each: MessageDifference) -> tuple[str, ...]:
    signals = [signal for signal in each.signals if not signal.marks] or each.signals
    what = ", ".join(signal.signal.name for signal in signals[:4]) or _what(each)
    if len(signals) > 4:
        what += f" and {len(signals) - 4} signals more"
    if each.follows:
        what += "; after " + ", ".join(f"{rule}" for rule in each.follows)
    counts = (each.first_frames, each.second_frames, each.missing, each.extra, each.changed, each.shifted)
    return (
        each.bus,
        id_text(each.key),
        "-" if each.message is None else each.message.name,
        *(str(count) if count else "-" for count in counts),
        seconds_text(each.time_ns),
        what,
    )


def _signal_lines(found: LogDifference) -> Iterator[str]:
    every = [(signal, each) for each in found.messages for signal in each.signals]
    signals = sorted((pair for pair in every if not pair[0].marks), key=lambda pair: pair[0].time_ns)
    if not every:
        return
    yield ""
    rows = [_signal_row(each, signal) for signal, each in signals[:SIGNALS_SHOWN]]
    if rows:
        yield from table_lines(_SIGNALS, rows, ("signal",))
    if len(signals) > SIGNALS_SHOWN:
        yield f"... and {len(signals) - SIGNALS_SHOWN} signals more; --json has all of them"
    yield from _marks_lines([pair for pair in every if pair[0].marks])


def _marks_lines(marks: Sequence[tuple[SignalDifference, MessageDifference]]) -> Iterator[str]:
    """Counters and checksums differ wherever anything does."""
    if marks:
        names = ", ".join(sorted({signal.signal.name for signal, _ in marks}))
        messages = len({(each.bus, each.key) for _, each in marks})
        yield (
            f"left out: counters and checksums of {messages} message{'' if messages == 1 else 's'} ({names}),"
            " as `protect` names them; --json has them"
        )


def _signal_row(each: MessageDifference, signal: SignalDifference) -> tuple[str, ...]:
    return (
        f"{each.bus}.{signal.signal}",
        str(signal.frames),
        seconds_text(signal.time_ns),
        _value(signal.signal, signal.first),
        _value(signal.signal, signal.second),
        "-" if math.isnan(signal.largest) else f"{signal.largest:.6g}",
    )


def _value(signal: Signal, value: float) -> str:
    if math.isnan(value):
        return "not there"
    return label_of(signal, value) or f"{value:.10g}" + (f" {signal.unit}" if signal.unit else "")


def difference_json(found: LogDifference) -> dict[str, Any]:
    """Times in seconds."""
    return {
        "a": found.first.file,
        "b": found.second.file,
        "tolerance_s": found.tolerance_ns / NS_PER_S,
        "same": found.same,
        "messages": [_message_json(each) for each in found.messages],
        "diagnostics": [finding.as_json() for finding in found.findings],
    }


def _message_json(each: MessageDifference) -> dict[str, Any]:
    pair = each.pair
    return {
        "bus": each.bus,
        "id": id_text(each.key),
        "message": None if each.message is None else each.message.name,
        "frames_a": each.first_frames,
        "frames_b": each.second_frames,
        "missing": each.missing,
        "extra": each.extra,
        "changed": each.changed,
        "shifted": each.shifted,
        "largest_shift_s": each.shift_ns / NS_PER_S,
        "first": {
            "what": each.kind.value,
            "time_a_s": None if pair.first_ns is None else pair.first_ns / NS_PER_S,
            "time_b_s": None if pair.second_ns is None else pair.second_ns / NS_PER_S,
            "data_a": None if pair.first is None else pair.first.hex(),
            "data_b": None if pair.second is None else pair.second.hex(),
        },
        "bits": each.bits.hex(),
        "signals": [_signal_json(signal) for signal in each.signals],
        "follows": [{"route": rule.name, "from": rule.source, "place": rule.place} for rule in each.follows],
    }


def _signal_json(signal: SignalDifference) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return None if not math.isfinite(value) else float(number_text(value))

    return {
        "signal": signal.signal.name,
        "frames": signal.frames,
        "first_s": signal.time_ns / NS_PER_S,
        "a": number(signal.first),
        "b": number(signal.second),
        "largest": number(signal.largest),
        "unit": signal.signal.unit,
        "protects": signal.marks,
    }
