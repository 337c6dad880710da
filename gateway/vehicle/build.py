"""From the vehicle file to a vehicle: everything named in it is found, or told with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from gateway.can import BitRates, Bus
from gateway.com import Protection
from gateway.database import Database, load
from gateway.ecu import NOBODY, Ecu, Track, senders
from gateway.errors import GatewayError, nearest
from gateway.routing import Gateway
from gateway.sim import Kernel, Streams
from gateway.vehicle.behaviours import load_class
from gateway.vehicle.drive import read_drive
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.file import VehicleFile
from gateway.vehicle.model import BusSpec, EcuSpec, ProtectSpec
from gateway.vehicle.names import resolve
from gateway.vehicle.routes import RouteBuilder
from gateway.vehicle.signals import build_signals
from gateway.vehicle.vehicle import Vehicle

T = TypeVar("T")
BOOT_SPREAD_US = 10_000
"""ECUs without a boot time of their own begin within the first 10 ms, each at a time drawn from the seed."""


class Builder:
    """Builds one vehicle. All faults of the file are collected and told at once."""

    def __init__(self, file: VehicleFile, kernel: Kernel, seed: int) -> None:
        self.file = file
        self.spec = file.spec
        self._faults: list[GatewayError] = []
        databases: dict[str, Database] = {}
        for name, spec in self.spec.buses.items():
            found = self.attempt(partial(self._database, name, spec), "buses", name, "database")
            if found is not None:
                databases[name] = found
        self._raise_faults()
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
        for index, (name, bus) in enumerate(self.spec.buses.items()):
            self.attempt(partial(self._bus, name, index, bus), "buses", name)
        self._raise_faults()
        tracks = self.attempt(self._tracks, "drive") or {}
        for name, ecu in self.spec.ecus.items():
            self.attempt(partial(self._ecu, name, ecu), "ecus", name)
        self._raise_faults()
        routes = RouteBuilder(self.vehicle)
        for index, route in enumerate(self.spec.gateway.routes):
            line = self.file.source.line(("gateway", "routes", index)) or 0
            self.attempt(partial(routes.add, index, route, self.file.source.file, line), "gateway", "routes", index)
        self.attempt(partial(build_signals, self.vehicle, self.file), "gateway", "signals")
        self._rest_bus()
        self._leave_to_the_gateway()
        self._give_tracks(tracks)
        for name, protect in self.spec.protect.items():
            self.attempt(partial(self._protect, name, protect), "protect", name)
        self._raise_faults()
        return self.vehicle

    def attempt(self, action: Callable[[], T], *place: str | int) -> T | None:
        """Do it. A fault is kept; one without a line gets that of `place`."""
        try:
            return action()
        except GatewayError as error:
            if error.file is None:
                error.file, error.line = self.file.source.file, self.file.source.line(place)
            self._faults.append(error)
            return None

    def _raise_faults(self) -> None:
        if self._faults:
            first, *more = self._faults
            raise VehicleFileError(first.sentence, file=first.file, line=first.line, more=tuple(more))

    def _database(self, name: str, spec: BusSpec) -> Database:
        """All files of a bus as one database."""
        databases = [load(self.file.folder / path) for path in spec.database]
        if len(databases) == 1:
            return databases[0]
        return Database(
            name=name,
            file=", ".join(database.file for database in databases),
            messages=tuple(message for database in databases for message in database.messages),
            nodes=tuple(dict.fromkeys(node for database in databases for node in database.nodes)),
            diagnostics=tuple(diagnostic for database in databases for diagnostic in database.diagnostics),
        )

    def _bus(self, name: str, index: int, spec: BusSpec) -> None:
        rates = BitRates(spec.bitrate, spec.data_bitrate or spec.bitrate)
        if spec.data_bitrate is not None and spec.kind != "canfd":
            raise VehicleFileError(f"bus {name} has a data_bitrate, so its kind must be canfd")
        bus = Bus(self.vehicle.kernel, name, rates, index=index, fd=spec.kind == "canfd")
        for message in self.vehicle.databases[name].messages:
            if not bus.fd and (message.fd or message.length > 8):
                raise VehicleFileError(f"message {message.name} of {message.length} bytes needs CAN FD: kind: canfd")
        self.vehicle.buses[name] = bus
        self.vehicle.gateway.attach(bus)

    def _tracks(self) -> Mapping[str, Track]:
        return read_drive(self.file.folder / self.spec.drive) if self.spec.drive else {}

    # ECUs

    def _new_ecu(self, name: str, boot_ns: int | None) -> Ecu:
        random = self.vehicle.streams.stream(f"ecu/{name}")
        drawn_ns = random.randrange(BOOT_SPREAD_US) * 1_000
        ecu = Ecu(self.vehicle.kernel, name, random, boot_ns=drawn_ns if boot_ns is None else boot_ns)
        ecu.on_failure = self.vehicle.failures.append
        self.vehicle.ecus[name] = ecu
        return ecu

    def _ecu(self, name: str, spec: EcuSpec) -> None:
        ecu = self._new_ecu(name, spec.boot)
        for bus in spec.on:
            if bus not in self.vehicle.buses:
                raise VehicleFileError(
                    f"{name} is on a bus {bus!r} that is not there{nearest(bus, list(self.vehicle.buses))}"
                )
            self._attach(ecu, bus, spec.node or name)
        if spec.behaviour is not None:
            ecu.behave(load_class(self.file.folder, spec.behaviour))

    def _attach(self, ecu: Ecu, bus: str, node: str) -> None:
        database = self.vehicle.databases[bus]
        port = ecu.attach(bus, self.vehicle.buses[bus].attach(ecu.name), database)
        ecu.sends(port, senders(database).get(node, []))

    def _rest_bus(self) -> None:
        """The nodes of the databases that nobody has described: they send their messages and nothing else."""
        known = {spec.node or name for name, spec in self.spec.ecus.items()} | {self.spec.gateway.name}
        for bus, spec in self.spec.buses.items():
            if not spec.restbus:
                continue
            for node in senders(self.vehicle.databases[bus]):
                if node in known or node in NOBODY:
                    continue
                ecu = self.vehicle.ecus.get(node) or self._new_ecu(node, None)
                self._attach(ecu, bus, node)

    def _leave_to_the_gateway(self) -> None:
        """What the gateway forwards to a bus or composes there is not sent by anyone else."""
        gateway = self.vehicle.gateway
        taken = {*gateway.targets, *gateway.commands, *RouteBuilder.forwarded(self.vehicle)}
        for ecu in self.vehicle.ecus.values():
            for bus, port in ecu.ports.items():
                for name in port.tx:
                    if (bus, name) in taken:
                        ecu.silence(name)

    def _give_tracks(self, tracks: Mapping[str, Track]) -> None:
        for column, track in tracks.items():
            name, _, channel = column.partition(".")
            ecu = self.vehicle.ecus.get(name)
            if ecu is None:
                near = nearest(name, list(self.vehicle.ecus))
                self._faults.append(
                    VehicleFileError(f"column {column!r}: there is no ECU {name!r}{near}", file=self.spec.drive, line=1)
                )
            else:
                ecu.tracks[channel] = track

    def _protect(self, name: str, spec: ProtectSpec) -> None:
        end = resolve(name, self.vehicle.databases)
        if end.message is None or end.signal is not None:
            raise VehicleFileError(f"{name!r} is not bus.Message")
        for ecu in self.vehicle.ecus.values():
            port = ecu.ports.get(end.bus)
            if port is not None and end.message.name in port.tx:
                port.tx[end.message.name].protection = Protection(
                    end.message, spec.counter, spec.checksum, spec.algorithm
                )
                return
        target = self.vehicle.gateway.targets.get((end.bus, end.message.name))
        command = self.vehicle.gateway.commands.get((end.bus, end.message.name))
        message = target.message if target is not None else command
        if message is None:
            raise VehicleFileError(f"nobody in this vehicle sends {name}")
        message.protection = Protection(end.message, spec.counter, spec.checksum, spec.algorithm)
