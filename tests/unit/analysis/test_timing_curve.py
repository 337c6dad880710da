"""How often something comes that has no period: bounded by the windows that were seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.analysis.timing_bounds import Activation, Load, Precision, response
from gateway.analysis.timing_curve import curve_of

MS = 1_000_000
times_seen = st.lists(st.integers(0, 2000), min_size=2, max_size=200).map(sorted)


@given(times_seen, st.integers(0, 3000), st.integers(0, 300))
def test_no_window_of_what_was_seen_holds_more_than_the_curve_says(times: list[int], span: int, jitter: int) -> None:
    """Nor when each comes up to the jitter later: then they may stand so much closer."""
    curve = curve_of(times, span).later(jitter)
    for first in range(len(times)):
        for last in range(first, len(times)):
            closest = max(0, times[last] - times[first] - jitter)
            assert last - first + 1 <= curve.most(closest + 1)
            assert curve.due_ns(last - first) <= times[last] - times[first] - jitter


@given(times_seen, st.integers(0, 1000))
def test_each_may_be_there_from_when_it_is_due(times: list[int], number: int) -> None:
    """Behind the last that was seen it goes on, so that the number and its time still agree."""
    curve = curve_of(times, 0)
    assert curve.most(curve.due_ns(number) + 1) > number
    assert curve.due_ns(number) <= curve.due_ns(number + 1)


@given(st.integers(1, 50), st.integers(2, 100), st.integers(1, 10_000))
def test_of_a_strict_cycle_it_is_that_cycle(period: int, count: int, window: int) -> None:
    curve = curve_of([number * period for number in range(count)], 0)
    assert curve.period_ns == period
    if count <= 64:
        assert curve.most(window) == Activation(period).most(window)
        assert curve.due_ns(window) == window * period


def test_a_burst_delays_what_is_below_it_by_its_frames_and_no_more() -> None:
    """Every 20 ms, and twice in between within 100 s: three frames of 1 ms are before the lower one, not a hundred."""
    cyclic = [number * 20 * MS for number in range(5000)]
    curve = curve_of(sorted([*cyclic, 40 * MS + 1, 40 * MS + 2]), 100_000 * MS)
    loads = [Load(MS, (curve,)), Load(MS, (Activation(10 * MS),))]
    found = response(loads, 1, Precision(1))
    assert found is not None
    assert found.waiting_ns == 4 * MS
