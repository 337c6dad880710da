"""Worst-case response times in a whole network: bus by bus, and along the routes between them.

What a route forwards is as irregular as its source arrives: its jitter is the source's, plus how much the source's
response can vary. Responses depend on jitter and jitter on responses, so both are computed in turn until nothing
changes (holistic analysis: Tindell, Clark 1994, with the revised analysis of each bus).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.analysis.timing_advice import Advice, Candidate, advise
from gateway.analysis.timing_bounds import Activation, Arrivals, Load, Precision, Response, response
from gateway.analysis.timing_curve import Curve
from gateway.analysis.timing_model import Network, Path, Sent, Trigger
from gateway.analysis.timing_seen import Place, Sightings
from gateway.can import priority
from gateway.sim import NS_PER_S

_ROUNDS: Final = 200
_JITTER_MAX_NS: Final = 10 * NS_PER_S


@dataclass(frozen=True, slots=True)
class MessageTiming:
    """One message on one bus; times in nanoseconds, from request to end of frame. None: without bound, or not known.

    `due_ns`: from when it was due; of what a route brings, that is with how late its source can be. This is what must
    not exceed the deadline. `gap_ns`: the shortest time between two, of what keeps to no period. `assumed`: how often it
    is sent was seen, and is not known otherwise; `rests`: so it is with it, or with what is above it or brings it.
    """

    bus: str
    name: str
    header: int
    sender: str
    length: int
    period_ns: int
    jitter_ns: int
    gap_ns: int | None
    longest_ns: int
    worst_ns: int | None
    due_ns: int | None
    deadline_ns: int | None
    seen_ns: int | None
    seen_count: int
    assumed: bool
    rests: bool

    @property
    def missed(self) -> bool:
        """Its deadline can be missed."""
        return self.deadline_ns is not None and (self.due_ns is None or self.due_ns > self.deadline_ns)


@dataclass(frozen=True, slots=True)
class BusTiming:
    """One bus: the highest priority first. `load`: at its worst, with the longest frames; `busy_ns`: the longest time
    without a gap."""

    name: str
    bitrate: int
    load: float
    busy_ns: int | None
    messages: tuple[MessageTiming, ...]


@dataclass(frozen=True, slots=True)
class PathTiming:
    """A route from the source's request to the end of its frame on the target bus."""

    rule: str
    title: str
    place: str
    latency_ns: int
    worst_ns: int | None
    seen_ns: int | None


@dataclass(frozen=True, slots=True)
class Timing:
    """The analysis of a network beside what was seen of it."""

    buses: tuple[BusTiming, ...]
    paths: tuple[PathTiming, ...]
    unseen: tuple[str, ...]
    seen_s: float
    advice: dict[str, Advice]
    """By bus, where deadlines can be missed."""
    problem: str | None = None
    """Where the recording is damaged."""

    @property
    def missed(self) -> list[MessageTiming]:
        return [message for bus in self.buses for message in bus.messages if message.missed]


def analyse(network: Network, seen: Sightings) -> Timing:
    """The bounds of all messages of a network."""
    solved = _Solver(network)
    advice = {bus: advise(_candidates(bus, solved), *_fineness(network, bus)) for bus in network.rates}
    return Timing(
        tuple(_bus(network, name, solved, seen) for name in network.rates),
        tuple(_path(network, path, solved, seen) for path in network.paths),
        tuple(network.unseen),
        seen.span_ns / NS_PER_S,
        {bus: found for bus, found in advice.items() if found is not None},
    )


def _candidates(bus: str, solved: _Solver) -> list[Candidate]:
    return [
        Candidate(sent.name, solved.load(bus, sent), sent.deadline_ns, solved.late_ns[sent.place])
        for sent in solved.ranked[bus]
    ]


def _fineness(network: Network, bus: str) -> tuple[Precision, int]:
    return precision_of(network, bus), network.intermission_ns(bus)


def ranked(network: Network, bus: str) -> list[Sent]:
    """The messages of a bus, the highest priority first."""
    return sorted(network.of_bus(bus), key=lambda sent: priority(sent.header))


def precision_of(network: Network, bus: str) -> Precision:
    return Precision(network.rates[bus].duration_ns(1))


