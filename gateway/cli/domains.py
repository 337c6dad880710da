"""What `gateway run` and `gateway replay` serve to applications: the SDV domain and the vehicle HAL."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from gateway.vehicle import Service, Vehicle, VehicleFile

Sdv = Annotated[
    str | None,
    typer.Option("--sdv", metavar="[[HOST:]PORT]", help="Serve kuksa.val to SDV applications; 127.0.0.1:55555."),
]
SdvKey = Annotated[
    Path | None, typer.Option("--sdv-key", metavar="FILE", help="Let in who has a token signed for this public key.")
]
Viss = Annotated[
    str | None,
    typer.Option("--viss", metavar="[[HOST:]PORT]", help="Serve VISS over WebSocket; 127.0.0.1:8090."),
]
Aaos = Annotated[
    str | None,
    typer.Option("--aaos", metavar="[[HOST:]PORT]", help="Serve the vehicle HAL to an Android guest; 127.0.0.1:40004."),
]


def domain_services(
    file: VehicleFile | None, *, sdv: str | None, sdv_key: Path | None, viss: str | None, aaos: str | None
) -> tuple[Service, ...]:
    """The services that are asked for. GatewayError for an extra that is missing, or an option that cannot be."""
    services: list[Service] = []
    if sdv is not None or viss is not None:
        services.append(_sdv(file, sdv, sdv_key, viss))
    if aaos is not None:
        services.append(_aaos(file, aaos))
    return tuple(services)


def _sdv(file: VehicleFile | None, sdv: str | None, key: Path | None, viss: str | None) -> Service:
    from gateway.cli.free_address import free_address
    from gateway.cli.serving import tell
    from gateway.vehicle.served.sdv import sdv_options, serve_sdv

    options = sdv_options(file, sdv, viss, key)
    if sdv is not None:
        free_address(sdv, "kuksa.val cannot listen at", "--sdv")
    if viss is not None:
        free_address(viss, "VISS cannot listen at", "--viss")

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        async with serve_sdv(vehicle, options) as places:
            for what, address in places.items():
                tell(f"{what} of {vehicle.name} at {address}")
            yield

    return service


def _aaos(file: VehicleFile | None, text: str) -> Service:
    from gateway.cli.free_address import free_address
    from gateway.cli.serving import tell
    from gateway.vehicle.served.aaos import aaos_options, serve_aaos

    options = aaos_options(file, text)
    free_address(text, "the vehicle HAL cannot listen at", "--aaos")

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        async with serve_aaos(vehicle, options) as address:
            tell(f"the vehicle HAL of {vehicle.name} at {address}")
            yield

    return service
