"""What a run or a recording showed of response times: how often something was sent, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.analysis.timing_bounds import Activation
from gateway.can import KEY_MASK, Frame

_FEW: Final = 3
_LATE: Final = 5
"""Periods of jitter beyond which the cycle time says nothing about how often a message is sent."""

Place = tuple[str, int]
"""A bus, and an identifier on it as frames carry it, without CAN FD flags."""


class Carried(NamedTuple):
    """A frame that was through at `end_ns`; `sources`: name of the route and time of reception, of a gateway's frame."""

    end_ns: int
    bus: str
    frame: Frame
    sender: str
    requested_ns: int
    sources: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Seen:
    """All frames of one identifier on one bus."""

    header: int
    length: int = 0
    senders: set[str] = field(default_factory=set)
    requests_ns: list[int] = field(default_factory=list)
    longest_ns: int = 0
    """From request to end of frame."""

    @property
    def sender(self) -> str:
        return " and ".join(sorted(self.senders))


@dataclass(slots=True)
class Sightings:
    """What was seen, by place; `paths`: by route, the longest from the source's request to the target's end."""

    span_ns: int
    messages: dict[Place, Seen] = field(default_factory=dict)
    paths: dict[str, int] = field(default_factory=dict)


def sightings(frames: Iterable[Carried], source_bus: dict[str, str], span_ns: int) -> Sightings:
    """Gather what was seen. `source_bus`: of each route, the bus that it takes from."""
    found = Sightings(span_ns)
    requested: dict[tuple[str, int], int] = {}
    carried: set[tuple[str, int]] = set()
    for end_ns, bus, frame, sender, requested_ns, sources in frames:
        requested[bus, end_ns] = requested_ns
        place = (bus, frame.header & KEY_MASK)
        seen = found.messages.setdefault(place, Seen(frame.header))
        seen.length = max(seen.length, len(frame.data))
        seen.senders.add(sender)
        seen.requests_ns.append(requested_ns)
        seen.longest_ns = max(seen.longest_ns, end_ns - requested_ns)
        for source in sources:
            rule, received_ns = source
            asked_ns = requested.get((source_bus.get(rule, ""), received_ns))
            if source not in carried and asked_ns is not None:
                carried.add(source)
                found.paths[rule] = max(found.paths.get(rule, 0), end_ns - asked_ns)
    return found


def activation_of(requests_ns: Sequence[int], cycle_ns: int | None, span_ns: int) -> Activation | None:
    """How often it is sent: by its cycle time, with the jitter that was seen; or as it was seen alone.

    None for what has no cycle time and was never seen.
    """
    count = len(requests_ns)
    if count < _FEW:
        if cycle_ns:
            return Activation(cycle_ns)
        return Activation(max(span_ns, 1)) if count == 1 else Activation(max(span_ns, 1), span_ns) if count else None
    requests = sorted(requests_ns)
    if cycle_ns:
        jitter_ns = jitter_at(requests, cycle_ns)
        if jitter_ns <= _LATE * cycle_ns:
            return Activation(cycle_ns, jitter_ns)
    mean_ns = max(1, (requests[-1] - requests[0]) // (count - 1))
    return Activation(mean_ns, jitter_at(requests, mean_ns))


def jitter_at(requests_ns: Sequence[int], period_ns: int) -> int:
    """The least jitter with which requests so far apart can be those of this period."""
    jitter_ns, earliest = 0, 0
    for number, request_ns in enumerate(requests_ns):
        ahead = number * period_ns - (request_ns - requests_ns[0])
        earliest = min(earliest, ahead)
        jitter_ns = max(jitter_ns, ahead - earliest)
    return jitter_ns
