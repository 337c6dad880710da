"""What does not change while a vehicle drives: who is on which bus, what messages, routes and signals are called."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class PartKind(Enum):
    """What stands at the end of a line in the picture of a vehicle."""

    ECU = "ecu"
    REST_BUS = "rest bus"
    """A node of a database that the vehicle file does not name: it only sends."""
    GATEWAY = "gateway"
    OUTSIDE = "outside"
    """A link, a recording, a tester, a client: it is on the bus and nobody of this vehicle."""


class BusKind(Enum):
    CAN = "can"
    CAN_FD = "canfd"
    LIN = "lin"


@dataclass(frozen=True, slots=True)
class BusAbout:
    """One bus. `link`: what it is linked to, empty for a simulated one; rates in bit/s, `data_bitrate` 0 without FD."""

    name: str
    kind: BusKind
    bitrate: int
    data_bitrate: int
    database: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class PartAbout:
    """An ECU, the gateway, or somebody from outside, and the buses that it is on."""

    name: str
    kind: PartKind
    buses: tuple[str, ...]
    behaviour: str = ""
    """The class that lives in it; empty for rest bus."""


@dataclass(frozen=True, slots=True)
class SignalAbout:
    """One signal of a message; limits are physical, None where the database gives none."""

    name: str
    unit: str
    minimum: float | None
    maximum: float | None
    labels: tuple[tuple[float, str], ...]
    """Physical values with names, in the order of the value table."""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class MessageAbout:
    """One identifier of one bus. `number` is its place in `Feed.messages`, by which rows name it.

    `key` as frames carry it; `name` is empty where no database knows it. Signals stand in the database's order, and a
    row's values in the same.
    """

    number: int
    bus: str
    key: int
    identifier: str
    name: str
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    length: int
    cycle_ns: int | None
    signals: tuple[SignalAbout, ...]
    comment: str = ""

    @property
    def title(self) -> str:
        """`body.LightCommand`, or `body.0x3A0` where it has no name."""
        return f"{self.bus}.{self.name or self.identifier}"


@dataclass(frozen=True, slots=True)
class RouteAbout:
    """One route. `number` is its place in `Feed.about.routes`; messages by number, None for all of a bus."""

    number: int
    name: str
    source: str
    target: str
    source_bus: str
    target_bus: str
    source_message: int | None
    target_message: int | None
    carries: str
    """`frames` or `signal`."""
    when: str
    every_ns: int
    file: str
    line: int

    @property
    def place(self) -> str:
        """`vehicle.yaml:26`; empty when the route is from no file."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file


@dataclass(frozen=True, slots=True)
class PathAbout:
    """One signal of the VSS tree. `number` is its place in `Feed.paths`; `sources`: `bus.Message.Signal` it comes from."""

    number: int
    path: str
    unit: str
    datatype: str
    kind: str
    timeout_ns: int
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    """Where its target value goes, for an actuator."""


@dataclass(frozen=True, slots=True)
class VehicleAbout:
    """The picture of a vehicle. `domains`: what else hangs on the gateway (VSS, kuksa.val, VHAL, nodes), by name."""

    name: str
    gateway: str
    buses: tuple[BusAbout, ...]
    parts: tuple[PartAbout, ...]
    routes: tuple[RouteAbout, ...]
    domains: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
