"""When a value goes out: on change, beyond an epsilon, cyclically, not more often than the smallest interval."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing import Datapoint, Quality, Value
from gateway.services.policy import EventPolicy, Pacer, Send, near

MS = 1_000_000


def run(policy: EventPolicy, values: list[tuple[int, Value]], until_ms: int) -> list[tuple[int, Value | None]]:
    """What goes out, and when in milliseconds, of values that come at these times."""
    pacer = Pacer(policy)
    point = Datapoint(None, 0, Quality.ABSENT)
    out: list[tuple[int, Value | None]] = []
    coming = dict(values)
    for now_ms in range(until_ms + 1):
        now = now_ms * MS
        if now_ms in coming:
            point = Datapoint(coming[now_ms], now, Quality.GOOD)
            if pacer.changed(point, now):
                out.append((now_ms, point.value))
        if pacer.deadline is not None and now >= pacer.deadline and pacer.wake(point, now):
            out.append((now_ms, point.value))
    return out


def test_on_change_the_same_value_goes_out_once() -> None:
    assert run(EventPolicy(), [(0, 1), (5, 1), (9, 2), (10, 1)], 20) == [(0, 1), (9, 2), (10, 1)]


def test_a_change_within_epsilon_of_what_went_out_is_none() -> None:
    drift = [(at, 10 + at * 0.1) for at in range(20)]
    assert [value for _, value in run(EventPolicy(epsilon=0.45), drift, 20)] == pytest.approx([10, 10.5, 11, 11.5])


def test_each_value_goes_out_where_that_is_wished() -> None:
    assert run(EventPolicy(Send.EACH), [(0, 1), (5, 1)], 9) == [(0, 1), (5, 1)]


def test_unchanged_values_are_told_again_after_each_cycle() -> None:
    assert run(EventPolicy(cycle_ns=10 * MS), [(0, 1), (7, 2)], 30) == [(0, 1), (7, 2), (17, 2), (27, 2)]


def test_cyclic_values_go_out_with_the_cycle_and_no_change_before() -> None:
    assert run(EventPolicy(Send.CYCLIC, cycle_ns=10 * MS), [(0, 1), (3, 2), (8, 3)], 20) == [(0, 1), (10, 3), (20, 3)]


def test_within_the_smallest_interval_only_the_last_value_goes_out_at_its_end() -> None:
    values: list[tuple[int, Value]] = [(0, 1), (1, 2), (2, 3), (15, 4)]
    assert run(EventPolicy(interval_ns=10 * MS), values, 30) == [(0, 1), (10, 3), (20, 4)]


def test_a_value_that_comes_back_within_the_interval_has_not_changed() -> None:
    assert run(EventPolicy(interval_ns=10 * MS), [(0, 1), (1, 2), (2, 1)], 30) == [(0, 1)]


def test_a_signal_that_becomes_stale_is_told_at_once_and_not_again() -> None:
    pacer = Pacer(EventPolicy(cycle_ns=10 * MS, interval_ns=100 * MS))
    assert pacer.changed(Datapoint(1, 0, Quality.GOOD), 0)
    assert pacer.changed(Datapoint(1, 0, Quality.STALE), 1 * MS)
    assert pacer.deadline is None


def test_a_new_receiver_gets_what_the_old_one_had() -> None:
    pacer = Pacer(EventPolicy())
    assert pacer.changed(Datapoint(1, 0, Quality.GOOD), 0)
    assert not pacer.changed(Datapoint(1, 0, Quality.GOOD), 1)
    pacer.again()
    assert pacer.changed(Datapoint(1, 0, Quality.GOOD), 2)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3)), max_size=60, unique_by=lambda one: one[0]),
    st.sampled_from((1, 7, 30)),
)
def test_the_interval_is_kept_and_the_last_value_is_never_lost(
    values: list[tuple[int, Value]], interval_ms: int
) -> None:
    values = sorted(values, key=lambda one: one[0])
    out = run(EventPolicy(interval_ns=interval_ms * MS), values, 400)
    times = [at for at, _ in out]
    assert all(after - before >= interval_ms for before, after in itertools.pairwise(times))
    assert not values or out[-1][1] == values[-1][1]


@pytest.mark.parametrize(
    ("value", "old", "same"),
    [
        (1.0, 1.4, True),
        (1.0, 1.6, False),
        (True, False, False),
        ("P", "R", False),
        ([1.0, 2.0], [1.4, 2.0], True),
        ([1.0, 2.0], [1.6, 2.0], False),
        ([1.0], [1.0, 2.0], False),
        (math.nan, 1.0, False),
    ],
)
def test_what_epsilon_takes_for_the_same(value: object, old: object, same: bool) -> None:
    assert near(value, old, 0.5) is same
