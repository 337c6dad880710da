"""A vehicle that can drive: its buses, its ECUs, its gateway, all on one kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.can import Bus, BusEventKind
from gateway.database import Database
from gateway.ecu import Ecu, Failure
from gateway.errors import GatewayError, nearest
from gateway.routing import CanToVss, Gateway, VssMapping, VssToCan
from gateway.sim import NS_PER_S, Kernel, Streams
from gateway.vehicle.service_events import ServiceEvents

if TYPE_CHECKING:
    from gateway.ethernet import Segment
    from gateway.orchestrator.fleet import Fleet
    from gateway.orchestrator.migration import Migration
    from gateway.services.someip import Network, Node
    from gateway.vehicle.assembly.protect import Protected


@dataclass(slots=True)
class Vehicle:
    """Everything that `build` made from a vehicle file."""

    name: str
    kernel: Kernel
    streams: Streams
    buses: dict[str, Bus]
    databases: Mapping[str, Database]
    gateway: Gateway
    ecus: dict[str, Ecu] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    mapping: VssMapping | None = None
    can_to_vss: CanToVss | None = None
    vss_to_can: VssToCan | None = None
    whole: bool = True
    """All of its ECUs and its gateway are here, and not only a selection of them."""
    selection: str = ""
    """`--without ESP`: what it is that is here, where it is not whole."""
    has_gateway: bool = True
    """The gateway runs here."""

    protected: Mapping[tuple[str, int], Protected] = field(default_factory=dict)
    """Messages with end-to-end protection, by bus and key: what the gateway checks."""
    fleet: Fleet | None = None
    """Nodes and units."""
    migrations: dict[str, Migration] = field(default_factory=dict)
    """Functions of ECUs that move to services, by name."""
    managed: set[str] = field(default_factory=set)
    """ECUs that a unit of a node switches on and off."""
    units: dict[str, str] = field(default_factory=dict)
    """`motor.service on central` for an ECU that a unit runs, and for the name of a route (`r1`)."""
    stopping: bool = False
    """It is switched off as a whole, so that an ECU without power is nothing to tell."""
    services: dict[str, Ecu] = field(default_factory=dict)
    """Services in Python that run as units of nodes."""
    service_events: ServiceEvents = field(default_factory=ServiceEvents)
    """What MQTT and Zenoh refused or held back."""
    someip: Node | None = None
    """The gateway as a SOME/IP host."""
    ethernet: Segment | None = None
    """The simulated Ethernet segment."""
    network: Network | None = None
    """What the SOME/IP host is on: the segment, unless it is put on sockets before the start."""

    def start(self) -> None:
        """Switch everything on. An asyncio loop must run when a behaviour has tasks."""
        self.stopping = False
        for name, ecu in self.ecus.items():
            if name not in self.managed:
                ecu.switch_on()
        if self.has_gateway:
            self.gateway.start()
            if self.someip is not None and self.network is not None:
                self.someip.open(self.network)
        if self.fleet is not None:
            self.fleet.start()

    def stop(self) -> None:
        """Switch everything off and cancel what the ECUs run."""
        self.stopping = True
        if self.someip is not None:
            self.someip.close()
        if self.fleet is not None:
            self.fleet.stop()
        for ecu in self.ecus.values():
            ecu.switch_off()

    def shift_drive(self, shift_ns: int) -> None:
        """Begin the drive cycle so far in it (below zero: so much later) instead of at its start."""
        for ecu in self.ecus.values():
            for track in ecu.tracks.values():
                track.shift_ns = shift_ns

    def ecu(self, name: str) -> Ecu:
        """GatewayError with the nearest name for an ECU that is not there."""
        if name not in self.ecus:
            raise GatewayError(f"there is no ECU {name!r} in {self.name}{nearest(name, list(self.ecus))}")
        return self.ecus[name]

    @property
    def simulated_s(self) -> float:
        return self.kernel.now / NS_PER_S

    def event_count(self, bus: str, kind: BusEventKind) -> int:
        return self.buses[bus].event_counts.get(kind, 0)
