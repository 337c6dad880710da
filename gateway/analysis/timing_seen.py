"""What a run or a recording showed of response times: how often something was sent, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.analysis.timing_bounds import Activation, Arrivals
from gateway.analysis.timing_curve import Curve, curve_of
from gateway.can import KEY_MASK, Frame
from gateway.database import Message, SendType

_FEW: Final = 3
_LATE: Final = 1
"""Periods of jitter beyond which a period says nothing about how often a message is sent."""
_ON_EVENTS: Final = frozenset(
    {SendType.ON_CHANGE, SendType.CYCLIC_ON_CHANGE, SendType.ON_WRITE, SendType.IF_ACTIVE, SendType.CYCLIC_IF_ACTIVE}
)

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


def activation_of(requests_ns: Sequence[int], cycle_ns: int | None, span_ns: int) -> Arrivals | None:
    """How often it is sent: by its cycle time, with the jitter that was seen; or as it was seen alone.

    What keeps to no period comes as closely as it was seen to. None for what has no cycle time and was never seen.
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
    jitter_ns = jitter_at(requests, mean_ns)
    return Activation(mean_ns, jitter_ns) if jitter_ns <= _LATE * mean_ns else curve_of(requests, span_ns)


def activation_by(message: Message | None, requests_ns: Sequence[int], span_ns: int) -> Arrivals | None:
    """How often a message is sent. Of one that events send as well, its cycle time does not say it."""
    cycle_ns = None if message is None or (on_events(message) and len(requests_ns) >= _FEW) else message.cycle_ns
    return activation_of(requests_ns, cycle_ns, span_ns)


def on_events(message: Message) -> bool:
    """Whether what happens in the vehicle makes its sender send it, besides its cycle or without one."""
    return message.send_type in _ON_EVENTS


def is_assumed(activation: Arrivals | None, message: Message | None) -> bool:
    """Whether only what was seen tells how often it is sent."""
    cycle_ns = None if message is None else message.cycle_ns
    return activation is not None and (
        isinstance(activation, Curve)
        or activation.period_ns != cycle_ns
        or (message is not None and on_events(message))
    )


def jitter_at(requests_ns: Sequence[int], period_ns: int) -> int:
    """The least jitter with which requests so far apart can be those of this period."""
    jitter_ns, earliest = 0, 0
    for number, request_ns in enumerate(requests_ns):
        ahead = number * period_ns - (request_ns - requests_ns[0])
        earliest = min(earliest, ahead)
        jitter_ns = max(jitter_ns, ahead - earliest)
    return jitter_ns
