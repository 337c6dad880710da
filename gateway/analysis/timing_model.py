"""What is sent on the buses of a vehicle, for the analysis: each message's length, cycle, and what routes make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.analysis.timing_bounds import Activation, Arrivals
from gateway.analysis.timing_seen import Place, Sightings, activation_by, activation_of, is_assumed
from gateway.can import EXTENDED, ID_MASK, KEY_MASK, BitRates, longest_bits, shortest_bits
from gateway.com import TxMessage, header_of
from gateway.database import Database
from gateway.routing import FrameRoute, Route, SendMode, SignalRoute
from gateway.vehicle import Vehicle

_LENGTHS: Final = 8


@dataclass(frozen=True, slots=True)
class Trigger:
    """A route that makes a message go out each time that its source comes. `every_ns`: not more often than that."""

    rule: str
    source: Place
    latency_ns: int
    every_ns: int = 0
    seen: Arrivals | None = None
    """Of a source on a LIN bus, which its schedule sends: as often as it was seen."""


@dataclass(slots=True)
class Sent:
    """One identifier on one bus. `longest_ns`, `shortest_ns`: of its frames, without the intermission."""

    place: Place
    name: str
    header: int
    length: int
    sender: str
    longest_ns: int
    shortest_ns: int
    activation: Arrivals | None = None
    """By itself; None where only routes make it go out."""
    deadline_ns: int | None = None
    assumed: bool = False
    """How often it is sent is known from what was seen only."""
    triggers: list[Trigger] = field(default_factory=list)

    @property
    def key(self) -> int:
        return self.place[1]


@dataclass(frozen=True, slots=True)
class Path:
    """A route, for its time from end to end. `hold_ns`: how long a value may wait for the target's next sending."""

    rule: str
    title: str
    place: str
    source: Place
    target: Place
    latency_ns: int
    hold_ns: int


@dataclass(slots=True)
class Network:
    """All CAN buses of a vehicle, or of a recording. `unseen`: messages sent on events that nobody knows how often."""

    rates: dict[str, BitRates]
    sent: dict[Place, Sent] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def intermission_ns(self, bus: str) -> int:
        return self.rates[bus].duration_ns(3)

    def of_bus(self, bus: str) -> list[Sent]:
        return [sent for sent in self.sent.values() if sent.place[0] == bus]


def network_of(vehicle: Vehicle, seen: Sightings) -> Network:
    """The network of a vehicle that has run."""
    return _Reader(vehicle, seen).network


def sent_of(bus: str, rates: BitRates, header: int, length: int, name: str, sender: str) -> Sent:
    """A message with the exact bounds of its frames' lengths."""
    longest, shortest = longest_bits(header, length), shortest_bits(header, length)
    return Sent(
        (bus, header & KEY_MASK),
        name,
        header,
        length,
        sender,
        rates.duration_ns(longest.nominal, longest.data),
        rates.duration_ns(shortest.nominal, shortest.data),
    )


def name_of(database: Database | None, header: int) -> str:
    """The message's name; its identifier where no database has it."""
    found = None if database is None else database.by_id(header & ID_MASK, bool(header & EXTENDED))
    return f"0x{header & ID_MASK:X}" if found is None else found.name


