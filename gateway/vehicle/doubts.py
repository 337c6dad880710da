"""What a vehicle file can say, but hardly means."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.database import Severity
from gateway.ecu import NOBODY
from gateway.errors import nearest
from gateway.vehicle.file import VehicleFile
from gateway.vehicle.findings import Finding
from gateway.vehicle.names import nodes_of
from gateway.vehicle.vehicle import Vehicle


def doubts(file: VehicleFile, vehicle: Vehicle) -> Iterator[Finding]:
    """Warnings about ECUs and routes that will do nothing."""
    source = file.source
    for name, spec in file.spec.ecus.items():
        if not spec.on:
            yield Finding(
                source.file, source.line(("ecus", name)), Severity.WARNING, f"{name} is on no bus: give it `on: BUS`"
            )
        nodes = [node for bus in spec.on if bus in vehicle.databases for node in nodes_of(vehicle.databases[bus])]
        if nodes and spec.behaviour and not spec.node and name not in nodes:
            text = f"{name} is no node of the database of {' or '.join(spec.on)}, so it sends nothing by itself"
            yield Finding(source.file, source.line(("ecus", name)), Severity.WARNING, f"{text}{nearest(name, nodes)}")
    yield from _unsent(file, vehicle)


def _unsent(file: VehicleFile, vehicle: Vehicle) -> Iterator[Finding]:
    """Routes from messages that nobody here sends. A linked bus has senders that are not known here."""
    gateway = vehicle.gateway
    sent = {(bus, name) for ecu in vehicle.ecus.values() for bus, port in ecu.ports.items() for name in port.tx}
    for index, route in enumerate(file.spec.gateway.routes):
        bus, _, rest = route.source.partition(".")
        name = rest.partition(".")[0]
        database = vehicle.databases.get(bus)
        message = next((m for m in database.messages if m.name == name), None) if database else None
        if message is None or bus in file.spec.links or (bus, name) in sent:
            continue
        if gateway.name in message.senders or not set(message.senders) - NOBODY:
            text = f"nobody in this vehicle sends {bus}.{name}, which this route takes"
            yield Finding(file.source.file, file.source.line(("gateway", "routes", index)), Severity.WARNING, text)
