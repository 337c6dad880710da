"""What a run says at its end: the figures of buses, routes and signals, as plain data for people and for `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.can import Bus, BusEventKind
from gateway.links import LinkedBus
from gateway.routing import NEVER, Value
from gateway.sim import NS_PER_S
from gateway.vehicle.unfit import unfit
from gateway.vehicle.unpublished import never_came, refused_values
from gateway.vehicle.vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class LinkReport:
    """The link of a real bus. `lost`: frames that came faster than they were read; `unconfirmed`: sent, and no more seen."""

    name: str
    arbiter: str
    lost: int
    unconfirmed: int
    filtered: bool
    """What nobody here receives was left in the kernel, and is not in the bus's figures."""

    def __str__(self) -> str:
        text = f"linked to {self.name}: {self.arbiter} arbitrates"
        return f"{text}, frames for others not taken" if self.filtered else text


@dataclass(frozen=True, slots=True)
class BusReport:
    """One bus: good frames, load (0 to 1), error frames, what else it told, by kind, and its link where it has one."""

    frames: int
    load: float
    errors: int
    events: dict[str, int]
    link: LinkReport | None = None
    alone: bool = False
    """Only a part of the vehicle runs here, and this bus is simulated for it alone."""


@dataclass(frozen=True, slots=True)
class RouteReport:
    """One route: received = forwarded + filtered + the sum of dropped."""

    source: str
    target: str
    received: int
    forwarded: int
    filtered: int
    dropped: dict[str, int]


@dataclass(frozen=True, slots=True)
class SignalReport:
    """One signal at the end; `value` and `time_s` are None when it never came."""

    value: Value | None
    quality: str
    time_s: float | None


@dataclass(frozen=True, slots=True)
class MigrationFigures:
    """A function on its way to a service: frames of its message, those of the service, those that differ."""

    mode: str
    frames: int
    by_service: int
    differing: int
    fall_backs: list[str]
    differences: Sequence[object]
    """Each with its sentence; the first 10,000 of them."""

    @property
    def sentence(self) -> str:
        """For people."""
        differing = f"{self.differing} differ" if self.differing else "none differs"
        return f"{self.mode}; {self.frames} frames, {self.by_service} of them the service's, {differing}"

    def as_json(self) -> dict[str, Any]:
        """As a part of the document that `--json` prints."""
        return {
            "mode": self.mode,
            "frames": self.frames,
            "by_service": self.by_service,
            "differing": self.differing,
            "fall_backs": self.fall_backs,
            "differences": [str(difference) for difference in self.differences],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A run in figures."""

    simulated_s: float
    wall_s: float
    seed: int
    buses: dict[str, BusReport]
    routes: list[RouteReport]
    signals: dict[str, SignalReport]
    failures: list[str]
    latest_s: float = 0.0
    """Wall time: the longest that an event had to wait for the program."""
    not_recorded: dict[str, int] = field(default_factory=dict)
    """Frames that the recording's format cannot hold, by reason."""
    migrations: dict[str, MigrationFigures] = field(default_factory=dict)
    unfit: dict[str, int] = field(default_factory=dict)
    """What came and was not taken, by where and why."""
    unpublished: list[str] = field(default_factory=list)
    """Signals of which values were refused, or that have never come."""
    failed_units: list[str] = field(default_factory=list)
    """Units of nodes that are failed at the end."""

    @property
    def frames(self) -> int:
        return sum(bus.frames for bus in self.buses.values())

    def as_json(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return {
            "simulated_s": self.simulated_s,
            "wall_s": round(self.wall_s, 6),
            "seed": self.seed,
            "frames": self.frames,
            "buses": {
                name: {
                    "frames": bus.frames,
                    "load": round(bus.load, 6),
                    "errors": bus.errors,
                    "events": bus.events,
                    "link": None if bus.link is None else asdict(bus.link),
                }
                for name, bus in self.buses.items()
            },
            "routes": [
                {
                    "from": route.source,
                    "to": route.target,
                    "received": route.received,
                    "forwarded": route.forwarded,
                    "filtered": route.filtered,
                    "dropped": route.dropped,
                }
                for route in self.routes
            ],
            "signals": {
                path: {"value": signal.value, "quality": signal.quality, "time_s": signal.time_s}
                for path, signal in self.signals.items()
            },
            "failures": self.failures,
            "not_recorded": self.not_recorded,
            "unfit": self.unfit,
            "unpublished": self.unpublished,
            "failed_units": self.failed_units,
            "migrations": {name: migration.as_json() for name, migration in self.migrations.items()},
        }


def report(vehicle: Vehicle, wall_ns: int, latest_ns: int = 0) -> Report:
    """The figures of a vehicle as it stands."""
    return Report(
        simulated_s=vehicle.simulated_s,
        wall_s=wall_ns / NS_PER_S,
        seed=vehicle.streams.seed,
        buses={
            bus.name: BusReport(
                bus.frames,
                bus.load,
                bus.errors,
                _events(bus.event_counts),
                _link(bus),
                not vehicle.whole and not isinstance(bus, LinkedBus),
            )
            for bus in vehicle.buses.values()
        },
        routes=[
            RouteReport(
                source=route.rule.source,
                target=route.rule.target,
                received=route.counts.received,
                forwarded=route.counts.forwarded,
                filtered=route.counts.filtered.total(),
                dropped=dict(sorted(route.counts.dropped.items())),
            )
            for route in (vehicle.gateway.routes if vehicle.has_gateway else ())
        ],
        signals={
            signal.path: SignalReport(
                signal.datapoint.value,
                signal.datapoint.quality.value,
                None if signal.datapoint is NEVER else signal.datapoint.time_ns / NS_PER_S,
            )
            for signal in (vehicle.gateway.store if vehicle.has_gateway else ())
        },
        failures=[str(failure) for failure in vehicle.failures],
        unfit=unfit(vehicle),
        unpublished=[*refused_values(vehicle), *never_came(vehicle)],
        failed_units=_failed_units(vehicle),
        migrations={
            name: MigrationFigures(
                str(migration.mode),
                migration.report.frames,
                migration.report.by_service,
                migration.report.differing,
                [str(event) for event in migration.report.fall_backs],
                tuple(migration.report.differences),
            )
            for name, migration in vehicle.migrations.items()
        },
        latest_s=latest_ns / NS_PER_S,
    )


def _failed_units(vehicle: Vehicle) -> list[str]:
    """Units whose last event is that they failed, and why: their result, and what they or their engine have said."""
    fleet = vehicle.fleet
    if fleet is None:
        return []
    latest = {(event.node, event.unit): event for event in fleet.events if event.unit and event.node}
    found = []
    for (name, unit), event in latest.items():
        if event.state == "failed":
            engine = fleet.nodes[name].engine
            said = [text for _, who, text in engine.messages if who == unit]
            words = getattr(engine.units.get(unit), "status_text", "") or (said[-1] if said else "")
            found.append(f"unit {unit} on {name} has failed ({event.text})" + (f": {words}" if words else ""))
    return found


def _link(bus: Bus) -> LinkReport | None:
    if not isinstance(bus, LinkedBus):
        return None
    return LinkReport(bus.link.name, bus.link.arbiter.value, bus.lost_frames, bus.unconfirmed, bus.filtered)


def _events(counts: dict[BusEventKind, int]) -> dict[str, int]:
    return {kind.value: count for kind, count in sorted(counts.items(), key=lambda item: item[0].value)}
