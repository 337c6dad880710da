"""The analysis of one bus: the paper's example, a search over all phases, and what jitter does."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.analysis.timing_bounds import Activation, Load, Precision, response
from gateway.can import BRS, EXTENDED, FD, LENGTHS, Frame, frame_bits, longest_bits, shortest_bits

MS = 1_000_000
BIT_125K = 8_000


def periodic(*messages: tuple[int, int]) -> list[Load]:
    """Messages of (period, cost), the highest priority first."""
    return [Load(cost, (Activation(period),)) for period, cost in messages]


def worst(loads: list[Load], level: int, precision: Precision) -> int:
    found = response(loads, level, precision)
    assert found is not None
    return found.waiting_ns


def test_the_paper_s_counter_example() -> None:
    """A, B, C of 125 bits at 125 kbit/s, periods 2.5, 3.5 and 3.5 ms (section 3.3): 2, 3 and 3.5 ms.

    The analysis of 1994 found 3 ms for C, for it looked at the first instance only; the second takes longest.
    """
    loads = periodic((5 * MS // 2, MS), (7 * MS // 2, MS), (7 * MS // 2, MS))
    assert [worst(loads, level, Precision(BIT_125K)) for level in range(3)] == [2 * MS, 3 * MS, 7 * MS // 2]
    c = response(loads, 2, Precision(BIT_125K))
    assert c is not None
    assert c.instances == 2
    assert c.busy_ns == 7 * MS


def test_an_overloaded_level_has_no_bound_and_those_above_have() -> None:
    loads = periodic((2 * MS, MS), (3 * MS, MS), (4 * MS, MS))
    assert response(loads, 0, Precision(BIT_125K)) is not None
    assert response(loads, 1, Precision(BIT_125K)) is not None
    assert response(loads, 2, Precision(BIT_125K)) is None


def test_jitter_of_a_higher_message_costs_one_more_of_it() -> None:
    calm = periodic((10 * MS, MS), (20 * MS, MS))
    late = [Load(MS, (Activation(10 * MS, 10 * MS),)), calm[1]]
    assert worst(calm, 1, Precision(1)) == 2 * MS
    assert worst(late, 1, Precision(1)) == 3 * MS


def test_own_jitter_counts_from_when_it_was_due_and_not_while_it_waits() -> None:
    loads = [Load(MS, (Activation(10 * MS, 4 * MS),))]
    found = response(loads, 0, Precision(1))
    assert found is not None
    assert found.waiting_ns == MS
    assert found.since_due_ns == 5 * MS


# All phases


def longest_over_all_phases(messages: Sequence[tuple[int, int]]) -> list[int]:
    """The longest response of each message for any phases, on a grid of whole numbers."""
    longest = [0] * len(messages)
    horizon = 2 * max(period for period, _ in messages) * len(messages) * 4
    for phases in itertools.product(*(range(period) for period, _ in messages)):
        for level, taken in enumerate(responses(messages, phases, horizon)):
            longest[level] = max(longest[level], taken)
    return longest


def responses(messages: Sequence[tuple[int, int]], phases: Sequence[int], horizon: int) -> list[int]:
    """Non-preemptive, the lowest index first; what is requested in the instant of a start competes."""
    due = list(phases)
    longest = [0] * len(messages)
    now = 0
    while now < horizon:
        ready = [level for level, time in enumerate(due) if time <= now]
        if not ready:
            now = min(due)
            continue
        level = ready[0]
        period, cost = messages[level]
        now += cost
        longest[level] = max(longest[level], now - due[level])
        due[level] += period
    return longest


def random_messages(chance: random.Random) -> list[tuple[int, int]]:
    """Three messages that the bus can carry, on a coarse grid."""
    while True:
        messages = [(chance.randrange(3, 13), chance.randrange(1, 4)) for _ in range(3)]
        if sum(cost / period for period, cost in messages) < 1:
            return messages


@pytest.mark.parametrize("seed", range(100))
def test_it_is_what_a_search_over_all_phases_finds(seed: int) -> None:
    """On the grid a blocking frame begins one step before, and a request in the step of a start goes first."""
    messages = random_messages(random.Random(seed))
    loads = periodic(*messages)
    bounds = [worst(loads, level, Precision(1, head_start_ns=1)) for level in range(len(messages))]
    assert longest_over_all_phases(messages) == bounds, messages


# Lengths of frames


@given(
    st.one_of(
        st.tuples(st.integers(0, 0x7FF), st.binary(max_size=8)),
        st.tuples(st.integers(0, 0x1FFFFFFF).map(lambda number: number | EXTENDED), st.binary(max_size=8)),
        st.tuples(
            st.integers(0, 0x7FF).flatmap(lambda number: st.sampled_from([number | FD, number | FD | BRS])),
            st.sampled_from(LENGTHS).flatmap(lambda length: st.binary(min_size=length, max_size=length)),
        ),
    )
)
def test_no_frame_is_longer_or_shorter_than_its_bounds(message: tuple[int, bytes]) -> None:
    header, data = message
    bits = frame_bits(Frame(header, data))
    longest, shortest = longest_bits(header, len(data)), shortest_bits(header, len(data))
    assert shortest.nominal <= bits.nominal <= longest.nominal
    assert shortest.data <= bits.data <= longest.data


@pytest.mark.parametrize("length", [0, 1, 2, 8])
def test_the_classic_bound_is_at_most_the_paper_s(length: int) -> None:
    """Davis et al. 2007, equation 1: g + 8 s + 13 + (g + 8 s - 1) / 4 bits, intermission included; 135 for 8 bytes."""
    for number in (0x000, 0x123, 0x555, 0x7FF):
        ours = longest_bits(number, length).nominal + 3
        assert ours <= 34 + 8 * length + 13 + (34 + 8 * length - 1) // 4
    assert 34 + 64 + 13 + 97 // 4 == 135


def test_the_fd_bound_is_reached() -> None:
    """Every payload of one byte, looked at."""
    for header in (0x123 | FD, 0x000 | FD | BRS, 0x7FF | FD):
        most = longest_bits(header, 1)
        found = [frame_bits(Frame(header, bytes([value]))) for value in range(256)]
        assert max(bits.nominal + bits.data for bits in found) == most.nominal + most.data