class _Solver:
    """Responses and jitters that agree with each other."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.ranked = {bus: ranked(network, bus) for bus in network.rates}
        self.responses: dict[Place, Response | None] = {}
        self.activations: dict[Place, tuple[Arrivals, ...]] = {}
        self.late_ns: dict[Place, int] = {}
        """How much the response of its sources varies, of what routes bring."""
        self.rests: set[Place] = set()
        """Whose bounds hold for what was seen only: by how often they, those above, or their sources are sent."""
        self._rest()
        self._round()
        for _ in range(_ROUNDS):
            before = dict(self.activations)
            self._round()
            if self.activations == before:
                return
        # It does not settle: what hangs on a route has no bound.
        for sent in network.sent.values():
            if sent.triggers:
                self.responses[sent.place] = None

    def _round(self) -> None:
        for sent in self.network.sent.values():
            self.activations[sent.place] = self._activations(sent)
        for bus, messages in self.ranked.items():
            loads = [self.load(bus, sent) for sent in messages]
            precision = precision_of(self.network, bus)
            for level, sent in enumerate(messages):
                self.responses[sent.place] = response(loads, level, precision) if loads[level].activations else None

    def _rest(self) -> None:
        """Down the priorities and along the routes, until nothing is added."""
        known = -1
        while known != len(self.rests):
            known = len(self.rests)
            for messages in self.ranked.values():
                below = False
                for sent in messages:
                    brought = any(trigger.seen or trigger.source in self.rests for trigger in sent.triggers)
                    below = below or sent.assumed or brought
                    if below:
                        self.rests.add(sent.place)

    def load(self, bus: str, sent: Sent) -> Load:
        cost_ns = sent.longest_ns + self.network.intermission_ns(bus)
        return Load(cost_ns, self.activations.get(sent.place, ()))

    def _activations(self, sent: Sent) -> tuple[Arrivals, ...]:
        own = () if sent.activation is None else (sent.activation,)
        self.late_ns[sent.place] = max((self._varies_ns(trigger.source) for trigger in sent.triggers), default=0)
        inherited = [each for trigger in sent.triggers for each in self._inherited(trigger)]
        return (*own, *inherited)

    def _inherited(self, trigger: Trigger) -> list[Arrivals]:
        source, every_ns = trigger.source, trigger.every_ns
        origin = self.network.sent.get(source)
        if origin is None:
            return [] if trigger.seen is None else [trigger.seen]
        varies_ns = self._varies_ns(source)
        inherited: list[Arrivals] = []
        for activation in self.activations.get(source, () if origin.activation is None else (origin.activation,)):
            if every_ns > activation.period_ns:
                inherited.append(Activation(every_ns))
            else:
                inherited.append(activation.later(min(varies_ns, _JITTER_MAX_NS - activation.jitter_ns)))
        return inherited

    def _varies_ns(self, place: Place) -> int:
        """Between the shortest and the longest response of a message."""
        worst_ns, sent = self.worst_ns(place), self.network.sent.get(place)
        return 0 if worst_ns is None or sent is None else worst_ns - sent.shortest_ns

    def worst_ns(self, place: Place) -> int | None:
        """From request to end of frame."""
        found = self.responses.get(place)
        return None if found is None else found.waiting_ns - self.network.intermission_ns(place[0])


def _bus(network: Network, name: str, solved: _Solver, seen: Sightings) -> BusTiming:
    messages = solved.ranked[name]
    loads = [solved.load(name, sent) for sent in messages]
    busy = [found.busy_ns for sent in messages if (found := solved.responses[sent.place]) is not None]
    bounded = bool(busy) and all(solved.responses[sent.place] is not None for sent in messages)
    return BusTiming(
        name,
        network.rates[name].nominal,
        sum(load.share for load in loads),
        max(busy) if bounded else None,
        tuple(_message(sent, solved, seen) for sent in messages),
    )


def _message(sent: Sent, solved: _Solver, seen: Sightings) -> MessageTiming:
    worst_ns = solved.worst_ns(sent.place)
    activations = solved.activations[sent.place]
    often: Arrivals = min(activations, key=lambda each: each.period_ns, default=Activation(0))
    sighted = seen.messages.get(sent.place)
    return MessageTiming(
        bus=sent.place[0],
        name=sent.name,
        header=sent.header,
        sender=sent.sender,
        length=sent.length,
        period_ns=often.period_ns,
        jitter_ns=often.jitter_ns,
        gap_ns=often.gap_ns if isinstance(often, Curve) else None,
        longest_ns=sent.longest_ns,
        worst_ns=worst_ns,
        due_ns=None if worst_ns is None else worst_ns + solved.late_ns[sent.place],
        deadline_ns=sent.deadline_ns,
        seen_ns=None if sighted is None or not sighted.longest_ns else sighted.longest_ns,
        seen_count=0 if sighted is None else len(sighted.requests_ns),
        assumed=sent.assumed,
        rests=sent.place in solved.rests,
    )


def _path(network: Network, path: Path, solved: _Solver, seen: Sightings) -> PathTiming:
    source_ns = solved.worst_ns(path.source) if path.source[0] in network.rates else None
    target_ns = solved.worst_ns(path.target)
    worst_ns = None
    if source_ns is not None and target_ns is not None:
        worst_ns = source_ns + path.latency_ns + path.hold_ns + target_ns
    return PathTiming(path.rule, path.title, path.place, path.latency_ns, worst_ns, seen.paths.get(path.rule))
