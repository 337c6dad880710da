"""What a monitor knows of a vehicle: the picture, and the latest row of everything. Knows no terminal and no socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from gateway.ui.feed_about import MessageAbout, PathAbout, RouteAbout, VehicleAbout
from gateway.ui.feed_rows import (
    BusRow,
    EcuRow,
    EventRow,
    MessageRow,
    NodeRow,
    Part,
    PathRow,
    RouteRow,
    Rows,
    ServiceRow,
    SignalValue,
    Snapshot,
    Visible,
)
from gateway.ui.feed_subscription import MISSED_CYCLES

_SLACK_NS: Final = 500_000_000
CHANGE_SHOWN_NS: Final = 1_000_000_000
"""A byte that has changed is marked for so long."""


LOAD_NS: Final = 1_000_000_000
LOADS: Final = 120
"""Loads of a bus that are remembered, one a second."""


class Pane(Enum):
    """What fills the screen."""

    BUSES = "Buses"
    MESSAGES = "Messages"
    SIGNALS = "Signals"
    ROUTES = "Routes"
    ECUS = "ECUs"
    NODES = "Nodes"
    SERVICES = "Services"
    EVENTS = "Events"

    @property
    def part(self) -> Part:
        return _PARTS[self]


_PARTS: Final = {
    Pane.BUSES: Part.BUSES,
    Pane.MESSAGES: Part.MESSAGES,
    Pane.SIGNALS: Part.SIGNALS,
    Pane.ROUTES: Part.ROUTES,
    Pane.ECUS: Part.ECUS,
    Pane.NODES: Part.NODES,
    Pane.SERVICES: Part.SERVICES,
    Pane.EVENTS: Part.EVENTS,
}


class UnitKey(NamedTuple):
    """A line of the nodes: a node, or one of its units."""

    node: str
    unit: str = ""


Key = int | str | UnitKey
"""What names a line of a pane: the number of a row, a bus or an ECU, a node or unit."""


@dataclass(slots=True)
class MessageState:
    """A message's latest row, its latest decoded values, and when each byte changed last."""

    row: MessageRow
    values: tuple[SignalValue, ...] | None
    changed_ns: list[int]


