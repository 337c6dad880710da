"""The vehicle HAL of a vehicle, served where the file and the command line say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.domains.aaos.build import build_hal
from gateway.domains.aaos.clients import Clients
from gateway.domains.aaos.hal import VehicleHal
from gateway.domains.aaos.server import Tls, serve_hal
from gateway.domains.errors import ServeError
from gateway.domains.grpc_server import loop_for
from gateway.links.addresses import Address, address
from gateway.routing import VssMapping
from gateway.sim import wall_clock_ns
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class AaosOptions:
    """Where, and of what. `clients`: by identity, the permissions; empty: everybody has all."""

    address: Address
    map_file: Path | None = None
    property_files: tuple[Path, ...] = ()
    clients: Mapping[str, list[str]] = field(default_factory=dict)
    tls: Tls | None = None


def aaos_options(file: VehicleFile | None, text: str) -> AaosOptions:
    """From an address and the file's `domains.aaos`. LinkError for an address that is none."""
    if file is None:
        return AaosOptions(address(text))
    spec = file.spec.domains.aaos
    return AaosOptions(
        address(text),
        None if spec.map is None else file.folder / spec.map,
        tuple(file.folder / path for path in spec.properties),
        spec.clients,
        Tls(*(file.folder / name if name else None for name in (spec.certificate, spec.private_key, spec.client_ca))),
    )


def hal_of(vehicle: Vehicle, options: AaosOptions, shift_ns: int = 0) -> VehicleHal:
    """The HAL over the vehicle's signals. ServeError for a vehicle without any, or a file with a fault."""
    if vehicle.mapping is None:
        raise ServeError(f"{vehicle.name} has no signals to serve: name a VSS tree with `gateway: {{signals: FILE}}`")
    return build_hal(
        vehicle.kernel,
        vehicle.gateway.store,
        vehicle.mapping.tree,
        map_file=options.map_file,
        property_files=options.property_files,
        steps=_steps(vehicle.mapping),
        shift_ns=shift_ns,
    )


def _steps(mapping: VssMapping) -> dict[str, float]:
    """How far the values of actuators are apart on the bus, where they go down as they are."""
    return {
        rule.leaf.path: abs(rule.place.signal.scale)
        for rule in mapping.downward
        if rule.math is None and rule.table is None
    }


@contextlib.asynccontextmanager
async def serve_aaos(vehicle: Vehicle, options: AaosOptions) -> AsyncIterator[Address]:
    """Serve; yields the address. Timestamps are those of the machine's monotonic clock, as Android's are."""
    loop = loop_for("the vehicle HAL")
    hal = hal_of(vehicle, options, wall_clock_ns() - loop.pace.time_ns())
    async with serve_hal(hal, options.address, Clients(options.clients), options.tls) as where:
        yield where
