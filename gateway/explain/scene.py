"""A run up to the moment that is asked about: its records, what was told, its vehicle. Answers look things up here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.can import EXTENDED, ID_MASK, KEY_MASK
from gateway.database import Message
from gateway.ecu import NOBODY
from gateway.explain.cause import Place
from gateway.explain.names import Names, id_text
from gateway.explain.notes import Decided, FrameNote, decided_in, note_of
from gateway.explain.told import AnyTold, Told, told_in
from gateway.sim import NS_PER_S
from gateway.trace import Event, Recorded
from gateway.vehicle import AboutRule

if TYPE_CHECKING:
    from gateway.trace import RecordTable
    from gateway.vehicle.assembly.protect import Protected

_EVENTS: Final = 20_000
"""So many of the latest events are looked at."""
LOOK_NS: Final = NS_PER_S
"""Loads and waits are told of so long before the moment."""
_RECENT: Final = 32
SAMPLES: Final = 200


class Waits(NamedTuple):
    """How long the latest frames of an identifier waited for the bus."""

    worst_ns: int
    worst: Recorded | None


class Scene:
    """`now_ns`: the moment that is asked about."""

    def __init__(self, table: RecordTable, names: Names, now_ns: int, *, origin_ns: int = 0) -> None:
        self.table: Final = table
        self.names: Final = names
        self.vehicle: Final = names.vehicle
        self.now_ns: Final = now_ns
        self.origin_ns: Final = origin_ns
        self._told: list[AnyTold] | None = None
        self._decided: list[tuple[int, Decided]] = []

    def time(self, time_ns: int) -> str:
        """`12.310 s`"""
        return f"{(time_ns - self.origin_ns) / NS_PER_S:.3f} s"

    # Frames

    def last(self, bus: str, key: int) -> Recorded | None:
        """The latest frame of an identifier."""
        rows = self.table.rows(bus, key, None, self.now_ns)
        found = self.table.record(int(rows[-1])) if len(rows) else None
        return found if isinstance(found, Recorded) else None

    def latest(self, bus: str, key: int, count: int = _RECENT) -> list[Recorded]:
        """The latest frames of an identifier, in the order of time."""
        rows = self.table.rows(bus, key, None, self.now_ns)[-count:]
        return [record for record in self.table.fetch(rows) if isinstance(record, Recorded)]

    def count(self, bus: str, key: int | None = None, since_ns: int | None = None) -> int:
        return len(self.table.rows(bus, key, since_ns, self.now_ns))

    def period_ns(self, bus: str, key: int) -> int | None:
        """The usual time between two frames of an identifier; None when there were not three."""
        rows = self.table.rows(bus, key, None, self.now_ns)[-SAMPLES:]
        if len(rows) < 3:
            return None
        gaps = sorted((self.table.times[rows[1:]] - self.table.times[rows[:-1]]).tolist())
        return int(gaps[len(gaps) // 2])

    def waits(self, bus: str, key: int) -> Waits:
        """Of the latest frames the one that waited longest."""
        worst_ns, worst = 0, None
        for record in self.latest(bus, key):
            waited = note_of(record.comment).waited_ns
            if waited is not None and waited > worst_ns:
                worst_ns, worst = waited, record
        return Waits(worst_ns, worst)

    def loads(self, bus: str, since_ns: int, until_ns: int) -> dict[int, float]:
        """Each identifier's share of the bus's time; empty where the bit rate is not known."""
        rows = self.table.rows(bus, None, since_ns, until_ns)
        span_ns = until_ns - since_ns
        shares: dict[int, float] = {}
        if span_ns <= 0:
            return shares
        for key, count in Counter(self.table.key[rows].tolist()).items():
            sample = self.table.record(int(rows[self.table.key[rows] == key][0]))
            duration = self.names.duration_ns(bus, sample.frame) if isinstance(sample, Recorded) else None
            if duration is not None:
                shares[key] = count * (duration + self.names.intermission_ns(bus)) / span_ns
        return shares

    # Who and what

    def message(self, bus: str, key: int) -> Message | None:
        database = self.names.databases.get(bus)
        return None if database is None else database.by_id(key & ID_MASK, bool(key & EXTENDED))

    def protected(self, bus: str, key: int) -> Protected | None:
        """The end-to-end protection of a message, as the vehicle file has it."""
        return None if self.vehicle is None else self.vehicle.protected.get((bus, key & KEY_MASK))

    def label(self, bus: str, key: int) -> str:
        message = self.message(bus, key)
        return id_text(key) + (f" {message.name}" if message is not None else "")

    def sender(self, bus: str, key: int) -> str:
        """The ECU that sends a message: as the recording says; otherwise as the vehicle has it.

        Of what came over a link, the recording knows the link only.
        """
        last = self.last(bus, key)
        noted = note_of(last.comment).sender if last is not None else ""
        message = self.message(bus, key)
        if message is None or (noted and noted != self.link(bus)):
            return noted
        if self.vehicle is not None:
            for ecu in (*self.vehicle.ecus.values(), *self.vehicle.services.values()):
                port = ecu.ports.get(bus)
                if port is not None and message.name in port.tx:
                    return ecu.name
        return next((sender for sender in message.senders if sender not in NOBODY), "") or noted

    def link(self, bus: str) -> str:
        """What a bus is linked to; empty for one that is simulated whole."""
        about = self.names.about.bus(bus) if self.names.about is not None else None
        return "" if about is None else about.link

    def over(self, bus: str, key: int) -> str:
        """The link that the latest frame of an identifier came over; empty for one that was sent here."""
        last = self.last(bus, key)
        link = self.link(bus)
        return link if last is not None and link and note_of(last.comment).sender == link else ""

    def whose(self, bus: str, key: int) -> str:
        """Its sender for a reader: `ESP`, or `ESP, over vcan1`."""
        sender, link = self.sender(bus, key), self.over(bus, key)
        return f"{sender}, over {link}" if link and sender != link else sender

    def by(self, bus: str, key: int) -> str:
        """Who sends an identifier, in words behind its name."""
        sender = self.whose(bus, key)
        return f" of {sender}" if sender else ""

    @property
    def gateway(self) -> str:
        return "the gateway" if self.names.about is None else self.names.about.gateway

    def rules_to(self, bus: str, key: int) -> list[AboutRule]:
        """The routes that lead to an identifier on a bus."""
        found = []
        for rule in self.names.rules:
            target = rule.source_key if rule.target_key is None else rule.target_key
            if rule.target_bus == bus and (target is None or target & KEY_MASK == key):
                found.append(rule)
        return found

    # Events

    def told(self) -> list[AnyTold]:
        """What was told up to the moment besides routes' decisions, in the order of time."""
        if self._told is None:
            self._told = []
            for event in self._events():
                told = told_in(event.time_ns, event.text)
                if told is not None:
                    self._told.append(told)
                    continue
                decided = decided_in(event.text)
                if decided is not None:
                    self._decided.append((event.time_ns, decided))
        return self._told

    def told_of(self, bus: str, since_ns: int = 0) -> list[Told]:
        return [told for told in self.told() if isinstance(told, Told) and told.bus == bus and told.time_ns >= since_ns]

    def decided(self, rule: str, since_ns: int = 0) -> list[tuple[int, Decided]]:
        """What a route did not forward, and when."""
        self.told()
        return [(time, decided) for time, decided in self._decided if decided.rule == rule and time >= since_ns]

    def _events(self) -> Iterator[Event]:
        rows = self.table.events(None, self.now_ns)[-_EVENTS:]
        return (record for record in self.table.fetch(rows) if isinstance(record, Event))


def place_of(rule: AboutRule) -> Place | None:
    return Place(rule.file, rule.line) if rule.file else None


def short(file: str, line: int | None) -> Place:
    """A place without the folders before the file."""
    return Place(Path(file).name, line)


def data_of(text: str) -> bytes:
    """The payload of a frame as can-utils write it; empty where it is not one."""
    identifier, mark, digits = text.partition("#")
    if not mark or not identifier:
        return b""
    if digits.startswith("#"):
        digits = digits[2:]
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def own_note(frame: Recorded) -> FrameNote:
    return note_of(frame.comment)
