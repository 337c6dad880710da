"""From the vehicle file to a vehicle: everything named in it is found, or told with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

from gateway.can import BitRates
from gateway.database import Database, Message, joined, load_shared
from gateway.ecu import NOBODY, Ecu, Track, senders
from gateway.errors import GatewayError, nearest
from gateway.routing import Gateway, Route, Rule, load_tree
from gateway.sim import Kernel, Streams
from gateway.vehicle.assembly.behaviours import load_class
from gateway.vehicle.assembly.drive import read_drive
from gateway.vehicle.assembly.lin import attach, hold_start_values, lin_bus, lin_database, silent_nodes
from gateway.vehicle.assembly.links import BusMaker, pdus_of
from gateway.vehicle.assembly.names import key_of, nodes_of
from gateway.vehicle.assembly.protect import protect, protected_messages
from gateway.vehicle.assembly.routes import RouteBuilder
from gateway.vehicle.assembly.signals import build_signals
from gateway.vehicle.errors import VehicleFileError, keep, raise_all
from gateway.vehicle.file.model import BusSpec, EcuSpec, ProtectSpec
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.vehicle import Vehicle

T = TypeVar("T")
_BUS_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
BOOT_SPREAD_US = 10_000
"""ECUs without a boot time of their own begin within the first 10 ms, each at a time drawn from the seed."""


class Builder:
    """Builds one vehicle. All faults of the file are collected in `faults` and told at once.

    What depends on a bus without a database is left out, so that one fault is not told many times.
    """

    def __init__(self, file: VehicleFile, kernel: Kernel, seed: int, buses: BusMaker | None = None) -> None:
        self.file = file
        self._maker = buses or BusMaker()
        self.spec = file.spec
        self.faults: list[GatewayError] = []
        self.silent: set[str] = set()
        """ECUs that have faults of their own."""
        databases: dict[str, Database] = {}
        for name, spec in self.spec.buses.items():
            found = self.attempt(partial(self._database, name, spec), "buses", name, "database")
            if found is not None:
                databases[name] = found
        self._lost_buses = {*self.spec.buses, *file.left_out} - set(databases)
        options = self.spec.gateway
        self.vehicle = Vehicle(
            name=self.spec.vehicle,
            kernel=kernel,
            streams=Streams(seed),
            buses={},
            databases=databases,
            gateway=Gateway(kernel, options.name, latency_ns=options.latency, limit=options.queue),
        )

    def build(self) -> Vehicle:
        """The vehicle, everything switched off. VehicleFileError with all faults."""
        vehicle = self.assemble()
        raise_all(self.faults)
        return vehicle

    def assemble(self) -> Vehicle:
        """As much of the vehicle as can be built; the rest is in `faults`."""
        for index, name in enumerate(self.vehicle.databases):
            self._bus(name, index, self.spec.buses[name])
        tracks = self.attempt(self._tracks, "drive")
        for name, ecu in self.spec.ecus.items():
            self._ecu(name, ecu)
        self.vehicle.protected = protected_messages(self.vehicle, self.file)
        routes = self._routes()
        self.attempt(self._signals, "gateway", "signals")
        self._services()
        self._rest_bus()
        self._leave_to_the_gateway(routes.forwarded)
        hold_start_values(self.vehicle)
        self._give_tracks(tracks or {})
        for name, spec in self.spec.protect.items():
            self.attempt(partial(self._protect, name, spec, routes.forwarded), "protect", name)
        if self.spec.domains.nodes:
            from gateway.vehicle.assembly.nodes import build_fleet

            self.vehicle.fleet = self.attempt(partial(build_fleet, self.vehicle, self.file), "domains", "nodes")
        if (
            self.spec.domains.migrations
            and not self._lost_buses
            and (self.vehicle.fleet or not self.spec.domains.nodes)
        ):
            from gateway.vehicle.assembly.migrations import build_migrations

            migrations = partial(build_migrations, self.vehicle, self.file)
            found = self.attempt(migrations, "domains", "migrations")
            self.vehicle.migrations = found or {}
            if found is None:
                self.silent |= set(self.vehicle.services)  # what a service sends depends on its migration
        for name in self.spec.links:
            if name not in self.spec.buses and name not in self.file.left_out:
                near = nearest(name, list(self.spec.buses))
                self._fault(f"a link for a bus {name!r} that is not there{near}", "links", name)
            self.attempt(partial(pdus_of, self.file, name), "links", name, "pdus")
        return self.vehicle

    def attempt(self, action: Callable[[], T], *place: str | int) -> T | None:
        """Do it. A fault is kept; one without a line gets that of `place`."""
        faults: list[GatewayError] = []
        result = keep(faults, action)
        for fault in faults:
            if fault.file is None:
                fault.file, fault.line = self.file.source.file, self.file.source.line(place)
        self.faults += faults
        return None if faults else result

    def _fault(self, sentence: str, *place: str | int) -> None:
        self.faults.append(self.file.source.error(sentence, place))

    def _database(self, name: str, spec: BusSpec) -> Database:
        """All files of a bus as one database."""
        databases = [load_shared(self.file.existing(path, "buses", name, "database")) for path in spec.database]
        if spec.kind == "lin":
            return lin_database(name, spec, databases)
        for path, database in zip(spec.database, databases, strict=True):
            if database.lin is not None:
                raise VehicleFileError(f"{path} is an LDF, and {name} is no LIN bus: give it `kind: lin`")
        return joined(name, databases)

    def _bus(self, name: str, index: int, spec: BusSpec) -> None:
        fd = spec.kind == "canfd"
        if not _BUS_NAME.fullmatch(name):
            self._fault(f"{name!r} cannot be the name of a bus: letters, digits, _ and - are allowed", "buses", name)
        if spec.data_bitrate is not None and not fd:
            self._fault(f"bus {name} has a data_bitrate, so its kind must be canfd", "buses", name, "data_bitrate")
        for word in ("schedule", "commander", "schedules"):
            if word in spec.model_fields_set and spec.kind != "lin":
                self._fault(f"bus {name} has a {word}, so its kind must be lin", "buses", name, word)
        if spec.kind == "lin":
            self._lin_bus(name, index, spec)
            return
        data_rate = spec.data_bitrate if fd and spec.data_bitrate else spec.bitrate
        word = "data_bitrate" if spec.data_bitrate else "bitrate"
        rates = self.attempt(partial(BitRates, spec.bitrate, data_rate), "buses", name, word)
        for message in self.vehicle.databases[name].messages:
            if message.length > 8 and not fd and self._has_frames(message):
                self._fault(
                    f"message {message.name} of {message.length} bytes needs CAN FD: kind: canfd", "buses", name
                )
        # A bus that has faults is built all the same: what is on it is looked at as well.
        rates = rates or BitRates(500_000, 500_000)
        bus = self._maker.make(self.vehicle.kernel, name, rates, index=index, fd=fd)
        self.vehicle.buses[name] = bus
        self.vehicle.gateway.attach(bus)

    def _lin_bus(self, name: str, index: int, spec: BusSpec) -> None:
        database = self.vehicle.databases[name]
        bus = self.attempt(partial(lin_bus, self.vehicle.kernel, name, database, spec, index), "buses", name)
        if bus is None:
            self._lost_buses.add(name)
            return
        self.vehicle.buses[name] = bus
        self.vehicle.gateway.attach(bus)
        node = database.lin.commander if database.lin is not None else ""
        commander = spec.commander or node
        known = self.spec.ecus.get(commander)
        if known is not None and name not in known.on:
            self._fault(f"{commander} is the commander of {name} and is not on it", "ecus", commander, "on")
        elif (known.node if known is not None and known.node else commander) != node:
            self._fault(f"the commander of {name} is {node} in its LDF, not {commander}", "buses", name, "commander")
        elif known is None and (commander == self.spec.gateway.name or not spec.restbus):
            why = f"{commander} is the gateway, which runs none" if spec.restbus else "its rest bus is off"
            self._fault(
                f"nobody runs the schedule of {name}: {why}; put the commander {commander} under `ecus`"
                + (", and give the gateway another `name`" if commander == self.spec.gateway.name else ""),
                "buses",
                name,
            )

    @staticmethod
    def _has_frames(message: Message) -> bool:
        """It fits into one frame; longer ones go by a transport protocol and are not sent by themselves."""
        return message.length <= 64

    def _tracks(self) -> Mapping[str, Track]:
        return read_drive(self.file.existing(self.spec.drive, "drive")) if self.spec.drive else {}

    def _routes(self) -> RouteBuilder:
        routes = RouteBuilder(self.vehicle)
        gateway = self.vehicle.gateway
        for index, route in enumerate(self.spec.gateway.routes):
            if not {end.partition(".")[0] for end in (route.source, route.target)} & self._lost_buses:
                line = self.file.source.line(("gateway", "routes", index)) or 0
                action = partial(routes.add, index, route, self.file.source.file, line)
                self.attempt(action, "gateway", "routes", index)
            if len(gateway.routes) == index:  # a place for the route that cannot be, so that the others keep theirs
                gateway.routes.append(Route(gateway.kernel, Rule(index, route.source, route.target), gateway.journeys))
        return routes

    def _signals(self) -> None:
        options = self.spec.gateway
        if self._lost_buses and options.signals:
            load_tree(self.file.folder / options.signals)
        else:
            build_signals(self.vehicle, self.file)

    def _services(self) -> None:
        """What depends on a bus or a VSS tree that has faults is not looked at."""
        lost = self.spec.gateway.signals is not None and self.vehicle.mapping is None
        if self.spec.services is not None and not self._lost_buses and not lost:
            from gateway.vehicle.assembly.someip import ServiceBuilder

            ServiceBuilder(self.vehicle, self.file, self.attempt).build()

    # ECUs

    def _new_ecu(self, name: str, boot_ns: int | None) -> Ecu:
        random = self.vehicle.streams.stream(f"ecu/{name}")
        drawn_ns = random.randrange(BOOT_SPREAD_US) * 1_000
        ecu = Ecu(self.vehicle.kernel, name, random, boot_ns=drawn_ns if boot_ns is None else boot_ns)
        ecu.on_failure = self.vehicle.failures.append
        self.vehicle.ecus[name] = ecu
        return ecu

    def _ecu(self, name: str, spec: EcuSpec) -> None:
        before = len(self.faults)
        if name == self.spec.gateway.name:
            self._fault(f"{name} is the gateway; give one of the two another name", "ecus", name)
        ecu = self._new_ecu(name, spec.boot)
        on = [bus for bus in dict.fromkeys(spec.on) if bus not in self._lost_buses]
        for bus in on:
            if bus in self.vehicle.buses:
                self._attach(ecu, bus, spec.node or name)
            else:
                near = nearest(bus, list(self.vehicle.buses))
                self._fault(f"{name} is on a bus {bus!r} that is not there{near}", "ecus", name, "on")
        self._check_node(name, spec, ecu)
        behaviour = spec.behaviour
        if behaviour is not None:
            factory = self.attempt(partial(load_class, self.file.folder, behaviour), "ecus", name, "behaviour")
            if factory is not None:
                ecu.behave(factory)
        if len(self.faults) > before or set(spec.on) & self._lost_buses:
            self.silent.add(name)

    def _check_node(self, name: str, spec: EcuSpec, ecu: Ecu) -> None:
        """An ECU that does nothing by itself must be a node of a database, and no two ECUs are the same one."""
        node = spec.node or name
        nodes = {node for bus in ecu.ports for node in nodes_of(self.vehicle.databases[bus])}
        if spec.on and len(ecu.ports) == len(set(spec.on)) and node not in nodes and (spec.node or not spec.behaviour):
            near = nearest(node, sorted(nodes))
            self._fault(
                f"there is no node {node!r} in the database of {' or '.join(ecu.ports)}{near},"
                f" and {name} {'has the behaviour of no other' if spec.behaviour is None else 'claims to be it'}",
                *("ecus", name, "node") if spec.node else ("ecus", name),
            )
        for other, theirs in self.spec.ecus.items():
            if other == name:
                break
            if (theirs.node or other) == node and set(theirs.on) & set(spec.on):
                self._fault(f"{name} and {other} both are the node {node!r}", "ecus", name)

    def _attach(self, ecu: Ecu, bus: str, node: str) -> None:
        database = self.vehicle.databases[bus]
        port = ecu.attach(bus, attach(self.vehicle.buses[bus], ecu.name, node), database)
        ecu.sends(port, [message for message in senders(database).get(node, []) if self._has_frames(message)])

    def _rest_bus(self) -> None:
        """The nodes of the databases that nobody has described: they send their messages and nothing else."""
        known = {spec.node or name for name, spec in self.spec.ecus.items()} | {self.spec.gateway.name}
        for bus, database in self.vehicle.databases.items():
            if not self.spec.buses[bus].restbus:
                continue
            for node in dict.fromkeys([*senders(database), *silent_nodes(database)]):
                if node in known or node in NOBODY or bus not in self.vehicle.buses:
                    continue
                ecu = self.vehicle.ecus.get(node) or self._new_ecu(node, None)
                self._attach(ecu, bus, node)

    def _leave_to_the_gateway(self, forwarded: set[tuple[str, int]]) -> None:
        """What the gateway forwards to a bus or composes there is not sent by anyone else."""
        gateway = self.vehicle.gateway
        composed = {*gateway.targets, *gateway.commands}
        for ecu in self.vehicle.ecus.values():
            for bus, port in ecu.ports.items():
                for name, message in port.tx.items():
                    if (bus, name) in composed or (bus, key_of(message.definition)) in forwarded:
                        ecu.silence(f"{bus}.{name}")

    def _give_tracks(self, tracks: Mapping[str, Track]) -> None:
        for column, track in tracks.items():
            name, _, channel = column.partition(".")
            ecu = self.vehicle.ecus.get(name)
            if ecu is not None:
                ecu.tracks[channel] = track
            elif name not in self.file.left_out and not self._lost_buses:
                near = nearest(name, list(self.vehicle.ecus))
                file = str(self.file.folder / (self.spec.drive or ""))
                self.faults.append(
                    VehicleFileError(f"column {column!r}: there is no ECU {name!r}{near}", file=file, line=1)
                )

    def _protect(self, name: str, spec: ProtectSpec, forwarded: set[tuple[str, int]]) -> None:
        if name.partition(".")[0] in self._lost_buses:
            return
        message = protect(self.vehicle, name, spec, forwarded)
        if message is not None and not any((self.spec.ecus[ecu].node or ecu) in message.senders for ecu in self.silent):
            raise VehicleFileError(f"nobody in this vehicle sends {name}")
