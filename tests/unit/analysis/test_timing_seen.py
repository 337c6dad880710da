"""How often something is sent, from when it was seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.analysis.timing_bounds import Activation
from gateway.analysis.timing_seen import activation_of, jitter_at


def test_a_strict_cycle_has_no_jitter() -> None:
    assert activation_of([5, 15, 25, 35], 10, 100) == Activation(10)


def test_one_that_comes_early_has() -> None:
    assert jitter_at([0, 10, 17, 30], 10) == 3
    assert jitter_at([0, 10, 23, 30], 10) == 3
    assert activation_of([0, 10, 17, 30], 10, 100) == Activation(10, 3)


def test_what_is_sent_much_more_often_than_its_cycle_is_told_as_it_was_seen() -> None:
    assert activation_of(list(range(0, 100, 2)), 10, 100) == Activation(2)


def test_what_was_never_seen_has_its_cycle_or_nothing() -> None:
    assert activation_of([], 10, 100) == Activation(10)
    assert activation_of([], None, 100) is None


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=40).map(sorted), st.integers(1, 100))
def test_no_window_of_what_was_seen_holds_more_than_the_activation_says(times: list[int], period: int) -> None:
    """Windows that begin with a request; in them, the analysis counts ceil((window + jitter) / period)."""
    activation = Activation(period, jitter_at(times, period))
    for first in range(len(times)):
        for last in range(first, len(times)):
            window = times[last] - times[first]
            assert last - first + 1 <= activation.most(window + 1)
