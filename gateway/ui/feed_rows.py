"""One look at a vehicle: what a viewer wants to see, and the rows that it gets.

Rows are small tuples, because thirty times a second some hundred of them are made; what does not change is in
`feed_about`, and rows name it by number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from gateway.routing import Value
from gateway.ui.feed_about import MessageAbout, PathAbout

Counted = tuple[tuple[str, int], ...]
"""Counts by reason."""


class Part(Enum):
    """What a snapshot can have."""

    BUSES = "buses"
    MESSAGES = "messages"
    ROUTES = "routes"
    SIGNALS = "signals"
    ECUS = "ecus"
    NODES = "nodes"
    SERVICES = "services"
    JOURNEYS = "journeys"
    EVENTS = "events"


class Rows(Enum):
    """Which rows a snapshot has."""

    ALL = "all"
    CHANGED = "changed"
    """Only those that are another than in the viewer's last snapshot with the same part."""


@dataclass(frozen=True, slots=True)
class Visible:
    """What a viewer has on its screen. Nothing else is computed for it.

    `messages`, `paths`: numbers of rows, None for all. `decoded`: messages whose signals are decoded. `frames_of`:
    journeys only of frames of these messages (source or target), None for all; `routes_of`: only through these routes.
    `story`: the frame (by `FrameRow.number`) whose way is told in full.
    """

    parts: frozenset[Part] = frozenset({Part.BUSES, Part.MESSAGES})
    rows: Rows = Rows.ALL
    messages: frozenset[int] | None = None
    decoded: frozenset[int] = frozenset()
    paths: frozenset[int] | None = None
    frames_of: frozenset[int] | None = None
    routes_of: frozenset[int] | None = None
    story: int | None = None


class BusRow(NamedTuple):
    """A bus now. `load` (0 to 1) and `rate` (frames/s) are of the last second; `frames` and `errors` count from the
    start."""

    name: str
    frames: int
    rate: float
    load: float
    errors: int
    error_rate: float
    waiting: int
    state: str
    """`ok`, `silent` (nothing for a second), `errors` (some in the last second), `down` (its link is)."""
    events: Counted


class SignalValue(NamedTuple):
    """A decoded value; both None when the payload does not have the signal."""

    value: int | float | None
    label: str | None


class MessageRow(NamedTuple):
    """A message now. `period_ns`, `jitter_ns`: mean gap and mean deviation from it lately; 0 while not known.

    `changed`: which bits of `data` are others than in the viewer's last snapshot. `values`: one for each signal, in
    the order of `MessageAbout.signals`; None unless it is decoded for this viewer.
    """

    number: int
    frames: int
    time_ns: int
    period_ns: int
    jitter_ns: int
    data: bytes
    changed: bytes
    stale: bool
    sender: str
    values: tuple[SignalValue, ...] | None


class RouteRow(NamedTuple):
    """A route now: received = forwarded + the sums of filtered and dropped."""

    number: int
    received: int
    forwarded: int
    filtered: Counted
    dropped: Counted
    last_ns: int | None
    last_decision: str
    """`forwarded`, `filtered: rate limit`, `dropped: queue full`; empty before the first."""


class PathRow(NamedTuple):
    """A VSS signal now. `age_ns` None when it never came; `target`: what an actuator was asked for."""

    number: int
    value: Value | None
    quality: str
    age_ns: int | None
    target: Value | None


class Place(NamedTuple):
    """A controller on a bus: its error state and counters, and frames that wait in it."""

    bus: str
    state: str
    tec: int
    rec: int
    queued: int


class EcuRow(NamedTuple):
    """A part of the vehicle now. `state`: `running`, `off`, `recorded` (in what is replayed), `failed`,
    `error-passive`, `bus-off` (on any bus)."""

    name: str
    state: str
    sent: int
    places: tuple[Place, ...]
    failure: str
    """Where its behaviour raised what; empty when it did not."""


class UnitRow(NamedTuple):
    name: str
    active: str
    sub: str


class NodeRow(NamedTuple):
    """A node of the orchestrator, with its units."""

    name: str
    online: bool
    units: tuple[UnitRow, ...]


class ServiceRow(NamedTuple):
    """A SOME/IP service of this vehicle. `role`: `offered` or `consumed`; `where`: its host, or why it is not there.

    `state`: `offered`, `subscribed` (somebody is), `found`, `missing`. `subscribers`: who, with the eventgroup; of a
    consumed service how its own subscriptions stand. `lately`: what has happened with it, the latest last.
    """

    name: str
    instance: str
    role: str
    state: str
    where: str
    subscribers: tuple[str, ...]
    events: Counted
    answers: Counted
    faults: Counted
    lately: tuple[str, ...]


class Hop(NamedTuple):
    """What one route made of a frame. `sent_ns` None while it has not gone out."""

    route: int
    decision: str
    reason: str
    sent_ns: int | None


class FrameRow(NamedTuple):
    """A recent frame that the gateway decided about. `number` names it in `Visible.story`."""

    number: int
    time_ns: int
    message: int
    data: bytes
    hops: tuple[Hop, ...]


class Passing(NamedTuple):
    """A frame on a bus: who handed it over when, since when it was on the wire, when it ended, who receives it."""

    bus: str
    message: int
    sender: str
    requested_ns: int
    start_ns: int
    end_ns: int
    receivers: tuple[str, ...]


class StoryHop(NamedTuple):
    """A route's part of a story; `out` is the frame that it led to."""

    route: int
    decision: str
    reason: str
    latency_ns: int
    out: Passing | None


class Story(NamedTuple):
    """The way of one frame: on its bus, through each route, on the other buses."""

    number: int
    first: Passing
    data: bytes
    hops: tuple[StoryHop, ...]


class EventRow(NamedTuple):
    """Something on a bus that is not a good frame."""

    time_ns: int
    bus: str
    kind: str
    part: str
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A vehicle at one moment, in so far as a viewer wants to see it; parts that it does not see are empty.

    `new_messages`, `new_paths`: what has got a number since the viewer's last snapshot (in the first: all).
    """

    time_ns: int
    frames: int
    """On all buses, since the start."""
    lost: int = 0
    """Frames of more identifiers than the feed has room for."""
    new_messages: tuple[MessageAbout, ...] = ()
    new_paths: tuple[PathAbout, ...] = ()
    buses: tuple[BusRow, ...] = ()
    messages: tuple[MessageRow, ...] = ()
    routes: tuple[RouteRow, ...] = ()
    paths: tuple[PathRow, ...] = ()
    ecus: tuple[EcuRow, ...] = ()
    nodes: tuple[NodeRow, ...] = ()
    services: tuple[ServiceRow, ...] = ()
    events: tuple[EventRow, ...] = ()
