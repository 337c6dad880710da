"""Curve logging of VISS: of many samples the few from which the others can be interpolated (W3C VISS version 2)."""

from __future__ import annotations

from collections.abc import Sequence


def curve(samples: Sequence[tuple[int, float]], max_error: float) -> list[int]:
    """Which of (time, value) to keep: first, last, and so many between that straight lines miss none by more.

    As Ramer, Douglas and Peucker do it, with the error in the value, at the sample's time.
    """
    if len(samples) < 3:
        return list(range(len(samples)))
    kept = {0, len(samples) - 1}
    spans = [(0, len(samples) - 1)]
    while spans:
        first, last = spans.pop()
        worst, error = _worst(samples, first, last)
        if error > max_error:
            kept.add(worst)
            spans += [(first, worst), (worst, last)]
    return sorted(kept)


def _worst(samples: Sequence[tuple[int, float]], first: int, last: int) -> tuple[int, float]:
    """The sample between two others that is farthest from the line through them, and how far."""
    (start, low), (end, high) = samples[first], samples[last]
    slope = (high - low) / (end - start) if end > start else 0.0
    worst, error = first, 0.0
    for index in range(first + 1, last):
        time, value = samples[index]
        away = abs(value - (low + slope * (time - start)))
        if away > error:
            worst, error = index, away
    return worst, error
