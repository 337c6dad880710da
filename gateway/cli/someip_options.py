"""`--someip`: where the SOME/IP services of a vehicle file are in wall time, and what is told about them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from gateway.vehicle import Service, Vehicle, VehicleFile

Someip = Annotated[
    str | None,
    typer.Option(
        "--someip",
        metavar="ADDRESS|off",
        help="Wall time: the address of this machine at which the file's `services` are; off: they are not.",
    ),
]


def at_address(file: VehicleFile, text: str | None) -> VehicleFile:
    """The file with its services at another address, or without them. BadParameter where it has none."""
    if text is None:
        return file
    services = file.spec.services
    if services is None:
        raise typer.BadParameter(f"--someip: {file.source.file} has no `services`")
    changed = None if text == "off" else services.model_copy(update={"address": text})
    return file._replace(spec=file.spec.model_copy(update={"services": changed}))


def someip_services(file: VehicleFile) -> tuple[Service, ...]:
    """Tells where the services are, and in the end which are missing; what was wrong is in the report."""
    return () if file.spec.services is None else (_tell,)


@contextlib.asynccontextmanager
async def _tell(vehicle: Vehicle) -> AsyncIterator[None]:
    from gateway.cli.serving import tell

    node = vehicle.someip
    if node is None or not vehicle.has_gateway:
        yield
        return
    names = [f"{each.definition.name} ({each.definition.instance})" for each in node.providers.values()]
    wanted = [f"{each.definition.name} ({each.definition.instance})" for each in node.consumers]
    parts = [f"offers {', '.join(names)}"] if names else []
    parts += [f"looks for {', '.join(wanted)}"] if wanted else []
    tell(f"SOME/IP of {vehicle.name} at {node.options.address}: {'; '.join(parts) or 'nothing'}")
    yield
    for consumed in node.status().consumed:
        if consumed.missing:
            tell(f"SOME/IP: {consumed.name} ({consumed.instance}) is missing: {consumed.missing}")
