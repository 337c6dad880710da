"""What a recording says of itself at its head, in the section's comment, as JSON: the vehicle, its buses, its routes.

So that a recording can be explained later, on another machine, without the vehicle file. Nothing in it depends on where
the files lie or when they were read.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_type_hints

from gateway.can import FD
from gateway.lin import LinBus
from gateway.links import LinkedBus
from gateway.routing import FrameRoute, Route, SignalRoute
from gateway.vehicle.vehicle import Vehicle
from gateway.version import __version__


@dataclass(frozen=True, slots=True)
class AboutBus:
    """One bus; `database` is the name of its file, `data_bitrate` 0 where it has no CAN FD; `kind` can or lin.

    `link`: what it is linked to, whose name the frames from there have as their sender; empty for a simulated bus.
    """

    name: str
    database: str
    bitrate: int
    data_bitrate: int
    kind: str = "can"
    link: str = ""


@dataclass(frozen=True, slots=True)
class AboutRule:
    """One route. Keys are identifiers as frames carry them; None for all of a bus, or for the source's identifier."""

    name: str
    source: str
    target: str
    source_bus: str
    source_key: int | None
    target_bus: str
    target_key: int | None
    signal: bool
    """It carries a signal into a message of the gateway; otherwise whole frames."""
    latency_ns: int
    every_ns: int
    when: str
    file: str
    line: int

    def takes(self, bus: str, key: int) -> bool:
        return bus == self.source_bus and self.source_key in {None, key}

    @property
    def place(self) -> str:
        """`vehicle.yaml:26`; empty when the route is from no file."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file

    def __str__(self) -> str:
        return f"{self.name} {self.source} -> {self.target}"


@dataclass(frozen=True, slots=True)
class AboutEcu:
    """An ECU that was there; `unit` is what runs it, like `motor.service on central`, where that is a unit."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class About:
    """A vehicle in so much as its recordings need it."""

    vehicle: str
    seed: int
    gateway: str
    version: str
    buses: tuple[AboutBus, ...]
    rules: tuple[AboutRule, ...]
    ecus: tuple[AboutEcu, ...] = ()
    """Empty in recordings of older versions, which do not tell it."""
    has_gateway: bool = True
    selection: str = ""
    """`--without ESP`: what of the vehicle was there, where it was not all of it."""

    def as_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    def bus(self, name: str) -> AboutBus | None:
        return next((bus for bus in self.buses if bus.name == name), None)


def describe(vehicle: Vehicle, seed: int) -> About:
    """What there is to say about a vehicle that has been built."""
    buses = []
    for bus in vehicle.buses.values():
        kind = "lin" if isinstance(bus, LinBus) else "can"
        files = [Path(file).name for file in vehicle.databases[bus.name].file.split(", ")]
        data_bitrate = bus.rates.data if bus.fd else 0
        link = bus.link.name if isinstance(bus, LinkedBus) else ""
        buses.append(AboutBus(bus.name, ", ".join(files), bus.rates.nominal, data_bitrate, kind, link))
    return About(
        vehicle=vehicle.name,
        seed=seed,
        gateway=vehicle.gateway.name,
        version=__version__,
        buses=tuple(buses),
        rules=tuple(_rule(route) for route in vehicle.gateway.routes),
        ecus=tuple(AboutEcu(name, vehicle.units.get(name, "")) for name in (*vehicle.ecus, *vehicle.services)),
        has_gateway=vehicle.has_gateway,
        selection=vehicle.selection,
    )


def _rule(route: Route) -> AboutRule:
    rule = route.rule
    lane = route.lane if isinstance(route, FrameRoute | SignalRoute) else None
    return AboutRule(
        name=rule.name,
        source=rule.source,
        target=rule.target,
        source_bus=rule.source.partition(".")[0],
        source_key=_plain(rule.source_key),
        target_bus=rule.target.partition(".")[0],
        target_key=_plain(rule.target_key),
        signal=isinstance(route, SignalRoute),
        latency_ns=0 if lane is None else lane.latency_ns,
        every_ns=route.every_ns,
        when=rule.when,
        file=Path(rule.file).name,
        line=rule.line,
    )


def _plain(key: int | None) -> int | None:
    return None if key is None else key & ~FD


def read_about(comment: str) -> About | None:
    """What the head of a recording says; None when it is from somebody else (or from an older version of this)."""
    try:
        data: Any = json.loads(comment)
        return About(
            vehicle=str(data["vehicle"]),
            seed=int(data["seed"]),
            gateway=str(data["gateway"]),
            version=str(data["version"]),
            buses=tuple(AboutBus(**_typed(AboutBus, {"kind": "can", "link": "", **bus})) for bus in data["buses"]),
            rules=tuple(AboutRule(**_typed(AboutRule, rule)) for rule in data["rules"]),
            ecus=tuple(AboutEcu(**_typed(AboutEcu, ecu)) for ecu in data.get("ecus", ())),
            has_gateway=bool(data.get("has_gateway", True)),
            selection=str(data.get("selection", "")),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _typed(kind: type[AboutBus] | type[AboutRule] | type[AboutEcu], data: dict[str, Any]) -> dict[str, Any]:
    """The fields as they are; TypeError when one is not of the type that it has in `kind`."""
    for name, hint in get_type_hints(kind).items():
        if not isinstance(data[name], hint):
            raise TypeError(name)
    return data
