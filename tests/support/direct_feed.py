"""A feed of what happens in a vehicle, in the vehicle's own process and without any wire between.

Monitor and web page look from other processes (`page_sight`) and must be shown the same.

A feed belongs to one vehicle, on one kernel and in one thread. It knows no clock and no socket: whoever drives it calls
`gather` several times a second, and each viewer takes snapshots as often as its screen can show them. Between two
looks the vehicle pays for each frame with one tuple in a list; what is decoded, sorted and compared is what some viewer
has on its screen, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.ui.feed_about import MessageAbout, PathAbout, VehicleAbout
from gateway.ui.feed_frames import FrameList
from gateway.ui.feed_ledger import Entry
from gateway.ui.feed_picture import ledger_of, paths, picture
from gateway.ui.feed_rows import BusRow, EcuRow, EventRow, NodeRow, PathRow, RouteRow, ServiceRow, Visible
from gateway.ui.feed_services import service_rows
from gateway.ui.feed_state import Meter, event_rows, node_rows, part_rows, path_rows, route_rows
from gateway.ui.feed_subscription import Subscription
from gateway.vehicle import Vehicle

GATHER_NS: Final = 200_000_000
"""Simulated time between two gatherings: at most so much is kept as single frames."""


class Feed:
    """A vehicle as it can be watched: a `Sight`. From `attach` to `detach`; a context manager does both.

    `about`: what does not change; `messages`, `paths`: what rows name by number, growing while the vehicle drives.
    """

    def __init__(self, vehicle: Vehicle, domains: tuple[str, ...] = ()) -> None:
        self.vehicle: Final = vehicle
        self.traffic: Final = Traffic(vehicle)
        self.about: Final[VehicleAbout] = picture(vehicle, self.traffic.ledger, domains)
        self._meters: Final = [Meter(bus) for bus in vehicle.buses.values()]
        self._paths: list[PathAbout] = []
        self._attached = False

    def attach(self) -> None:
        """Begin to watch: counts are of what comes from now on, those of buses and routes from the vehicle's start."""
        self.traffic.attach()
        self._attached = True
        for meter in self._meters:
            meter.look()
        self.vehicle.kernel.after(GATHER_NS, self._again)

    def detach(self) -> None:
        """Leave the vehicle as it was. Subscriptions keep their last state."""
        if self._attached:
            self._attached = False
            self.traffic.detach()

    def __enter__(self) -> Feed:
        self.attach()
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def subscribe(self, visible: Visible | None = None) -> Subscription:
        """A viewer. It costs nothing until it takes a snapshot, and needs not be ended."""
        return Subscription(self, visible)

    @property
    def now(self) -> int:
        return self.vehicle.kernel.now

    @property
    def frames(self) -> int:
        return sum(bus.frames for bus in self.vehicle.buses.values())

    @property
    def lost(self) -> int:
        return self.traffic.ledger.lost

    @property
    def entries(self) -> list[Entry]:
        return self.traffic.ledger.entries

    @property
    def messages(self) -> list[MessageAbout]:
        """All identifiers so far, those of the databases first."""
        return [entry.about for entry in self.entries]

    @property
    def paths(self) -> list[PathAbout]:
        """All VSS signals so far."""
        self._paths += paths(self.vehicle, len(self._paths))
        return self._paths

    def gather(self) -> None:
        """Take what the buses have noted. Called by itself every `GATHER_NS`, and by each snapshot."""
        self.traffic.drain()
        for meter in self._meters:
            meter.look()

    def forget(self) -> None:
        """After a jump in a recording: periods, jitter and counts of messages begin anew."""
        self.traffic.forget()

    def bus_rows(self) -> tuple[BusRow, ...]:
        return tuple(meter.row() for meter in self._meters)

    def route_rows(self) -> tuple[RouteRow, ...]:
        return tuple(route_rows(self.vehicle))

    def ecu_rows(self) -> tuple[EcuRow, ...]:
        return tuple(part_rows(self.vehicle))

    def node_rows(self) -> tuple[NodeRow, ...]:
        return tuple(node_rows(self.vehicle))

    def service_rows(self) -> tuple[ServiceRow, ...]:
        return tuple(service_rows(self.vehicle))

    def event_rows(self) -> tuple[EventRow, ...]:
        return tuple(event_rows(self.vehicle))

    def path_rows(self, wanted: frozenset[int] | None) -> Iterator[PathRow]:
        return path_rows(self.vehicle, wanted)

    def _again(self) -> None:
        if self._attached:
            self.gather()
            self.vehicle.kernel.after(GATHER_NS, self._again)


class Traffic:
    """All identifiers of a vehicle's buses. `attach` begins, `detach` ends it and leaves nothing on the buses."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.ledger: Final = ledger_of(vehicle)
        self._lists: Final = {name: FrameList([bus]) for name, bus in vehicle.buses.items()}
        self._known: Final[dict[str, dict[int, Entry]]] = {name: {} for name in vehicle.buses}

    def attach(self) -> None:
        for each in self._lists.values():
            each.attach()

    def detach(self) -> None:
        self.drain()
        for each in self._lists.values():
            each.detach()

    def drain(self) -> None:
        """Take what the buses have noted since the last time."""
        for bus, each in self._lists.items():
            noted = each.take()
            if noted:
                self.ledger.count(bus, self._known[bus], noted)

    def forget(self) -> None:
        """Begin all counts and times anew; numbers stay."""
        self.drain()
        self.ledger.forget()
