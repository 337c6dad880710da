"""What moves together with a signal that is known: a second recorder, a GPS, a signal of the database.

Each field that was guessed, and each byte and each pair of bytes besides, is held against it at the times of its points;
the coefficient of correlation (Pearson's) ranks them. Of fields that share bits the best one stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.analysis.errors import AnalysisError
from gateway.analysis.guess import MessageGuess
from gateway.analysis.guess_bits import Field, FieldKind, Payloads
from gateway.analysis.plot_curve import Curve
from gateway.analysis.tabular import id_text, table_lines
from gateway.sim import NS_PER_S

SHOWN: Final = 20
WEAKEST: Final = 0.5
POINTS_MIN: Final = 10
POINTS_MAX: Final = 5000
_KINDS: Final = (FieldKind.ANALOG, FieldKind.STATE, FieldKind.SWITCH)
_SIMPLER: Final = 1e-3
"""A field that was guessed is better than a byte that fits by so little more."""

Floats = NDArray[np.float64]


class Likeness(NamedTuple):
    """A field that moves with the signal: `value = raw * scale + offset` is the best line."""

    bus: str
    key: int
    name: str
    field: Field
    correlation: float
    scale: float
    offset: float


def alike(messages: Sequence[MessageGuess], curve: Curve, offset_ns: int) -> list[Likeness]:
    """The best fields first. AnalysisError where the signal says nothing: it is constant, or lies outside the log.

    `offset_ns` is what makes the times of the log those of the curve.
    """
    times, values = _target(curve)
    found: list[Likeness] = []
    for message in messages:
        if len(message.payloads) >= POINTS_MIN:
            found += _of_message(message, times - offset_ns / NS_PER_S, values)
    return sorted(found, key=lambda each: -abs(each.correlation))[:SHOWN]


def _target(curve: Curve) -> tuple[Floats, Floats]:
    there = ~np.isnan(curve.values)
    times, values = curve.times_s[there], curve.values[there]
    if len(times) > POINTS_MAX:
        step = -(-len(times) // POINTS_MAX)
        times, values = times[::step], values[::step]
    if len(times) < POINTS_MIN:
        raise AnalysisError(f"{curve.title} has {len(times)} values: too few to tell what moves with it")
    if (values == values[0]).all():
        raise AnalysisError(f"{curve.title} is always {values[0]:g}: nothing can be seen to move with it")
    return times, values


def _of_message(message: MessageGuess, times: Floats, values: Floats) -> Iterator[Likeness]:
    own = message.payloads.times / NS_PER_S
    inside = (times >= own[0]) & (times <= own[-1])
    if np.count_nonzero(inside) < POINTS_MIN:
        return
    rows = np.searchsorted(own, times[inside], side="right") - 1
    wanted = values[inside]
    if (wanted == wanted[0]).all():
        return
    ranked: list[tuple[float, Likeness]] = []
    for field, guessed in _candidates(message):
        raw = message.payloads.field(field)[rows].astype(np.float64)
        fit = _line(raw, wanted)
        if fit is not None and abs(fit[0]) >= WEAKEST:
            likeness = Likeness(message.bus, message.key, message.name, field, *fit)
            ranked.append((abs(fit[0]) + (_SIMPLER if guessed else 0), likeness))
    taken: set[int] = set()
    for _, likeness in sorted(ranked, key=lambda each: -each[0]):
        if not taken & likeness.field.bits:
            taken |= likeness.field.bits
            yield likeness


def _candidates(message: MessageGuess) -> Iterator[tuple[Field, bool]]:
    """What was guessed, and the bytes and pairs of bytes in both orders."""
    yield from ((field, True) for field in message.fields if field.kind in _KINDS)
    payloads: Payloads = message.payloads
    for byte in range(payloads.width):
        if payloads.values[byte] > 2:
            yield Field(FieldKind.ANALOG, 8 * byte, 8), False
        if byte + 1 < payloads.width and payloads.values[byte] > 1 and payloads.values[byte + 1] > 1:
            for signed in (False, True):
                yield Field(FieldKind.ANALOG, 8 * byte, 16, signed=signed), False
                yield Field(FieldKind.ANALOG, 8 * byte + 7, 16, big_endian=True, signed=signed), False


def _line(raw: Floats, wanted: Floats) -> tuple[float, float, float] | None:
    """Correlation, scale and offset; None for a field that does not move."""
    spread, other = raw.std(), wanted.std()
    if not spread or not other:
        return None
    together = float(np.mean((raw - raw.mean()) * (wanted - wanted.mean())))
    scale = together / float(spread) ** 2
    return together / float(spread * other), scale, float(wanted.mean()) - scale * float(raw.mean())


def like_lines(found: Sequence[Likeness], title: str) -> Iterator[str]:
    """A line each, the best first."""
    if not found:
        yield f"nothing moves together with {title}"
        return
    yield f"moves together with {title}; value = raw * scale + offset"
    rows = [
        (
            each.bus,
            id_text(each.key) + (f" {each.name}" if each.name else ""),
            f"{each.field.start}|{each.field.length}",
            ("big" if each.field.big_endian else "little") + (" signed" if each.field.signed else ""),
            f"{each.correlation:+.4f}",
            f"{each.scale:.6g}",
            f"{each.offset:.4g}",
        )
        for each in found
    ]
    head = ("bus", "id", "bits", "order", "correlation", "scale", "offset")
    yield from table_lines(head, rows, ("bus", "id", "order"))
