"""What a vehicle file says below `domains` and the files that it names, looked at without serving anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.domains.aaos.build import build_hal
from gateway.domains.aaos.clients import wrong_permission
from gateway.domains.pem import pem
from gateway.errors import GatewayError
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.vehicle import Vehicle


def domain_faults(file: VehicleFile, vehicle: Vehicle) -> Iterator[GatewayError]:
    """Each fault: keys and certificates, permissions, the HAL's map and its property files; what is missing, with its line."""
    sdv, aaos = file.spec.domains.sdv, file.spec.domains.aaos
    for section, spec, names in (
        ("sdv", sdv, ("key", "certificate", "private_key")),
        ("aaos", aaos, ("certificate", "private_key", "client_ca")),
    ):
        for name in names:
            text = getattr(spec, name)
            if text is not None:
                yield from _fault(file, (section, name), file.folder / text, pem)
        if (spec.certificate is None) != (spec.private_key is None):
            sentence = "TLS needs both: the server's certificate and its private key"
            yield file.source.error(sentence, ("domains", section))
    for client, permissions in aaos.clients.items():
        for index, name in enumerate(permissions):
            wrong = wrong_permission(name)
            if wrong is not None:
                yield file.source.error(f"client {client!r}: {wrong}", ("domains", "aaos", "clients", client, index))
    tree = None if vehicle.mapping is None else vehicle.mapping.tree
    if tree is None:
        return
    store = vehicle.gateway.store
    if aaos.map is not None:
        own_map = file.folder / aaos.map
        yield from _fault(
            file, ("aaos", "map"), own_map, lambda path: build_hal(vehicle.kernel, store, tree, map_file=path)
        )
    for text in aaos.properties:
        yield from _fault(
            file,
            ("aaos", "properties"),
            file.folder / text,
            lambda path: build_hal(vehicle.kernel, store, tree, property_files=[path]),
        )


def _fault(
    file: VehicleFile, place: tuple[str, str], path: Path, look: Callable[[Path], object]
) -> Iterator[GatewayError]:
    if not path.is_file():
        yield _missing(file, place, path)
        return
    try:
        look(path)
    except GatewayError as error:
        yield error


def _missing(file: VehicleFile, place: tuple[str, str], path: Path) -> VehicleFileError:
    return file.source.error(f"domains.{'.'.join(place)}: there is no file {path}", ("domains", *place))
