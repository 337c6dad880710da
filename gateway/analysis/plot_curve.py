"""A signal over time as a plot has it: points, a unit, names of values, and where it was away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

GAP: Final = 2.5
"""So many usual distances without a point are a gap. Usual is what 95 of 100 distances keep to: of a cyclic signal its
period, of one that comes in bursts the time between them."""
_USUAL: Final = 95
POINTS_MAX: Final = 20_000
"""Of a curve; of more, the least and the greatest of each stretch are drawn, which looks the same."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """`times_s` ascends; a NaN in `values` ends the line there. `names`: what values are called, for tables of labels.

    `held`: the value stays until the next point, so that it is drawn in steps. `sampled`: points come again and again, so
    that a long time without one is a gap; otherwise only a NaN is.
    """

    title: str
    times_s: Floats
    values: Floats
    unit: str = ""
    names: Mapping[float, str] = field(default_factory=dict)
    held: bool = False
    sampled: bool = True

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def present(self) -> int:
        """Points that are values."""
        return int(np.count_nonzero(~np.isnan(self.values)))


def with_gaps(curve: Curve) -> tuple[Curve, list[tuple[float, float]]]:
    """The curve with its line ended at each gap, and the gaps."""
    between = np.diff(curve.times_s)
    if not curve.sampled:
        away = np.flatnonzero(np.isnan(curve.values[:-1]))
        return curve, [(float(curve.times_s[at]), float(curve.times_s[at + 1])) for at in away.tolist()]
    if len(between) < 4:
        return curve, []
    usual_s = float(np.percentile(between, _USUAL, method="lower"))
    places = np.flatnonzero(between > GAP * usual_s) if usual_s > 0 else np.empty(0, np.int64)
    gaps = [(float(curve.times_s[at]) + usual_s, float(curve.times_s[at + 1])) for at in places.tolist()]
    ends = np.array([start for start, _ in gaps])
    times = np.insert(curve.times_s, places + 1, ends)
    values = np.insert(curve.values, places + 1, np.full(len(ends), np.nan))
    return replace(curve, times_s=times, values=values), gaps


def alone(curve: Curve) -> NDArray[np.bool_]:
    """Points between two gaps, of which a line shows nothing."""
    away = np.isnan(np.concatenate(([np.nan], curve.values, [np.nan])))
    lone: NDArray[np.bool_] = ~away[1:-1] & away[:-2] & away[2:]
    return lone


def thinned(curve: Curve, most: int = POINTS_MAX) -> Curve:
    """So few points that they can be drawn, with every peak and every gap that can be seen."""
    if len(curve) <= most:
        return curve
    size = -(-len(curve) // (most // 3))
    starts = np.arange(0, len(curve), size)
    away = np.isnan(curve.values)
    low = np.where(away, np.inf, curve.values)
    high = np.where(away, -np.inf, curve.values)
    kept = [np.flatnonzero(away)]
    for block in (low, -high):
        least = np.minimum.reduceat(block, starts)
        is_least = block == np.repeat(least, np.diff(np.append(starts, len(curve))))
        rows = np.flatnonzero(is_least & ~away)
        _, first = np.unique(rows // size, return_index=True)
        kept.append(rows[first])
    rows = np.unique(np.concatenate(kept))
    return replace(curve, times_s=curve.times_s[rows], values=curve.values[rows])
