"""Guesses as lines for people, and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from gateway.analysis.guess import MessageGuess
from gateway.analysis.guess_bits import Field, FieldKind
from gateway.analysis.tabular import NS_PER_MS, id_text, ms_text

_WORDS: Final = {FieldKind.ANALOG: "number"}


def guess_lines(messages: Sequence[MessageGuess]) -> Iterator[str]:
    """A line a message, and one below for each field."""
    for message in messages:
        yield _head(message)
        for field in message.fields:
            yield f"  {place_text(field):<22}{_WORDS.get(field.kind, field.kind.value)}: {field.note}"
    yield summary_line(messages)


def _head(message: MessageGuess) -> str:
    parts = [f"{message.bus} {id_text(message.key)}" + (f" {message.name}" if message.name else "")]
    parts.append(f"{message.frames} frame{'' if message.frames == 1 else 's'}")
    if message.periods is not None:
        about = "every" if message.cyclic else "not cyclic, about every"
        parts.append(f"{about} {ms_text(message.periods.median_ns)} ms")
    parts.append(f"{'/'.join(str(length) for length in message.lengths)} bytes")
    constant = message.constant_bytes
    if constant:
        parts.append("all constant" if len(constant) == message.payloads.width else f"constant {ranges(constant)}")
    return ", ".join(parts)


def ranges(places: Sequence[int]) -> str:
    """`0-3, 7`"""
    parts: list[list[int]] = []
    for place in places:
        if parts and place == parts[-1][-1] + 1:
            parts[-1].append(place)
        else:
            parts.append([place])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def place_text(field: Field) -> str:
    """As DBC files have it: `16|12 little`, `7|16 big signed`."""
    order = "big" if field.big_endian else "little"
    text = f"{field.start}|{field.length}"
    if field.length > 1:
        text += f" {order}" + (" signed" if field.signed else "")
    return text


def summary_line(messages: Sequence[MessageGuess]) -> str:
    """How many fields of which kind there are."""
    kinds = (
        (kind, sum(len(message.of_kind(kind)) for message in messages), _WORDS.get(kind, kind.value))
        for kind in FieldKind
    )
    many = f"{len(messages)} message{'' if len(messages) == 1 else 's'}"
    return f"{many}: " + ", ".join(
        f"{count} {word}{'' if count == 1 else 'es' if word.endswith('ch') else 's'}"
        for _, count, word in kinds
        if count
    )


def guess_json(messages: Sequence[MessageGuess]) -> list[dict[str, Any]]:
    """Periods in milliseconds; `start` as in DBC files."""
    return [
        {
            "bus": message.bus,
            "id": id_text(message.key),
            "message": message.name or None,
            "frames": message.frames,
            "lengths": list(message.lengths),
            "cyclic": message.cyclic,
            "period_ms": None if message.periods is None else message.periods.median_ns / NS_PER_MS,
            "constant_bytes": list(message.constant_bytes),
            "fields": [_field_json(field) for field in message.fields],
        }
        for message in messages
    ]


def _field_json(field: Field) -> dict[str, Any]:
    return {
        "kind": field.kind.value,
        "start": field.start,
        "length": field.length,
        "byte_order": "big" if field.big_endian else "little",
        "signed": field.signed,
        "note": field.note,
    }
