"""Curve logging keeps few samples, and none of the others is missed by more than the error."""

from __future__ import annotations

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from gateway.domains.sdv.viss_curve import curve

samples = st.lists(
    st.tuples(st.integers(0, 10**12), st.floats(-1e6, 1e6)), unique_by=lambda sample: sample[0], max_size=60
).map(sorted)


@given(samples, st.floats(0, 1e5))
def test_every_sample_can_be_interpolated(samples: list[tuple[int, float]], max_error: float) -> None:
    kept = curve(samples, max_error)
    assert kept[:1] == [0][: len(samples)] and kept[-1:] == [len(samples) - 1][: len(samples)]
    for index, (time, value) in enumerate(samples):
        place = min(bisect_right(kept, index) - 1, max(0, len(kept) - 2))
        (start, low), (end, high) = samples[kept[place]], samples[kept[min(place + 1, len(kept) - 1)]]
        line = low + (high - low) * (time - start) / (end - start) if end > start else low
        assert abs(value - line) <= max_error + 1e-6


def test_a_straight_line_is_two_samples() -> None:
    assert curve([(time, 2.0 * time) for time in range(100)], 1e-9) == [0, 99]


def test_a_peak_is_kept() -> None:
    assert curve([(0, 0.0), (1, 0.0), (2, 9.0), (3, 0.0), (4, 0.0)], 0.5) == [0, 1, 2, 3, 4]
