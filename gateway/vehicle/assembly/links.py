"""The links of a vehicle: which of its buses are real ones, as the file says or as whoever runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from gateway.can import BitRates, Bus
from gateway.com import header_of
from gateway.database import joined, load_shared
from gateway.errors import nearest
from gateway.links import LinkAddress, LinkedBus, LinkRates, open_link
from gateway.sim import Kernel
from gateway.vehicle.assembly.names import resolve
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.vehicle import Vehicle


def addresses(file: VehicleFile, wished: Mapping[str, LinkAddress]) -> dict[str, LinkAddress]:
    """Where each linked bus leads to: the file's links, with those that were wished instead or besides.

    VehicleFileError, with the nearest name, for a bus that is not there.
    """
    buses = list(file.spec.buses)
    for bus in wished:
        if bus not in buses:
            near = nearest(bus, buses) or f" (there are {', '.join(buses)})"
            raise VehicleFileError(f"a link for a bus {bus!r} that {file.spec.vehicle} does not have{near}")
    for bus in (*file.spec.links, *wished):
        if bus in file.spec.buses and file.spec.buses[bus].kind == "lin":
            raise VehicleFileError(
                f"bus {bus} is LIN, and no real LIN adapter is known here yet: leave the link out",
                file=file.source.file,
                line=file.source.line(("links", bus)),
            )
    found = {
        bus: LinkAddress(
            spec.interface,
            str(spec.channel),
            spec.bitrate,
            spec.data_bitrate,
            _texts(spec.options),
            pdus_of(file, bus),
        )
        for bus, spec in file.spec.links.items()
    }
    # Where a bus leads to may be said elsewhere; which PDU carries which frame is a matter of the vehicle.
    return found | {
        bus: replace(address, pdus=found[bus].pdus) if bus in found else address for bus, address in wished.items()
    }


def pdus_of(file: VehicleFile, bus: str) -> dict[int, int]:
    """PDU identifiers of a link by header. VehicleFileError, with the line, for a message that is not there."""
    pdus = file.spec.links[bus].pdus
    if not pdus or bus not in file.spec.buses:
        return {}
    databases = {bus: joined(bus, [load_shared(file.folder / path) for path in file.spec.buses[bus].database])}
    headers = {}
    for name, pdu in pdus.items():
        try:
            end = resolve(f"{bus}.{name}", databases)
        except VehicleFileError as error:
            raise file.source.error(error.sentence, ("links", bus, "pdus", name)) from None
        if end.key is None or end.signal is not None:
            raise file.source.error(f"{name!r} is neither a message nor an identifier", ("links", bus, "pdus", name))
        headers[end.key if end.message is None else header_of(end.message)] = pdu
    return headers


def _texts(options: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in options.items()}


class BusMaker:
    """Makes the buses of a vehicle: those with an address linked, the others simulated."""

    def __init__(self, links: Mapping[str, LinkAddress] | None = None) -> None:
        self._links: Final = links or {}

    def make(self, kernel: Kernel, name: str, rates: BitRates, *, index: int, fd: bool) -> Bus:
        """LinkError for an address that its interface cannot have."""
        address = self._links.get(name)
        if address is None:
            return Bus(kernel, name, rates, index=index, fd=fd)
        link = open_link(address, LinkRates(rates.nominal, rates.data if fd else None))
        return LinkedBus(kernel, name, rates, link, index=index, fd=fd)


def linked(vehicle: Vehicle) -> Iterable[LinkedBus]:
    """The buses of a vehicle that are real ones."""
    return (bus for bus in vehicle.buses.values() if isinstance(bus, LinkedBus))
