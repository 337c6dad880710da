"""Worst-case response times on one CAN bus, by analysis.

Davis, Burns, Bril, Lukkien, "Controller Area Network (CAN) schedulability analysis: Refuted, revisited and revised",
Real-Time Systems 35 (2007) 239-272, section 3: a lower message that has just begun blocks; then all higher ones and its
own earlier instances go first, and every instance within the busy period of the level is looked at, for the first need
not be the worst. Times are whole nanoseconds; a transmission (`cost_ns`) holds the intermission behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.analysis.timing_curve import Curve
from gateway.sim import NS_PER_S

_LONGEST_NS: Final = 100 * NS_PER_S
"""A busy period that is longer has no end that anybody could wait for."""


class Activation(NamedTuple):
    """How often something is sent: every `period_ns` at most, each up to `jitter_ns` later than that."""

    period_ns: int
    jitter_ns: int = 0

    def most(self, window_ns: int) -> int:
        """How often at most in a window that begins with the latest of the late ones."""
        return -(-(window_ns + self.jitter_ns) // self.period_ns)

    def due_ns(self, number: int) -> int:
        """When the `number`-th after the first is due, the first coming as late as it can."""
        return number * self.period_ns - self.jitter_ns

    def later(self, jitter_ns: int) -> Activation:
        """The same, each up to `jitter_ns` later than that."""
        return self._replace(jitter_ns=self.jitter_ns + jitter_ns)


Arrivals = Activation | Curve
"""How often something is sent: with a period, or as it was seen."""


class Load(NamedTuple):
    """One message for the analysis. `activations`: one, or several where more than one thing makes it go out."""

    cost_ns: int
    activations: tuple[Arrivals, ...]

    def demand_ns(self, window_ns: int) -> int:
        return self.cost_ns * sum(activation.most(window_ns) for activation in self.activations)

    @property
    def share(self) -> float:
        """Of the bus's time."""
        return sum(self.cost_ns / activation.period_ns for activation in self.activations)


@dataclass(frozen=True, slots=True)
class Precision:
    """How finely starts are told apart.

    `resolution_ns`: what is requested up to so long after the bus could start still goes first (the paper's bit time);
    `head_start_ns`: so much before the others a blocking frame must have begun (the paper: as little as you like).
    """

    resolution_ns: int
    head_start_ns: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """`waiting_ns`: from the request to the end of the transmission. `since_due_ns`: from when it was due, that is with
    its jitter (the paper's R). Both hold the intermission behind the frame."""

    waiting_ns: int
    since_due_ns: int
    busy_ns: int
    """The busy period of its level."""
    instances: int


def response(loads: Sequence[Load], level: int, precision: Precision) -> Response | None:
    """The worst response of `loads[level]`, the highest priority first. None: it can wait for ever."""
    own, higher = loads[level], loads[:level]
    if sum(load.share for load in loads[: level + 1]) >= 1:
        return None
    longest = max((load.cost_ns for load in loads[level + 1 :]), default=0)
    blocked = max(0, longest - precision.head_start_ns)
    busy_ns = _busy_ns(loads[: level + 1], own, blocked)
    if busy_ns is None:
        return None
    waiting = since_due = instances = 0
    for activation in own.activations:
        others = _other_activations(own, activation)
        found = _of_activation((own.cost_ns, activation), [*higher, *others], blocked, busy_ns, precision)
        if found is None:
            return None
        waiting, since_due = max(waiting, found[0]), max(since_due, found[1])
        instances += activation.most(busy_ns)
    return Response(waiting, since_due, busy_ns, instances)


def _other_activations(own: Load, activation: Arrivals) -> list[Load]:
    """What else makes the same message go out; the queue may have it before."""
    position = own.activations.index(activation)
    others = own.activations[:position] + own.activations[position + 1 :]
    return [Load(own.cost_ns, others)] if others else []


def _busy_ns(loads: Sequence[Load], own: Load, blocked: int) -> int | None:
    length = own.cost_ns
    while length <= _LONGEST_NS:
        longer = blocked + sum(load.demand_ns(length) for load in loads)
        if longer == length:
            return length
        length = longer
    return None


def _of_activation(
    own: tuple[int, Arrivals], higher: Sequence[Load], blocked: int, busy_ns: int, precision: Precision
) -> tuple[int, int] | None:
    cost, activation = own
    waiting = since_due = 0
    wait = blocked
    for number in range(activation.most(busy_ns)):
        wait = max(wait, blocked + number * cost)
        while True:
            longer = blocked + number * cost
            longer += sum(load.demand_ns(wait + precision.resolution_ns) for load in higher)
            if longer <= wait:
                break
            wait = longer
            if wait > _LONGEST_NS:
                return None
        # The first may be late by its whole jitter; those behind it come as early as they can.
        due = activation.due_ns(number)
        since_due = max(since_due, wait + cost - due)
        waiting = max(waiting, wait + cost - max(0, due))
    return waiting, since_due
