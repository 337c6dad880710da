"""A vehicle made for a log or for real buses: its buses are theirs, and they are the car."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from gateway.can import FD, KEY_MASK, BitRates, Bus
from gateway.com import header_of
from gateway.database import Database
from gateway.links import LinkAddress
from gateway.routing import Gateway, load_mapping
from gateway.sim import Kernel, Streams
from gateway.vehicle.assembly.links import BusMaker
from gateway.vehicle.assembly.signals import attach_mapping
from gateway.vehicle.logs.log import Log
from gateway.vehicle.vehicle import Vehicle

DEFAULT_BITRATE = 500_000
FD_DATA_BITRATE = 2_000_000
NAME = "log"
SOCKETCAN = "socketcan"
CANFD_MTU = 72


def vehicle_of_log(
    log: Log, databases: Mapping[str, Database], signals: Path | None = None, bitrate: int = DEFAULT_BITRATE
) -> Vehicle:
    """Buses and a gateway that maps CAN to VSS, without ECUs; nobody but the log sends.

    `bitrate` in bit/s of all buses: it decides their load and nothing else. BitRateError for one that CAN does not
    have; MappingError with all faults of the file `signals`.
    """
    kernel = Kernel()
    empty = {bus: Database(bus, "", (), ()) for bus in log.buses}
    vehicle = Vehicle(
        name=NAME,
        kernel=kernel,
        streams=Streams(0),
        buses={},
        databases={**empty, **_shared_out(log, databases)},
        gateway=Gateway(kernel, "GW"),
    )
    for index, name in enumerate(log.buses):
        fd = bool(np.any(log.header[log.bus == index] & np.uint64(FD)))
        rates = BitRates(bitrate, max(bitrate, FD_DATA_BITRATE) if fd else bitrate)
        vehicle.buses[name] = Bus(kernel, name, rates, index=index, fd=fd)
        vehicle.gateway.attach(vehicle.buses[name])
    if signals is not None:
        # Nobody can ask for an actuator here, and a gateway that sends is not in the log.
        attach_mapping(vehicle, replace(load_mapping(signals, vehicle.databases), downward=()))
    return vehicle


def vehicle_of_links(
    links: Mapping[str, LinkAddress], databases: Mapping[str, Database], bitrate: int = DEFAULT_BITRATE
) -> Vehicle:
    """Real buses by name, and nobody on them from here: for looking on. To be driven in wall time (`drive_built`).

    An address's own bit rates count, else `bitrate`. LinkError for an address that its interface cannot have,
    BitRateError for a rate that CAN does not have.
    """
    kernel = Kernel()
    empty = {bus: Database(bus, "", (), ()) for bus in links}
    vehicle = Vehicle(
        name=", ".join(map(str, links.values())),
        kernel=kernel,
        streams=Streams(0),
        buses={},
        databases={**empty, **databases},
        gateway=Gateway(kernel, "GW"),  # on none of the buses
    )
    maker = BusMaker(links)
    for index, (name, address) in enumerate(links.items()):
        nominal = address.bitrate or bitrate
        fd = address.data_bitrate is not None or _takes_fd(address)
        rates = BitRates(nominal, (address.data_bitrate or max(nominal, FD_DATA_BITRATE)) if fd else nominal)
        vehicle.buses[name] = maker.make(kernel, name, rates, index=index, fd=fd)
    return vehicle


def _takes_fd(address: LinkAddress) -> bool:
    """Whether a SocketCAN interface is set up for CAN FD: its largest frame says so (CANFD_MTU, linux/can.h)."""
    place = Path("/sys/class/net") / address.channel / "mtu"
    try:
        return address.interface == SOCKETCAN and int(place.read_text()) >= CANFD_MTU
    except (OSError, ValueError):
        return False


def _shared_out(log: Log, databases: Mapping[str, Database]) -> dict[str, Database]:
    """Where several buses have the same database, each of its messages on the buses that the log has it on.

    So a mapping finds a signal once. What the log does not have at all is on the first of the buses.
    """
    seen: dict[str, set[int]] = {}
    for index, name in enumerate(log.buses):
        seen[name] = set(np.unique(log.keys[log.bus == index]).tolist())
    found = {}
    for bus, database in databases.items():
        sharing = [name for name, other in databases.items() if other is database]
        if len(sharing) == 1:
            found[bus] = database
            continue
        elsewhere = set().union(*(seen[name] for name in sharing)) if bus == sharing[0] else None
        messages = tuple(
            message
            for message in database.messages
            if (key := header_of(message) & KEY_MASK) in seen[bus] or (elsewhere is not None and key not in elsewhere)
        )
        found[bus] = replace(database, messages=messages)
    return found