class _Reader:
    def __init__(self, vehicle: Vehicle, seen: Sightings) -> None:
        self.vehicle = vehicle
        self.seen = seen
        self.network = Network({name: bus.rates for name, bus in vehicle.buses.items() if not bus.polled})
        self._ecus()
        self._composed()
        self._strangers()
        for route in vehicle.gateway.routes if vehicle.has_gateway else ():
            self._route(route)

    def _ecus(self) -> None:
        for ecu in (*self.vehicle.ecus.values(), *self.vehicle.services.values()):
            for bus, port in ecu.ports.items():
                for message in port.tx.values() if bus in self.network.rates else ():
                    if message.active:
                        self._add(bus, message, ecu.name, message.definition.cycle_ns)

    def _composed(self) -> None:
        """What the gateway makes itself: of routed signals, and for actuators."""
        gateway = self.vehicle.gateway
        cyclic = {
            id(route.target.message)
            for route in gateway.routes
            if isinstance(route, SignalRoute) and route.mode is SendMode.CYCLIC
        }
        for (bus, _), target in gateway.targets.items():
            if bus in self.network.rates:
                cycle_ns = target.message.definition.cycle_ns if id(target.message) in cyclic else None
                self._add(bus, target.message, gateway.name, cycle_ns, triggered=True)
        for (bus, _), command in gateway.commands.items():
            if bus in self.network.rates:
                self._add(bus, command, gateway.name, command.definition.cycle_ns)

    def _strangers(self) -> None:
        """What was seen and is sent by nobody that is known, or by a route."""
        for (bus, key), seen in self.seen.messages.items():
            if bus not in self.network.rates or (bus, key) in self.network.sent:
                continue
            if seen.senders == {self.vehicle.gateway.name}:
                continue  # forwarded: the routes say how often
            name = name_of(self.vehicle.databases.get(bus), seen.header)
            sent = sent_of(bus, self.network.rates[bus], seen.header, seen.length, name, seen.sender)
            sent.activation, sent.assumed = activation_of(seen.requests_ns, None, self.seen.span_ns), True
            self.network.sent[sent.place] = sent

    def _add(self, bus: str, message: TxMessage, sender: str, cycle_ns: int | None, *, triggered: bool = False) -> None:
        header = header_of(message.definition)
        sent = sent_of(bus, self.network.rates[bus], header, message.length, message.definition.name, sender)
        seen = self.seen.messages.get(sent.place)
        sent.deadline_ns = cycle_ns
        if triggered:
            sent.activation = Activation(cycle_ns) if cycle_ns else None
        else:
            requests_ns = [] if seen is None else seen.requests_ns
            sent.activation = activation_by(message.definition, requests_ns, self.seen.span_ns)
            sent.assumed = is_assumed(sent.activation, message.definition)
        if sent.activation is None and not triggered:
            self.network.unseen.append(f"{bus}.{message.definition.name}")
            return
        self.network.sent[sent.place] = sent

    # Routes

    def _route(self, route: Route) -> None:
        if isinstance(route, FrameRoute):
            for source in list(self._sources(route)):
                self._forwarded(route, source)
        elif isinstance(route, SignalRoute):
            self._signal(route)

    def _sources(self, route: Route) -> Iterator[Place]:
        bus, key = route.rule.source.partition(".")[0], route.rule.source_key
        if key is not None:
            yield bus, key & KEY_MASK
            return
        yield from [sent.place for sent in self.network.of_bus(bus)]

    def _forwarded(self, route: FrameRoute, source: Place) -> None:
        bus = route.rule.target.partition(".")[0]
        origin = self.network.sent.get(source) or self._from_lin(source)
        if bus not in self.network.rates or origin is None:
            return
        target_key = route.rule.target_key
        header = origin.header if target_key is None else origin.header & ~KEY_MASK | (target_key & KEY_MASK)
        name = name_of(self.vehicle.databases.get(bus), header)
        place = (bus, header & KEY_MASK)
        if place not in self.network.sent:
            sent = sent_of(bus, self.network.rates[bus], header, origin.length, name, self.vehicle.gateway.name)
            sent.deadline_ns = origin.deadline_ns and max(origin.deadline_ns, route.every_ns)
            self.network.sent[place] = sent
        self.network.sent[place].triggers.append(self._trigger(route, source))
        self._path(route, source, place, route.lane.latency_ns, 0)

    def _signal(self, route: SignalRoute) -> None:
        bus = route.rule.target.partition(".")[0]
        source = (route.rule.source.partition(".")[0], (route.rule.source_key or 0) & KEY_MASK)
        if bus not in self.network.rates or (self.network.sent.get(source) or self._from_lin(source)) is None:
            return
        definition = route.target.message.definition
        place = (bus, header_of(definition) & KEY_MASK)
        hold_ns = 0
        if route.mode is SendMode.CYCLIC:
            hold_ns = definition.cycle_ns or 0
        else:
            self.network.sent[place].triggers.append(self._trigger(route, source))
        self._path(route, source, place, route.lane.latency_ns, hold_ns)

    def _trigger(self, route: FrameRoute | SignalRoute, source: Place) -> Trigger:
        lin = self._from_lin(source)
        seen = None if lin is None else lin.activation
        return Trigger(route.rule.name, source, route.lane.latency_ns, route.every_ns, seen)

    def _from_lin(self, source: Place) -> Sent | None:
        """What comes from a LIN bus is sent by its schedule: as often as it was seen."""
        bus, key = source
        seen = self.seen.messages.get(source)
        if seen is None or bus in self.network.rates:
            return None
        activation = activation_of(seen.requests_ns, None, self.seen.span_ns)
        name = name_of(self.vehicle.databases.get(bus), key)
        return Sent(source, name, key, min(seen.length, _LENGTHS), seen.sender, 0, 0, activation, None, assumed=True)

    def _path(self, route: Route, source: Place, target: Place, latency_ns: int, hold_ns: int) -> None:
        rule = route.rule
        place = f"{rule.file.rpartition('/')[2]}:{rule.line}" if rule.file else ""
        self.network.paths.append(Path(rule.name, str(rule), place, source, target, latency_ns, hold_ns))
