"""How figures are taken: several rounds, ours and theirs in turn, the median of the rounds."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Figure(NamedTuple):
    """One figure. `against`: what it is a ratio to, or the machine state that it depends on."""

    name: str
    value: float
    unit: str
    against: str


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes, in processor time of this process: other programs on the machine count little."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    start = time.process_time()
    action()
    taken = time.process_time() - start
    if enabled:
        gc.enable()
    return taken


def in_turn(rounds: int, *actions: Callable[[], object]) -> list[float]:
    """The median time of each action, all of them taken in turn so that the machine's moods hit all alike."""
    times: list[list[float]] = [[] for _ in actions]
    for action in actions:
        action()
    for _ in range(rounds):
        for index, action in enumerate(actions):
            times[index].append(seconds(action))
    return [statistics.median(taken) for taken in times]
