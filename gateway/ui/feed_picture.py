"""The picture of a vehicle, from a vehicle that has been built."""

from __future__ import annotations

from pathlib import Path

from gateway.can import KEY_MASK, Bus
from gateway.com import header_of
from gateway.ecu import NOBODY
from gateway.lin import LinBus
from gateway.links import LinkedBus
from gateway.routing import Route, SignalRoute
from gateway.ui.feed_about import BusAbout, BusKind, PartAbout, PartKind, PathAbout, RouteAbout, VehicleAbout
from gateway.ui.feed_ledger import Ledger
from gateway.vehicle import Vehicle


def picture(vehicle: Vehicle, ledger: Ledger, domains: tuple[str, ...] = ()) -> VehicleAbout:
    """Who is where. `domains`: what is served besides, for people."""
    own = ("VSS",) if len(vehicle.gateway.store) else ()
    someip = ("SOME/IP",) if vehicle.someip is not None and vehicle.has_gateway else ()
    return VehicleAbout(
        name=vehicle.name,
        gateway=vehicle.gateway.name if _has_gateway(vehicle) else "",
        buses=tuple(_bus(vehicle, bus) for bus in vehicle.buses.values()),
        parts=_parts(vehicle),
        routes=tuple(
            _route(number, route, ledger)
            for number, route in enumerate(vehicle.gateway.routes if vehicle.has_gateway else ())
        ),
        domains=(*own, *domains, *someip),
        nodes=tuple(vehicle.fleet.nodes) if vehicle.fleet is not None else (),
    )


def _has_gateway(vehicle: Vehicle) -> bool:
    """It runs here, and is on some bus: for looking on at real buses there is none."""
    return vehicle.has_gateway and bool(vehicle.gateway.controllers)


def _bus(vehicle: Vehicle, bus: Bus) -> BusAbout:
    kind = BusKind.LIN if isinstance(bus, LinBus) else BusKind.CAN_FD if bus.fd else BusKind.CAN
    return BusAbout(
        name=bus.name,
        kind=kind,
        bitrate=bus.rates.nominal,
        data_bitrate=bus.rates.data if bus.fd else 0,
        database=", ".join(Path(file).name for file in vehicle.databases[bus.name].file.split(", ") if file),
        link=bus.link.name if isinstance(bus, LinkedBus) else "",
    )


def _parts(vehicle: Vehicle) -> tuple[PartAbout, ...]:
    parts = []
    if _has_gateway(vehicle):
        parts.append(PartAbout(vehicle.gateway.name, PartKind.GATEWAY, tuple(vehicle.gateway.controllers)))
    for name, ecu in vehicle.ecus.items():
        if name not in NOBODY:
            kind = PartKind.ECU if ecu.has_behaviour else PartKind.REST_BUS
            parts.append(PartAbout(name, kind, tuple(ecu.ports)))
    known = {part.name for part in parts}
    for bus in vehicle.buses.values():
        for controller in bus.controllers:
            if controller.name not in known:
                known.add(controller.name)
                where = tuple(
                    other.name
                    for other in vehicle.buses.values()
                    if any(one.name == controller.name for one in other.controllers)
                )
                parts.append(PartAbout(controller.name, PartKind.OUTSIDE, where))
    return tuple(parts)


def _route(number: int, route: Route, ledger: Ledger) -> RouteAbout:
    rule = route.rule
    source_bus = rule.source.partition(".")[0]
    target_bus = rule.target.partition(".")[0]
    target_key = rule.source_key if rule.target_key is None else rule.target_key
    return RouteAbout(
        number=number,
        name=rule.name,
        source=rule.source,
        target=rule.target,
        source_bus=source_bus,
        target_bus=target_bus,
        source_message=_number(ledger, source_bus, rule.source_key),
        target_message=_number(ledger, target_bus, target_key),
        carries="signal" if isinstance(route, SignalRoute) else "frames",
        when=rule.when,
        every_ns=route.every_ns,
        file=rule.file,
        line=rule.line,
    )


def _number(ledger: Ledger, bus: str, key: int | None) -> int | None:
    entry = None if key is None else ledger.find(bus, key)
    return None if entry is None else entry.about.number


def paths(vehicle: Vehicle, after: int = 0) -> tuple[PathAbout, ...]:
    """The VSS signals of the store, from this number on."""
    if not vehicle.has_gateway or len(vehicle.gateway.store) <= after:
        return ()
    sources: dict[str, tuple[str, ...]] = {}
    targets: dict[str, tuple[str, ...]] = {}
    leaves = vehicle.mapping.tree.leaves if vehicle.mapping is not None else {}
    for rule in vehicle.mapping.upward if vehicle.mapping is not None else ():
        sources[rule.leaf.path] = tuple(map(str, rule.places))
    for command in vehicle.mapping.downward if vehicle.mapping is not None else ():
        targets[command.leaf.path] = (*targets.get(command.leaf.path, ()), str(command.place))
    found = []
    for number, signal in enumerate(vehicle.gateway.store):
        if number >= after:
            path = signal.path
            leaf = leaves.get(path)
            known = ("", "", "") if leaf is None else (leaf.unit, leaf.datatype, leaf.kind.value)
            ends = sources.get(path, ()), targets.get(path, ())
            found.append(PathAbout(number, path, *known, signal.timeout_ns, *ends))
    return tuple(found)


def ledger_of(vehicle: Vehicle) -> Ledger:
    """A ledger with what the databases know, in their order."""
    found = Ledger()
    for bus in vehicle.buses.values():
        for message in vehicle.databases[bus.name].messages:
            found.add(bus.name, header_of(message) & KEY_MASK, message)
    return found
