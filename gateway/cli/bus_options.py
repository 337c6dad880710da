"""What `gateway run` opens of its nodes and units: BlueChi's D-Bus API, and the port for agents."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from gateway.errors import GatewayError
from gateway.vehicle import Service, Vehicle, VehicleFile

Dbus = Annotated[
    str | None,
    typer.Option("--dbus", metavar="BUS", help="Be BlueChi's controller on a bus: system, session or an address."),
]
Agents = Annotated[
    str | None,
    typer.Option("--agents", metavar="[HOST:]PORT|PATH", help="Let real bluechi-agents join, by TCP or a unix socket."),
]


def orchestrator_services(file: VehicleFile, *, dbus: str | None, agents: str | None) -> tuple[Service, ...]:
    """The services that are asked for. GatewayError for a vehicle without nodes."""
    if dbus is None and agents is None:
        return ()
    if not file.spec.domains.nodes:
        raise GatewayError(
            f"{file.spec.vehicle} has no nodes: name them under domains, nodes", file=file.source.file, line=None
        )
    return (*([] if dbus is None else [_bus(dbus)]), *([] if agents is None else [_agents(agents)]))


def _bus(address: str) -> Service:
    from gateway.cli.serving import tell
    from gateway.orchestrator.dbus import serve_public

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        assert vehicle.fleet is not None
        async with serve_public(vehicle.fleet.controller, address):
            tell(f"org.eclipse.bluechi of {vehicle.name} on the bus {address}")
            yield

    return service


def _agents(text: str) -> Service:
    from gateway.cli.serving import tell
    from gateway.orchestrator.dbus import serve_peers

    host, _, port = text.rpartition(":")
    tcp = (host or "127.0.0.1", int(port)) if port.isdigit() else None
    unix = None if tcp else Path(text)

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        assert vehicle.fleet is not None
        async with serve_peers(vehicle.fleet.controller, tcp=tcp, unix=unix) as server:
            tell(f"agents of {vehicle.name} join at {', '.join(server.addresses)}")
            yield
            for line in server.wrong:
                tell(f"agents: {line}")

    return service
