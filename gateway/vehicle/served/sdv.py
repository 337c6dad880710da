"""The SDV domain of a vehicle: a broker over its signals, served where the file and the command line say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from gateway.domains.errors import ServeError
from gateway.domains.sdv import Broker
from gateway.domains.sdv.server import SdvOptions, serve_kuksa
from gateway.links.addresses import Address, address
from gateway.vehicle.file.model import DomainsSpec
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class SdvServices:
    """Which of the protocols, each at its address. What they share (key, certificate) is in each."""

    kuksa: SdvOptions | None = None
    viss: SdvOptions | None = None


def sdv_options(file: VehicleFile | None, kuksa: str | None, viss: str | None, key: Path | None = None) -> SdvServices:
    """From addresses and the file's `domains.sdv`. LinkError for an address that is none."""
    spec = DomainsSpec.model_validate({}).sdv if file is None else file.spec.domains.sdv
    certificate = _path(file, spec.certificate)
    private_key = _path(file, spec.private_key)
    key = key or _path(file, spec.key)

    def options(text: str | None) -> SdvOptions | None:
        return None if text is None else SdvOptions(address(text), key, certificate, private_key)

    return SdvServices(options(kuksa), options(viss))


def broker_of(vehicle: Vehicle) -> Broker:
    """A broker over all leaves of the vehicle's VSS tree. ServeError for a vehicle without one."""
    if vehicle.mapping is None:
        raise ServeError(f"{vehicle.name} has no signals to serve: name a VSS tree with `gateway: {{signals: FILE}}`")
    return Broker(vehicle.kernel, vehicle.gateway.store, vehicle.mapping.tree)


@contextlib.asynccontextmanager
async def serve_sdv(vehicle: Vehicle, services: SdvServices) -> AsyncIterator[dict[str, Address]]:
    """Serve; yields where each protocol is. ServeError when one cannot be."""
    broker = broker_of(vehicle)
    places: dict[str, Address] = {}
    async with contextlib.AsyncExitStack() as stack:
        if services.kuksa is not None:
            places["kuksa.val"] = await stack.enter_async_context(serve_kuksa(broker, services.kuksa))
        if services.viss is not None:
            from gateway.domains.sdv.viss_server import serve_viss

            places["VISS"] = await stack.enter_async_context(serve_viss(broker, services.viss))
        yield places


def _path(file: VehicleFile | None, text: str | None) -> Path | None:
    return None if text is None or file is None else file.folder / text