class MonitorState:
    """Grows with each snapshot. `time_ns` is the vehicle's; `problem` says why nothing new comes, if nothing does."""

    def __init__(self, about: VehicleAbout) -> None:
        self.about: Final = about
        self._parts: Final = {part.name for part in about.parts}
        self.time_ns = 0
        self.frames = 0
        self.problem = ""
        self.message_abouts: list[MessageAbout] = []
        self.path_abouts: list[PathAbout] = []
        self.buses: dict[str, BusRow] = {}
        self.loads: dict[str, deque[float]] = {}
        """Of each bus, one for each second, the latest last."""
        self._loaded_ns = 0
        self.messages: dict[int, MessageState] = {}
        self.paths: dict[int, PathRow] = {}
        self.path_times: dict[int, int] = {}
        self.routes: dict[int, RouteRow] = {}
        self.ecus: dict[str, EcuRow] = {}
        self.nodes: dict[UnitKey, NodeRow] = {}
        self.services: dict[str, ServiceRow] = {}
        """By name and role, because a vehicle may consume what it offers."""
        self.events: list[EventRow] = []

    @property
    def rate(self) -> float:
        """Frames a second on all buses."""
        return sum(row.rate for row in self.buses.values())

    def take(self, snapshot: Snapshot) -> None:
        """Know what a snapshot says."""
        self.time_ns, self.frames = snapshot.time_ns, snapshot.frames
        self.message_abouts += snapshot.new_messages
        self.path_abouts += snapshot.new_paths
        self.buses.update((row.name, row) for row in snapshot.buses)
        self._note_loads(snapshot)
        for message in snapshot.messages:
            self._take_message(message)
        for path in snapshot.paths:
            self.paths[path.number] = path
            self.path_times[path.number] = snapshot.time_ns
        self.routes.update((row.number, row) for row in snapshot.routes)
        self.ecus.update((row.name, row) for row in snapshot.ecus)
        for node in snapshot.nodes:
            self.nodes[UnitKey(node.name)] = node
            self.nodes.update((UnitKey(node.name, unit.name), node) for unit in node.units)
        self.services.update((f"{row.name} {row.role}", row) for row in snapshot.services)
        if snapshot.events:
            self.events = list(snapshot.events)

    def _note_loads(self, snapshot: Snapshot) -> None:
        if snapshot.time_ns < self._loaded_ns:
            self.loads.clear()  # a jump back in a recording
            self._loaded_ns = 0
        if snapshot.time_ns - self._loaded_ns < LOAD_NS:
            return
        self._loaded_ns = snapshot.time_ns
        for row in snapshot.buses:
            self.loads.setdefault(row.name, deque(maxlen=LOADS)).append(row.load)

    def _take_message(self, row: MessageRow) -> None:
        known = self.messages.get(row.number)
        if known is None:
            self.messages[row.number] = MessageState(row, row.values, [0] * len(row.data))
            return
        known.row = row
        if row.values is not None:
            known.values = row.values
        changed_ns = known.changed_ns
        changed_ns += [0] * (len(row.data) - len(changed_ns))
        for place, bits in enumerate(row.changed[: len(changed_ns)]):
            if bits:
                changed_ns[place] = self.time_ns

    def keys(self, pane: Pane) -> list[Key]:
        """The lines of a pane, in their order."""
        return list(_KEYS[pane](self))

    def visible(self, pane: Pane, selected: Key | None) -> Visible:
        """What the vehicle has to tell for a pane with this line selected: buses always, for the head."""
        decoded = frozenset({selected}) if pane is Pane.MESSAGES and isinstance(selected, int) else frozenset[int]()
        parts = {Part.BUSES, pane.part}
        if pane is Pane.ECUS:
            parts.add(Part.MESSAGES)
        # A VSS value that comes again unchanged is a changed row only by its age.
        rows = Rows.ALL if pane is Pane.SIGNALS else Rows.CHANGED
        return Visible(parts=frozenset(parts), rows=rows, decoded=decoded)

    def never_came(self, number: int) -> bool:
        """A cyclic message that an ECU of this vehicle should have sent by now, and that has not come at all."""
        about = self.message_abouts[number]
        if number in self.messages or not about.cycle_ns:
            return False
        late = self.time_ns > MISSED_CYCLES * about.cycle_ns + _SLACK_NS
        return late and not self._parts.isdisjoint(about.senders)

    def is_missing(self, number: int) -> bool:
        """A message that does not come: any more, or at all."""
        known = self.messages.get(number)
        return self.never_came(number) if known is None else known.row.stale

    def route(self, number: int) -> RouteAbout:
        return self.about.routes[number]

    def path_age_ns(self, number: int) -> int | None:
        """How old a VSS value is now: its row may be of a while ago, because only rows that changed come."""
        age_ns = self.paths[number].age_ns
        return None if age_ns is None else age_ns + self.time_ns - self.path_times[number]


def _messages(state: MonitorState) -> Iterator[Key]:
    order = {bus.name: place for place, bus in enumerate(state.about.buses)}
    abouts = state.message_abouts
    yield from sorted(
        (number for number in range(len(abouts)) if number in state.messages or state.never_came(number)),
        key=lambda number: (order.get(abouts[number].bus, 99), abouts[number].key),
    )


_KEYS: Final[Mapping[Pane, Callable[[MonitorState], Iterable[Key]]]] = {
    Pane.BUSES: lambda state: (bus.name for bus in state.about.buses if bus.name in state.buses),
    Pane.MESSAGES: _messages,
    Pane.SIGNALS: lambda state: (number for number in sorted(state.paths) if number < len(state.path_abouts)),
    Pane.ROUTES: lambda state: iter(sorted(state.routes)),
    Pane.ECUS: lambda state: iter(state.ecus),
    Pane.NODES: lambda state: iter(state.nodes),
    Pane.SERVICES: lambda state: iter(state.services),
    Pane.EVENTS: lambda state: range(len(state.events)),
}
