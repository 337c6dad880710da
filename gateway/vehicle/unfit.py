"""What came and was not taken: frames of links that a bus cannot carry, messages and events that fail their check."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.links import LinkedBus
from gateway.vehicle.vehicle import Vehicle


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
        for consumer in vehicle.someip.consumers:
            for what, count in consumer.faults.items():
                yield f"SOME/IP {consumer.definition.name}: {what}", count
