"""Which message to move."""

from __future__ import annotations

import itertools
import random

from gateway.analysis.timing_advice import Candidate, advise
from gateway.analysis.timing_bounds import Activation, Load, Precision, response

PRECISION = Precision(1)


def candidate(name: str, period: int, cost: int, deadline: int | None = None) -> Candidate:
    return Candidate(name, Load(cost, (Activation(period),)), period if deadline is None else deadline)


def keeps_all(candidates: list[Candidate]) -> bool:
    loads = [each.load for each in candidates]
    for level, each in enumerate(candidates):
        found = response(loads, level, PRECISION)
        if found is None or (each.deadline_ns is not None and found.waiting_ns > each.deadline_ns):
            return False
    return True


def test_where_all_deadlines_are_kept_there_is_nothing_to_say() -> None:
    assert advise([candidate("a", 100, 10), candidate("b", 100, 10)], PRECISION, 0) is None


def test_one_move_is_enough() -> None:
    messages = [candidate("slow", 100, 10), candidate("slower", 200, 10), candidate("urgent", 50, 10, 25)]
    advice = advise(messages, PRECISION, 0)
    assert advice is not None
    assert advice.move is not None
    assert (advice.move.name, advice.move.before) == ("urgent", "slow")


def test_no_order_helps_a_bus_that_is_full() -> None:
    advice = advise([candidate("a", 10, 9), candidate("b", 10, 9)], PRECISION, 0)
    assert advice is not None
    assert advice.move is None
    assert advice.order == ()


def test_an_order_is_found_whenever_there_is_one() -> None:
    """Against all permutations, for 60 random sets that miss a deadline as they are."""
    chance = random.Random(7)
    judged = 0
    while judged < 60:
        messages = [
            candidate(str(number), chance.randrange(20, 80), chance.randrange(3, 9), chance.randrange(15, 50))
            for number in range(4)
        ]
        advice = advise(messages, PRECISION, 0)
        if advice is None:
            continue
        judged += 1
        possible = any(keeps_all(list(order)) for order in itertools.permutations(messages))
        by_name = {each.name: each for each in messages}
        if advice.move is not None:
            left = [each for each in messages if each.name != advice.move.name]
            position = [each.name for each in left].index(advice.move.before)
            left.insert(position, by_name[advice.move.name])
            assert keeps_all(left)
        elif advice.order:
            assert keeps_all([by_name[name] for name in advice.order])
        else:
            assert not possible
