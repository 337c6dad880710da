"""One feed of what happens in a vehicle, for all that people look at: the terminal monitor and the web page.

A feed belongs to one vehicle, on one kernel and in one thread. It knows no clock and no socket: whoever drives it calls
`gather` several times a second, and each viewer takes snapshots as often as its screen can show them. Between two
looks the vehicle pays for each frame with one tuple in a list; what is decoded, sorted and compared is what some viewer
has on its screen, and no more.
"""

from __future__ import annotations

from typing import Final

from gateway.can import Frame
from gateway.ui.feed_about import MessageAbout, PathAbout, VehicleAbout
from gateway.ui.feed_journeys import JourneyBook
from gateway.ui.feed_picture import paths, picture
from gateway.ui.feed_rows import MessageRow, Part, PathRow, Rows, SignalValue, Snapshot, Visible
from gateway.ui.feed_state import Meter, event_rows, node_rows, part_rows, path_rows, route_row
from gateway.ui.feed_traffic import Entry, Traffic
from gateway.vehicle import Vehicle

GATHER_NS: Final = 200_000_000
"""Simulated time between two gatherings: at most so much is kept as single frames."""
MISSED_CYCLES: Final = 3
"""A cyclic message that has not come for so many cycles is stale."""
_SLACK_NS: Final = 20_000_000


class Feed:
    """A vehicle as it can be watched. From `attach` to `detach`; a context manager does both.

    `about`: what does not change; `messages`, `paths`: what rows name by number, growing while the vehicle drives.
    """

    def __init__(self, vehicle: Vehicle, domains: tuple[str, ...] = ()) -> None:
        self.vehicle: Final = vehicle
        self.traffic: Final = Traffic(vehicle)
        self.journeys: Final = JourneyBook(vehicle, self.traffic)
        self.about: Final[VehicleAbout] = picture(vehicle, self.traffic, domains)
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
        return Subscription(self, visible or Visible())

    @property
    def messages(self) -> list[MessageAbout]:
        """All identifiers so far, those of the databases first."""
        return [entry.about for entry in self.traffic.entries]

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
        """After a jump in a recording: periods, jitter, counts of messages and stories begin anew."""
        self.traffic.forget()
        self.journeys.forget()

    @property
    def meters(self) -> list[Meter]:
        return self._meters

    def _again(self) -> None:
        if self._attached:
            self.gather()
            self.vehicle.kernel.after(GATHER_NS, self._again)


class Subscription:
    """One viewer: what it has on its screen (`visible`, to be changed at any time), and what it was given last."""

    def __init__(self, feed: Feed, visible: Visible) -> None:
        self.visible = visible
        self._feed: Final = feed
        self._messages_told = 0
        self._paths_told = 0
        self._last: dict[int, tuple[int, bytes, bool, bool]] = {}
        """By number of a message: count, data, stale and decoded in the last snapshot."""
        self._last_paths: dict[int, tuple[object, ...]] = {}

    def snapshot(self) -> Snapshot:
        """The vehicle now, in so far as it is visible."""
        feed, visible = self._feed, self.visible
        feed.gather()
        vehicle, parts = feed.vehicle, visible.parts
        new_messages = tuple(feed.messages[self._messages_told :]) if self._news else ()
        new_paths = tuple(feed.paths[self._paths_told :])
        self._messages_told += len(new_messages)
        self._paths_told += len(new_paths)
        routes = vehicle.gateway.routes if vehicle.has_gateway and Part.ROUTES in parts else ()
        return Snapshot(
            time_ns=vehicle.kernel.now,
            frames=sum(bus.frames for bus in vehicle.buses.values()),
            lost=feed.traffic.lost,
            new_messages=new_messages,
            new_paths=new_paths,
            buses=tuple(meter.row() for meter in feed.meters) if Part.BUSES in parts else (),
            messages=self._message_rows() if Part.MESSAGES in parts else (),
            routes=tuple(route_row(number, route) for number, route in enumerate(routes)),
            paths=self._path_rows() if Part.SIGNALS in parts else (),
            ecus=tuple(part_rows(vehicle)) if Part.ECUS in parts else (),
            nodes=tuple(node_rows(vehicle)) if Part.NODES in parts else (),
            journeys=feed.journeys.recent(visible) if Part.JOURNEYS in parts else (),
            events=tuple(event_rows(vehicle)) if Part.EVENTS in parts else (),
            story=None if visible.story is None else feed.journeys.story(visible.story),
        )

    @property
    def _news(self) -> bool:
        return len(self._feed.traffic.entries) > self._messages_told

    def _message_rows(self) -> tuple[MessageRow, ...]:
        """Rows of messages that have come at least once."""
        entries, visible, now = self._feed.traffic.entries, self.visible, self._feed.vehicle.kernel.now
        if visible.messages is not None:
            entries = [entries[number] for number in sorted(visible.messages) if 0 <= number < len(entries)]
        rows = []
        for entry in entries:
            frame = entry.frame
            if frame is not None:
                row = self._message_row(entry, frame, now)
                if row is not None:
                    rows.append(row)
        return tuple(rows)

    def _message_row(self, entry: Entry, frame: Frame, now: int) -> MessageRow | None:
        """None when only changes are wanted, and there is none."""
        number = entry.about.number
        decoded = number in self.visible.decoded
        stale = is_stale(entry, now)
        last = self._last.get(number)
        now_told = (entry.count, frame.data, stale, decoded)
        if last == now_told and self.visible.rows is Rows.CHANGED:
            return None
        self._last[number] = now_told
        return MessageRow(
            number,
            entry.count,
            entry.time_ns,
            entry.period_ns,
            entry.jitter_ns,
            frame.data,
            b"" if last is None else changed_bits(last[1], frame.data),
            stale,
            "" if entry.sender is None else entry.sender.name,
            values(entry, frame.data) if decoded else None,
        )

    def _path_rows(self) -> tuple[PathRow, ...]:
        rows = path_rows(self._feed.vehicle, self.visible.paths)
        if self.visible.rows is Rows.ALL:
            return tuple(rows)
        changed = []
        for row in rows:
            told = (row.value, row.quality, row.target)
            if self._last_paths.get(row.number) != told:
                self._last_paths[row.number] = told
                changed.append(row)
        return tuple(changed)


def is_stale(entry: Entry, now: int) -> bool:
    """A cyclic message that is overdue, by its database or, where that says nothing, by its own period so far."""
    cycle = entry.about.cycle_ns
    if cycle is None:
        steady = not entry.about.name and entry.count >= 10 and entry.jitter_ns * 4 < entry.period_ns
        cycle = entry.period_ns if steady else None
    return bool(cycle) and now - entry.time_ns > MISSED_CYCLES * (cycle or 0) + _SLACK_NS


def changed_bits(before: bytes, after: bytes) -> bytes:
    """Ones where a payload is another than it was; what was not there before has changed altogether."""
    if before == after:
        return b""
    changed = bytes(a ^ b for a, b in zip(before, after, strict=False))
    return changed + b"\xff" * (len(after) - len(changed))


def values(entry: Entry, data: bytes) -> tuple[SignalValue, ...]:
    """The signals of a payload, in the database's order."""
    message = entry.message
    if message is None:
        return ()
    physical = message.decode(data)
    labels = message.labels(data)
    found = []
    for signal in entry.about.signals:
        value = physical.get(signal.name)
        label = labels.get(signal.name)
        found.append(SignalValue(value, label if isinstance(label, str) else None))
    return tuple(found)
