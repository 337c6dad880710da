"""How often something is sent, from when it was seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.analysis.timing_bounds import Activation
from gateway.analysis.timing_curve import Curve
from gateway.analysis.timing_seen import activation_by, activation_of, is_assumed, jitter_at
from gateway.database import Message, SendType


def test_a_strict_cycle_has_no_jitter() -> None:
    assert activation_of([5, 15, 25, 35], 10, 100) == Activation(10)


def test_one_that_comes_early_has() -> None:
    assert jitter_at([0, 10, 17, 30], 10) == 3
    assert jitter_at([0, 10, 23, 30], 10) == 3
    assert activation_of([0, 10, 17, 30], 10, 100) == Activation(10, 3)


def test_what_is_sent_much_more_often_than_its_cycle_is_told_as_it_was_seen() -> None:
    assert activation_of(list(range(0, 100, 2)), 10, 100) == Activation(2)


def test_events_beside_a_cycle_are_taken_as_they_were_seen_and_the_cycle_is_no_excuse() -> None:
    """A few changes between a hundred cycles; with 10 of jitter, its cycle time would say that all is in order."""
    message = Message(name="M", arbitration_id=0x110, cycle_ns=20, send_type=SendType.CYCLIC_ON_CHANGE)
    requests = sorted([*range(0, 2000, 20), 45, 47, 1003])
    found = activation_by(message, requests, 2000)
    assert isinstance(found, Curve)
    assert found.gap_ns == 2
    assert found.most(8) == 3
    assert is_assumed(found, message)
    assert activation_by(message, [], 2000) == Activation(20)
    cyclic = Message(name="M", arbitration_id=0x110, cycle_ns=20, send_type=SendType.CYCLIC)
    assert activation_by(cyclic, list(range(0, 2000, 20)), 2000) == Activation(20)
    assert not is_assumed(Activation(20), cyclic)


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
