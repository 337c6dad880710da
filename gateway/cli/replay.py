"""gateway replay: recorded drives flow through the gateway as if the car were there."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.domains import Aaos, Sdv, SdvKey, Viss, domain_services
from gateway.cli.log_input import bus_name
from gateway.cli.log_output import end, print_findings, read_with_progress
from gateway.cli.options import Json, duration_option, find_vehicle, speed_clock
from gateway.cli.web import ReplayPage, Web
from gateway.sim import Clock, Kernel
from gateway.vehicle import RunOptions, Vehicle, VehicleFile, build, read_vehicle
from gateway.vehicle.assembly.ad_hoc import vehicle_of_log
from gateway.vehicle.file.words import bit_rate
from gateway.vehicle.logs.log import Log
from gateway.vehicle.logs.log_databases import DatabaseChoice, load_databases, preloaded
from gateway.vehicle.logs.replay import ReplayOptions, ReplayReport, renamed, replay


def replay_command(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="Recordings; several are merged by time.")],
    vehicle: Annotated[
        Path | None,
        typer.Option(metavar="VEHICLE", help="Its buses, routes and signals; the default where no database is given."),
    ] = None,
    databases: Annotated[
        list[str] | None,
        typer.Option("--database", metavar="[BUS=]FILE", help="What the frames of a bus, or of all, mean."),
    ] = None,
    signals: Annotated[
        Path | None, typer.Option(metavar="MAP.json", help="A VSS tree with dbc2vss: which signals become which.")
    ] = None,
    names: Annotated[
        list[str] | None, typer.Option("--map", metavar="CHANNEL=BUS", help="The log's channel is this bus.")
    ] = None,
    clock: Annotated[Clock | None, typer.Option(help="wall keeps the log's timing; default: virtual.")] = None,
    speed: Annotated[float | None, typer.Option(metavar="X", help="So many times as fast as it was (wall).")] = None,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Only so much of the log, like 60s.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="ECU,...", help="ECUs of the vehicle that live, in place of the log's.")
    ] = None,
    bitrate: Annotated[
        str | None, typer.Option(metavar="RATE", help="Without a vehicle: of all buses; default 500k.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record all frames: .pcapng, .log, .asc, .blf, .trc, .mf4.")
    ] = None,
    sdv: Sdv = None,
    sdv_key: SdvKey = None,
    viss: Viss = None,
    aaos: Aaos = None,
    web: Web = None,
    as_json: Json = False,
) -> None:
    """The command's options, and what comes of them."""
    served = (sdv, viss, aaos, web) != (None, None, None, None)
    options = ReplayOptions(
        clock=Clock.WALL if served and clock is None else speed_clock(clock, speed, Clock.VIRTUAL),
        speed=speed or 1.0,
        for_ns=duration_option(duration),
        ecus=tuple(only.split(",")) if only else (),
        trace=trace,
    )
    if vehicle is not None and databases:
        raise typer.BadParameter("a vehicle has databases of its own: give either --vehicle or --database")
    if bitrate is not None and not databases:
        raise typer.BadParameter("a vehicle has bit rates of its own: --bitrate goes with --database")
    choices = [DatabaseChoice.of(text) for text in databases or ()]
    loaded = preloaded(choices)
    log = renamed(read_with_progress(logs), dict(bus_name(name) for name in names or ()))
    file = None if choices else _vehicle_file(vehicle, signals)
    if file is None:
        chosen = load_databases(choices, log.buses, loaded)
        car = vehicle_of_log(log, chosen, signals, _bit_rate(bitrate))
    else:
        car = build(file, Kernel())
    options = replace(options, services=domain_services(file, sdv=sdv, sdv_key=sdv_key, viss=viss, aaos=aaos))
    if web is not None:
        options = ReplayPage(web, ", ".join(Path(name).name for name in log.files)).added_to(options)
    if as_json:
        result = replay(car, log, options)
        sys.stdout.write(json.dumps(result.as_json(), indent=2) + "\n")
    else:
        result = _shown(car, log, options)
    end(damaged=log.damaged)
    if result.run.failures:
        raise typer.Exit(1)


def _shown(car: Vehicle, log: Log, options: ReplayOptions) -> ReplayReport:
    from gateway.ui.run_view import RunView

    length_ns = min(log.duration_ns, options.for_ns or log.duration_ns)
    view = RunView(
        f"{car.name} from {log.name}" if car.name != "log" else log.name, RunOptions(options.clock, length_ns)
    )
    with view:
        watcher = view.watched(RunOptions()).watcher
        result = replay(car, log, replace(options, watcher=watcher))
    view.summary(result.run)
    print_findings(result.findings, result.unknown)
    return result


def _vehicle_file(path: Path | None, signals: Path | None) -> VehicleFile:
    file = read_vehicle(find_vehicle(path))
    if signals is not None:
        gateway = file.spec.gateway.model_copy(update={"signals": str(signals.resolve())})
        file = file._replace(spec=file.spec.model_copy(update={"gateway": gateway}))
    return file


def _bit_rate(text: str | None) -> int:
    try:
        return bit_rate(text or "500k")
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
