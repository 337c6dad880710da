"""What a vehicle file can say, but hardly means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.can import EXTENDED, ID_MASK
from gateway.database import Message, Severity
from gateway.ecu import NOBODY
from gateway.errors import nearest
from gateway.routing import FrameRoute
from gateway.vehicle.assembly.names import key_of, nodes_of
from gateway.vehicle.checks.findings import Finding
from gateway.vehicle.checks.service_doubts import taken_over
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.vehicle import Vehicle

_NAMED: Final = 8


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
    yield from taken_over(file, vehicle)
    yield from _unknown(file, vehicle)


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


def _unknown(file: VehicleFile, vehicle: Vehicle) -> Iterator[Finding]:
    """Routes of frames that nobody on the target bus can know."""
    for route in vehicle.gateway.frame_routes():
        bus, key = route.lane.controller.bus.name, _key_there(route)
        database = vehicle.databases.get(bus)
        if key is None or database is None or database.by_id(key & ID_MASK, bool(key & EXTENDED)) is not None:
            continue
        text = f"the database of {bus} does not know {_id_text(key)}, which this route brings there from {route.rule.source}"
        yield Finding(file.source.file, route.rule.line, Severity.WARNING, text)


def unrouted(file: VehicleFile, vehicle: Vehicle) -> Iterator[Finding]:
    """Messages that the gateway's node sends by the database, and that no route brings or composes.

    For a vehicle without faults: a route that cannot be is none here.
    """
    gateway = vehicle.gateway
    senders = (*vehicle.ecus.values(), *vehicle.services.values())
    sent = {(bus, name) for ecu in senders for bus, port in ecu.ports.items() for name in port.tx}
    sent |= gateway.targets.keys() | gateway.commands.keys()
    brought = {(route.lane.controller.bus.name, _key_there(route)) for route in gateway.frame_routes()}
    for bus, database in vehicle.databases.items():
        controller = gateway.controllers.get(bus)
        if bus in file.spec.links or controller is None or controller.polled or (bus, None) in brought:
            continue
        missing = [
            message
            for message in database.messages
            if gateway.name in message.senders
            and (bus, message.name) not in sent
            and (bus, key_of(message)) not in brought
        ]
        if missing:
            text = f"{gateway.name} sends {_unrouted_text(bus, missing)}"
            yield Finding(database.file, missing[0].line, Severity.WARNING, text)


def _unrouted_text(bus: str, missing: Sequence[Message]) -> str:
    """One line for all of a database: of a small vehicle with large databases it is most of them."""
    names = [message.name for message in missing]
    if len(names) == 1:
        return f"{bus}.{names[0]} by the database, and no route brings it or a signal of it"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    listed = ", ".join(names[:_NAMED])
    return (
        f"{len(names)} messages on {bus} by the database, and no route brings them or a signal of them: {listed}{more}"
    )


def _key_there(route: FrameRoute) -> int | None:
    """The identifier that a route's frames have on the target bus; None for all of a bus."""
    rule = route.rule
    return rule.source_key if rule.target_key is None else rule.target_key


def _id_text(key: int) -> str:
    return f"0x{key & ID_MASK:X}x" if key & EXTENDED else f"0x{key & ID_MASK:03X}"
