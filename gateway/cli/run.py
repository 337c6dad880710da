"""gateway run: drive a vehicle."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Json, VehiclePath, duration_option, find_vehicle
from gateway.sim import Clock
from gateway.vehicle import RunOptions, VehicleFile, drive, read_vehicle


def run_command(
    vehicle: VehiclePath = None,
    clock: Annotated[Clock | None, typer.Option(help="Default: virtual with --for and no link, else wall.")] = None,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Drive so long, like 60s or 10min.")
    ] = None,
    seed: Annotated[int, typer.Option(help="What chance begins with; the same seed, the same run.")] = 0,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record all frames: .pcapng, .log, .asc, .blf, .trc, .mf4.")
    ] = None,
    as_json: Json = False,
) -> None:
    file = read_vehicle(find_vehicle(vehicle))
    for_ns = duration_option(duration)
    options = RunOptions(clock=clock or _default_clock(file, for_ns), for_ns=for_ns, seed=seed, trace=trace)
    if as_json:
        report = drive(file, options)
        sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
    else:
        from gateway.ui import RunView

        view = RunView(file.spec.vehicle, options)
        with view:
            report = drive(file, view.watched(options))
        view.summary(report)
    if report.failures:
        raise typer.Exit(1)


def _default_clock(file: VehicleFile, for_ns: int | None) -> Clock:
    """A vehicle that only computes need not wait; one that is looked at, or that has a socket, must."""
    return Clock.VIRTUAL if for_ns is not None and not file.spec.links else Clock.WALL
