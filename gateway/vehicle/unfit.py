"""What came and was not taken: frames of links that a bus cannot carry, messages and events that fail their check,
requests that were refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from gateway.links import LinkedBus
from gateway.vehicle.vehicle import Vehicle

if TYPE_CHECKING:
    from gateway.services.someip import Node

_REBOOTS: Final = "reboots of peers"
"""Happen, and are no fault."""


def unfit(vehicle: Vehicle) -> dict[str, int]:
    """How many, by where and why; only what there was."""
    return {text: count for text, count in _all(vehicle) if count}


def _all(vehicle: Vehicle) -> Iterator[tuple[str, int]]:
    for bus in vehicle.buses.values():
        if isinstance(bus, LinkedBus):
            yield f"{bus.name}: frames of {bus.link.name} that the bus cannot carry", getattr(bus.link, "unfit", 0)
            wrong = getattr(bus.link, "wrong", 0)
            if wrong:
                last = getattr(bus.link, "last_wrong", "")
                yield f"{bus.name}: datagrams to {bus.link.name} that cannot be read (the last: {last})", wrong
    for ecu in vehicle.ecus.values():
        for name, port in ecu.ports.items():
            for message in port.rx.values():
                yield f"{ecu.name}: {name}.{message.definition.name} failed its end-to-end check", message.unfit
    if vehicle.someip is not None:
        yield from _someip(vehicle.someip)


def _someip(node: Node) -> Iterator[tuple[str, int]]:
    """Of events, requests and the discovery. What E_NOT_OK was answered to has a sentence of its own."""
    from gateway.someip import ReturnCode, code_text

    faults = [(each.definition.name, each.faults) for each in node.consumers]
    faults += [(each.definition.name, each.faults) for each in node.providers.values()]
    for name, counts in faults:
        for what, count in counts.items():
            yield f"SOME/IP {name}: {what}", count
    for code, count in node.answers.items():
        if code not in (ReturnCode.OK, ReturnCode.NOT_OK):
            yield f"SOME/IP: requests answered with {code_text(code)}", count
    for what, count in node.counts.items():
        if what != _REBOOTS:
            yield f"SOME/IP: {what}", count
