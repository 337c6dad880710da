"""How often something was sent, without a period: the shortest time in which so many of it came.

The minimum distance function of real-time calculus (Le Boudec, Thiran, "Network Calculus", 2001, chapter 1; Richter
2005). Between the numbers that are kept, and behind the last of them, it goes on as closely as what was seen allows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

_EACH: Final = 64
"""Up to so many arrivals each number is kept, behind them ever fewer."""


class Curve(NamedTuple):
    """`counts[i]` arrivals take `spans_ns[i]` at least, the first of them 1 in no time; the last pair is where all
    begins again. `jitter_ns`: so much closer they may come, of what a route has passed on."""

    counts: tuple[int, ...]
    spans_ns: tuple[int, ...]
    jitter_ns: int = 0

    @property
    def period_ns(self) -> int:
        """The mean time between two of them."""
        return max(1, self.spans_ns[-1] // (self.counts[-1] - 1))

    @property
    def gap_ns(self) -> int:
        """The shortest time between two of them."""
        return max(0, self.spans_ns[1] - self.jitter_ns)

    def most(self, window_ns: int) -> int:
        """How many at most in a window that begins with one of them."""
        if window_ns <= 0:
            return 0
        times, left_ns = divmod(window_ns + self.jitter_ns - 1, self.spans_ns[-1])
        following = bisect_left(self.spans_ns, left_ns + 1)
        return times * (self.counts[-1] - 1) + self.counts[following] - 1

    def due_ns(self, number: int) -> int:
        """When the `number`-th after the first can come at the earliest; with jitter, before the first was due."""
        times, left = divmod(number, self.counts[-1] - 1)
        return times * self.spans_ns[-1] + self.spans_ns[bisect_right(self.counts, left + 1) - 1] - self.jitter_ns

    def later(self, jitter_ns: int) -> Curve:
        """The same, each up to `jitter_ns` later than that."""
        return self._replace(jitter_ns=self.jitter_ns + jitter_ns)


def curve_of(times_ns: Sequence[int], span_ns: int) -> Curve:
    """The curve of two or more arrivals, in the order of time, that were seen in `span_ns`."""
    import numpy as np

    times = np.asarray(times_ns, np.int64)
    counts, spans = [1], [0]
    while counts[-1] < len(times):
        count = min(len(times), max(counts[-1] + 1, counts[-1] * 5 // 4 if counts[-1] >= _EACH else 0))
        counts.append(count)
        spans.append(int((times[count - 1 :] - times[: len(times) - count + 1]).min()))
    counts.append(len(times) + 1)
    spans.append(max(span_ns, spans[-1] + spans[1], spans[-1] + 1))
    return Curve(tuple(counts), tuple(spans))
