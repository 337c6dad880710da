"""Counters, checksums and end-to-end protection of a vehicle file, given to who sends the message and who receives it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from gateway.com import Protection
from gateway.database import Message
from gateway.errors import GatewayError
from gateway.routing.conversion import bits_of
from gateway.vehicle.assembly.names import End, resolve
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.file.model import ProtectSpec
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.vehicle import Vehicle

if TYPE_CHECKING:
    from gateway.com.e2e import E2EChecker
    from gateway.com.e2e_profiles import E2EConfig


class Protected(NamedTuple):
    """A message with end-to-end protection, and where the vehicle file says so."""

    config: E2EConfig
    file: str = ""
    line: int | None = None

    def checker(self) -> E2EChecker:
        """A receiver of its own: each counts for itself."""
        from gateway.com.e2e import E2EChecker

        return E2EChecker(self.config)


def protect(vehicle: Vehicle, name: str, spec: ProtectSpec, forwarded: set[tuple[str, int]]) -> Message | None:
    """Protect the message `bus.Message`. Returns it when nobody in the vehicle sends it, otherwise None.

    `forwarded`: what comes to a bus by frame routes, by bus and key. VehicleFileError, or an error of `com` or
    `database`, for a message or signals that cannot be protected so.
    """
    end = resolve(name, vehicle.databases)
    message = end.message
    if message is None or end.signal is not None:
        raise VehicleFileError(f"{name!r} is not bus.Message")
    if spec.counter is None and spec.checksum is None and spec.e2e is None:
        raise VehicleFileError(f"the protection of {name} has neither counter nor checksum nor e2e")
    protection = protection_of(message, spec)
    if spec.e2e is not None:
        _not_over_signals(message, end.bus, e2e_config(spec))
        _check_receivers(vehicle, end, spec)
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


def protection_of(message: Message, spec: ProtectSpec) -> Protection:
    """What a sender of the message puts in; each sender needs one of its own."""
    if spec.e2e is None:
        return Protection(message, spec.counter, spec.checksum, spec.algorithm)
    if spec.counter is not None or spec.checksum is not None:
        raise VehicleFileError("e2e has a counter and a checksum of its own: leave `counter` and `checksum` out")
    from gateway.com.e2e import E2EProtector

    config = e2e_config(spec)
    if message.length < config.shortest:
        raise VehicleFileError(
            f"{message.name} has {message.length} bytes; E2E {spec.e2e} at byte {spec.offset} needs {config.shortest}"
        )
    return Protection(message, None, None, spec.algorithm, E2EProtector(config))


def e2e_config(spec: ProtectSpec) -> E2EConfig:
    """The profile as the file has it. VehicleFileError without a data identifier, ComError for what it cannot be."""
    from gateway.com.e2e_profiles import DataIdMode, E2EConfig, Profile

    assert spec.e2e is not None
    if spec.data_id is None:
        raise VehicleFileError(f"E2E {spec.e2e} needs a `data_id`")
    if isinstance(spec.data_id, list) and not all(0 <= byte <= 255 for byte in spec.data_id):
        raise VehicleFileError("the data identifiers of a list are bytes, 0 to 255")
    data_id = bytes(spec.data_id) if isinstance(spec.data_id, list) else spec.data_id
    return E2EConfig(Profile(spec.e2e), data_id, spec.offset, DataIdMode(spec.data_id_mode), spec.max_delta)


def _not_over_signals(message: Message, bus: str, config: E2EConfig) -> None:
    """VehicleFileError with the signals that the header would overwrite. Those that are its own fields are none."""
    from gateway.com.e2e_profiles import header_fields

    fields = header_fields(config)
    under = [
        signal.name
        for signal in message.signals
        if (bits := bits_of(signal)) not in fields and any(bits & field for field in fields)
    ]
    if under:
        raise VehicleFileError(
            f"the header of E2E {config.profile.value} at byte {config.offset} overwrites {', '.join(under)}"
            f" of {bus}.{message.name}: put it where no signal lies, with `offset`, or change the database"
        )


def _check_receivers(vehicle: Vehicle, end: End, spec: ProtectSpec) -> None:
    """Each ECU checks for itself, and so does the gateway (`protected`)."""
    assert end.message is not None and end.key is not None
    protected = Protected(e2e_config(spec))
    for ecu in vehicle.ecus.values():
        port = ecu.ports.get(end.bus)
        if port is not None:
            port.check(end.message.name, protected.checker().accepts)


def protected_messages(vehicle: Vehicle, file: VehicleFile) -> dict[tuple[str, int], Protected]:
    """What the gateway checks before it believes a signal. What is wrong with a protection is told elsewhere."""
    found: dict[tuple[str, int], Protected] = {}
    for name, spec in file.spec.protect.items():
        if spec.e2e is None:
            continue
        with contextlib.suppress(GatewayError):
            end = resolve(name, vehicle.databases)
            if end.key is not None:
                protected = Protected(e2e_config(spec), file.source.file, file.source.line(("protect", name)))
                protected.checker()  # an error where its package is missing
                found[end.bus, end.key] = protected
    return found
