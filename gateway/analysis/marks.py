"""Counters and checksums, as the `protect` of a vehicle file names them: they change with every frame, and tell nothing
of what was driven."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.can import KEY_MASK
from gateway.com import TxMessage, header_of
from gateway.routing import FrameRoute
from gateway.vehicle import Vehicle

Marks = Mapping[tuple[str, int], frozenset[str]]
"""By bus and key, the names of signals."""


def marks_of(vehicle: Vehicle) -> dict[tuple[str, int], frozenset[str]]:
    """Those of what is sent in a vehicle, and of what its gateway forwards as it is."""
    found: dict[tuple[str, int], frozenset[str]] = {}
    for bus, message in _sent(vehicle):
        protection = message.protection
        if protection is not None and protection.seal is None:
            names = {protection.counter, protection.checksum} - {None}
            found[bus, header_of(message.definition) & KEY_MASK] = frozenset(map(str, names))
    for route in vehicle.gateway.routes:
        if isinstance(route, FrameRoute) and route.rule.source_key is not None:
            source_key, target_key = route.rule.source_key, route.rule.target_key
            key = (source_key if target_key is None else target_key) & KEY_MASK
            source = (route.rule.source.partition(".")[0], source_key & KEY_MASK)
            if source in found:
                found.setdefault((route.rule.target.partition(".")[0], key), found[source])
    return found


def _sent(vehicle: Vehicle) -> Iterator[tuple[str, TxMessage]]:
    for ecu in (*vehicle.ecus.values(), *vehicle.services.values()):
        for bus, port in ecu.ports.items():
            yield from ((bus, message) for message in port.tx.values())
    yield from ((bus, target.message) for (bus, _), target in vehicle.gateway.targets.items())
    yield from ((bus, command) for (bus, _), command in vehicle.gateway.commands.items())
