"""The page's side of its vehicle: what has come from there, as viewers look at it. Knows no socket and no clock.

`request` says what to ask for, `take` gets each message that comes; all browsers look at this one sight, and the vehicle
does not know how many there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, Final, NamedTuple

from gateway.ui.desk import FaultRow, PlaybackRow
from gateway.ui.feed_about import PathAbout, VehicleAbout
from gateway.ui.feed_ledger import Entry, Ledger, Noted
from gateway.ui.feed_rows import (
    BusRow,
    EcuRow,
    EventRow,
    FrameRow,
    NodeRow,
    Part,
    PathRow,
    RouteRow,
    ServiceRow,
    Story,
    Visible,
)
from gateway.ui.feed_subscription import Subscription
from gateway.ui.feed_wire import built
from gateway.ui.page_stories import Storyteller
from gateway.ui.page_wire import (
    Journeys,
    Messages,
    Request,
    command_line,
    message_of,
    place_of,
    request_line,
    unpack_frames,
)

VALUES: Final = frozenset({Part.SIGNALS})
"""What is due in each turn: plotted signals, besides the frames."""
SLOWLY: Final = frozenset({Part.JOURNEYS, Part.ECUS, Part.NODES, Part.SERVICES})
"""What is due less often than tables."""
MOST_ASKED: Final = 16
Json = dict[str, Any]
Answered = Callable[[str | None], object]
"""Called with what hindered a command, or None."""


class Sender(NamedTuple):
    """Who has sent a frame."""

    name: str


class PageSight:
    """A `Sight` of a vehicle in another process. From the first message on; ValueError for what is none."""

    def __init__(self) -> None:
        self.about = VehicleAbout("", "", (), (), ())
        self.title = ""
        self.kinds: list[Json] | None = None
        """Kinds of faults, as the page's JSON has them; None where none can be put in."""
        self.faults: list[FaultRow] = []
        self._playback: PlaybackRow | None = None
        self._played_at = 0
        self.missed = 0
        self._messages: Final = Messages()
        self._ledger: Final = Ledger()
        self._buses: dict[int, tuple[str, dict[int, Entry]]] = {}
        self._indices: dict[str, int] = {}
        self._senders: list[Sender] = []
        self._numbers: Final = count(1)
        self._answered: Final[dict[int, Answered]] = {}
        self._outgoing: Final[deque[bytes]] = deque()
        self._now = 0
        self._frames = 0
        self._paths: Final[list[PathAbout]] = []
        self._path_rows: Final[dict[int, tuple[PathRow, int]]] = {}
        """With the time at which each was told."""
        self._rows: Final[dict[str, dict[object, Any]]] = {name: {} for name in _ROWS}
        self._events: tuple[EventRow, ...] = ()
        self._journeys: dict[Journeys, tuple[FrameRow, ...]] = {}
        self._stories: dict[int, Story] = {}
        self._teller = Storyteller(self.about, {}, {}, [], self.entry)

    # To the vehicle

    def request(self, wanted: Iterable[Visible], parts: frozenset[Part]) -> bytes:
        """What to send: a request for what these viewers show of these parts, and all commands since the last time."""
        viewers = list(wanted)
        shown = frozenset().union(*(each.parts for each in viewers)) & parts
        whole = not parts <= VALUES
        plotted = frozenset().union(*(each.paths or frozenset() for each in viewers))
        asked: dict[Journeys, None] = {}
        stories: dict[int, None] = {}
        if Part.JOURNEYS in shown:
            asked = dict.fromkeys(self._filter(each) for each in viewers if Part.JOURNEYS in each.parts)
            stories = dict.fromkeys(each.story for each in viewers if each.story is not None)
        lines = [*self._outgoing, request_line(_asking(shown, None if whole else plotted, asked, stories))]
        self._outgoing.clear()
        return b"".join(lines)

    def do(self, command: Mapping[str, Any], answered: Answered) -> None:
        """Let the vehicle do something, with the next request."""
        number = next(self._numbers)
        self._answered[number] = answered
        self._outgoing.append(command_line(number, dict(command)))

    def _filter(self, visible: Visible) -> Journeys:
        frames = visible.frames_of
        places = (
            None if frames is None else frozenset(place for each in frames if (place := self._place(each)) is not None)
        )
        return Journeys(places, visible.routes_of)

    def _place(self, number: int) -> int | None:
        if number >= len(self._ledger.entries):
            return None
        about = self._ledger.entries[number].about
        return place_of(self._indices[about.bus], about.key)

    # From the vehicle

    def take(self, data: bytes) -> int:
        """Bytes of the vehicle; how many requests are answered by them."""
        answers = 0
        for head, frames in self._messages.feed(data):
            if "hello" in head:
                self._take_hello(head)
            elif "answer" in head:
                if (answered := self._answered.pop(head["answer"], None)) is not None:
                    answered(head["problem"])
            else:
                self._take_answer(head, frames)
                answers += 1
        return answers

    def _take_hello(self, head: Json) -> None:
        self.about = built(VehicleAbout, head["hello"])
        self.title, self.kinds = head["title"], head["kinds"]
        self._buses = {index: (name, {}) for index, name in head["buses"]}
        self._indices = {name: index for index, name in head["buses"]}
        buses = dict(head["buses"])
        self._teller = Storyteller(self.about, buses, head["receivers"], head["latencies"], self.entry)
        for bus, messages in head["databases"].items():
            for key, message in messages:
                self._ledger.add(bus, key, message_of(message))

    def _take_answer(self, head: Json, frames: bytes) -> None:
        if head.get("forget"):
            self._ledger.forget()
            self._stories.clear()
            self._teller.forget()
        self._now, self._frames = head["time"], head["frames"]
        self.missed = head.get("missed", self.missed)
        self._senders += map(Sender, head.get("senders", ()))
        self._take_frames(unpack_frames(frames, self._senders))
        if "playback" in head:
            self._playback, self._played_at = built(PlaybackRow, head["playback"]), self._now
        if "receivers" in head:
            self._teller.receivers = head["receivers"]
        if "faults" in head:
            self.faults = list(built(tuple[FaultRow, ...], head["faults"]))
        self._paths.extend(built(tuple[PathAbout, ...], head.get("new_paths", ())))
        for path in built(tuple[PathRow, ...], head.get("paths", ())):
            self._path_rows[path.number] = path, self._now
        for name, kind in _ROWS.items():
            self._rows[name].update((row[0], built(kind, row)) for row in head.get(name, ()))
        if "events" in head:
            self._events = built(tuple[EventRow, ...], head["events"])
        self._take_journeys(head)

    def _take_frames(self, noted: list[Noted]) -> None:
        by_bus: dict[int, list[Noted]] = {}
        for each in noted:
            by_bus.setdefault(each[1], []).append(each)
        for index, frames in by_bus.items():
            name, known = self._buses[index]
            self._ledger.count(name, known, frames)
        self._teller.remember(noted)

    def _take_journeys(self, head: Json) -> None:
        if "journeys" in head:
            self._journeys = {built(Journeys, asked): self._numbered(rows) for asked, rows in head["journeys"]}
        for row in built(tuple[FrameRow, ...], head.get("told", ())):
            story = self._teller.tell(row, *divmod(row.message, 1 << 32))
            if story is not None:
                self._stories[row.number] = story
        while len(self._stories) > MOST_ASKED:
            del self._stories[next(iter(self._stories))]

    def _numbered(self, rows: object) -> tuple[FrameRow, ...]:
        """Rows with messages as this side counts them."""
        return tuple(
            row._replace(message=entry.about.number)
            for row in built(tuple[FrameRow, ...], rows)
            if (entry := self.entry(*divmod(row.message, 1 << 32))) is not None
        )

    def entry(self, bus: int, key: int) -> Entry | None:
        """Of a message, by the index of its bus."""
        return self._ledger.find(self._buses[bus][0], key) if bus in self._buses else None

    # As viewers look at it

    @property
    def playback(self) -> PlaybackRow | None:
        """Where time is now; None where it cannot be held."""
        row = self._playback
        return None if row is None else row._replace(position_ns=row.position_ns + self._now - self._played_at)

    @property
    def passed(self) -> int:
        """How many frames have come here so far."""
        return self._teller.remembered

    def passed_since(self, passed: int) -> list[Noted]:
        """The frames after so many, as far as they are remembered."""
        return self._teller.latest(self.passed - passed)

    def subscribe(self, visible: Visible | None = None) -> Subscription:
        """A viewer."""
        return Subscription(self, visible)

    @property
    def now(self) -> int:
        return self._now

    @property
    def frames(self) -> int:
        return self._frames

    @property
    def lost(self) -> int:
        return self._ledger.lost + self.missed

    @property
    def entries(self) -> list[Entry]:
        return self._ledger.entries

    @property
    def paths(self) -> list[PathAbout]:
        return self._paths

    def gather(self) -> None:
        """Whoever has the socket does."""

    def bus_rows(self) -> tuple[BusRow, ...]:
        return tuple(self._rows["buses"].values())

    def route_rows(self) -> tuple[RouteRow, ...]:
        return tuple(self._rows["routes"].values())

    def ecu_rows(self) -> tuple[EcuRow, ...]:
        return tuple(self._rows["ecus"].values())

    def node_rows(self) -> tuple[NodeRow, ...]:
        return tuple(self._rows["nodes"].values())

    def service_rows(self) -> tuple[ServiceRow, ...]:
        return tuple(self._rows["services"].values())

    def event_rows(self) -> tuple[EventRow, ...]:
        return self._events

    def path_rows(self, wanted: frozenset[int] | None) -> Iterable[PathRow]:
        for number in sorted(self._path_rows if wanted is None else wanted & self._path_rows.keys()):
            row, told_ns = self._path_rows[number]
            age_ns = row.age_ns
            yield row if age_ns is None else row._replace(age_ns=age_ns + self._now - told_ns)

    def journeys(self, visible: Visible) -> tuple[FrameRow, ...]:
        return self._journeys.get(self._filter(visible), ())

    def story(self, number: int) -> Story | None:
        return self._stories.get(number)


_ROWS: Final[dict[str, Any]] = {
    "buses": BusRow,
    "routes": RouteRow,
    "ecus": EcuRow,
    "nodes": NodeRow,
    "services": ServiceRow,
}


def _asking(
    parts: frozenset[Part], paths: frozenset[int] | None, asked: Iterable[Journeys], stories: Iterable[int]
) -> Request:
    return Request(parts, paths, tuple(asked)[:MOST_ASKED], tuple(stories)[:MOST_ASKED])
