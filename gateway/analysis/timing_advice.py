"""Which message to move where deadlines can be missed: one move where that is enough, otherwise a whole new order.

The order is Audsley's: from the lowest priority up, each place goes to a message that keeps its deadline there with all
that is not placed yet above it. If no order keeps all deadlines, this finds none (Davis et al. 2007, section 4, for
deadlines within the period). Only the priorities of one bus are looked at; what routes inherit stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.analysis.timing_bounds import Load, Precision, response


class Candidate(NamedTuple):
    """A message that can be moved. `deadline_ns` None: it may come whenever it likes; `late_ns`: so late it can be
    handed over already."""

    name: str
    load: Load
    deadline_ns: int | None
    late_ns: int = 0


class Move(NamedTuple):
    """Give `name` a priority just above that of `before` (its identifier: a lower one)."""

    name: str
    before: str


@dataclass(frozen=True, slots=True)
class Advice:
    """`move`: the one that is enough; `order`: otherwise an order that keeps all deadlines; neither: there is none."""

    move: Move | None = None
    order: tuple[str, ...] = ()


def advise(candidates: Sequence[Candidate], precision: Precision, intermission_ns: int) -> Advice | None:
    """What helps a bus; None where no deadline is missed. `candidates`: the highest priority first."""
    late = [level for level in range(len(candidates)) if not _keeps(candidates, level, precision, intermission_ns)]
    if not late:
        return None
    for level in reversed(late):
        for higher in range(level - 1, -1, -1):
            moved = [*candidates[:higher], candidates[level], *candidates[higher:level], *candidates[level + 1 :]]
            if all(_keeps(moved, each, precision, intermission_ns) for each in range(len(moved))):
                return Advice(Move(candidates[level].name, candidates[higher].name))
    return Advice(order=_order(candidates, precision, intermission_ns))


def _order(candidates: Sequence[Candidate], precision: Precision, intermission_ns: int) -> tuple[str, ...]:
    left, placed = list(candidates), list[Candidate]()
    while left:
        # The lowest that was before keeps its place if it can: as little as possible changes.
        for candidate in reversed(left):
            above = [each for each in left if each is not candidate]
            if _keeps([*above, candidate, *placed], len(above), precision, intermission_ns):
                left.remove(candidate)
                placed.insert(0, candidate)
                break
        else:
            return ()
    return tuple(candidate.name for candidate in placed)


def _keeps(candidates: Sequence[Candidate], level: int, precision: Precision, intermission_ns: int) -> bool:
    """Whether a message keeps its deadline in this order."""
    deadline_ns = candidates[level].deadline_ns
    if deadline_ns is None or not candidates[level].load.activations:
        return True
    found = response([each.load for each in candidates], level, precision)
    return found is not None and found.waiting_ns - intermission_ns + candidates[level].late_ns <= deadline_ns
