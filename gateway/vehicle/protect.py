"""Counters and checksums of a vehicle file, given to who sends the message."""

from __future__ import annotations

from gateway.com import Protection
from gateway.database import Message
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.model import ProtectSpec
from gateway.vehicle.names import resolve
from gateway.vehicle.vehicle import Vehicle


def protect(vehicle: Vehicle, name: str, spec: ProtectSpec, forwarded: set[tuple[str, int]]) -> Message | None:
    """Protect the message `bus.Message`. Returns it when nobody in the vehicle sends it, otherwise None.

    `forwarded`: what comes to a bus by frame routes, by bus and key. VehicleFileError, or an error of `com` or
    `database`, for a message or signals that cannot be protected so.
    """
    end = resolve(name, vehicle.databases)
    message = end.message
    if message is None or end.signal is not None:
        raise VehicleFileError(f"{name!r} is not bus.Message")
    if spec.counter is None and spec.checksum is None:
        raise VehicleFileError(f"the protection of {name} has neither counter nor checksum")
    protection = Protection(message, spec.counter, spec.checksum, spec.algorithm)
    gateway = vehicle.gateway
    place = (end.bus, message.name)
    composed = gateway.targets[place].message if place in gateway.targets else gateway.commands.get(place)
    if composed is None and (end.bus, end.key) in forwarded:
        raise VehicleFileError(f"{name} is forwarded as it is; protect it where it is sent first")
    ports = [ecu.ports[end.bus] for ecu in vehicle.ecus.values() if end.bus in ecu.ports]
    sender = composed or next((port.tx[message.name] for port in ports if message.name in port.tx), None)
    if sender is None:
        return message
    sender.protection = protection
    return None
