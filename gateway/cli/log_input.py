"""What the commands about whole recordings ask for alike: a recording, its databases, its vehicle."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway.analysis.source import BusRate, Source, open_source
from gateway.cli.options import find_vehicle
from gateway.errors import GatewayError, nearest
from gateway.sim import Kernel
from gateway.vehicle import About, Vehicle, load
from gateway.vehicle.file.words import bit_rate
from gateway.vehicle.logs.log_databases import DatabaseChoice

Databases = Annotated[
    list[str] | None,
    typer.Option("--database", metavar="[BUS=]FILE", help="What the frames of a bus, or of all, mean. Repeatable."),
]
VehicleFile = Annotated[
    Path | None,
    typer.Option(
        "--vehicle", metavar="VEHICLE", help="For databases and names; the one here, if the recording is of it."
    ),
]
Bitrates = Annotated[
    list[str] | None,
    typer.Option("--bitrate", metavar="[BUS=]RATE", help="Of all buses, or of one, like 500k: for the load."),
]


def open_log(path: Path, databases: Sequence[str] | None, vehicle: Path | None = None) -> Source:
    """The recording; its vehicle is the one that was asked for, else the one here when the recording is of it."""

    def found(about: About | None) -> Vehicle | None:
        return vehicle_for(about, vehicle)

    return open_source(path, [DatabaseChoice.of(text) for text in databases or []], found)


def vehicle_for(about: About | None, path: Path | None) -> Vehicle | None:
    """The vehicle at `path`; else the one here, when the recording is of a vehicle of that name."""
    if path is not None:
        return load(find_vehicle(path), Kernel())
    if about is None:
        return None
    try:
        here = find_vehicle(None)
    except GatewayError:
        return None
    try:
        vehicle = load(here, Kernel())
    except GatewayError as error:
        sys.stderr.write(f"gateway: {here} is left out, for it has faults: {error}\n")
        return None
    return vehicle if vehicle.name == about.vehicle else None


def bus_name(text: str) -> tuple[str, str]:
    """The value of `--map`: the recording's channel, and the bus that it is. GatewayError for anything else."""
    channel, equals, bus = text.partition("=")
    if not equals or not channel or not bus:
        raise GatewayError(f"--map {text!r} is not CHANNEL=BUS, like can0=powertrain")
    return channel, bus


def with_rates(source: Source, texts: Sequence[str] | None) -> dict[str, BusRate]:
    """The bit rates of the buses, those that were given before those that are known."""
    rates = dict(source.rates)
    common: int | None = None
    for text in texts or []:
        bus, equals, rate_text = text.rpartition("=")
        try:
            rate = bit_rate(rate_text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if not equals:
            common = rate
            continue
        if bus not in source.log.buses:
            near = nearest(bus, list(source.log.buses))
            raise typer.BadParameter(f"the log has no bus {bus!r}{near}; it has {', '.join(source.log.buses)}")
        rates[bus] = BusRate(rate, rates[bus].data if bus in rates else 0, bus in rates and rates[bus].lin)
    if common is not None:
        return {bus: rates.get(bus, BusRate(common)) for bus in source.log.buses}
    return rates
