"""gateway run: drive a vehicle."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.bus_options import Agents, Dbus, orchestrator_services
from gateway.cli.domains import Aaos, Sdv, SdvKey, Viss, domain_services
from gateway.cli.link_options import cycle_start_option, links_option, names_option
from gateway.cli.metrics_options import Metrics, Otlp, metrics_services
from gateway.cli.options import Json, VehiclePath, duration_option, speed_clock, vehicle_of_words
from gateway.cli.page_desk import PageDesk
from gateway.cli.service_bus import Bus, bus_services, service_buses
from gateway.cli.someip_options import Someip, at_address, someip_services
from gateway.cli.web import Web, page_services
from gateway.sim import Clock
from gateway.vehicle import RunOptions, Selection, Service, drive, read_vehicle


def run_command(
    vehicle: VehiclePath = None,
    clock: Annotated[Clock | None, typer.Option(help="Default: virtual with --for and no link, else wall.")] = None,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Drive so long, like 60s or 10min.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(metavar="X", help="So many times as fast as the wall: below 1 for a machine that cannot keep up."),
    ] = None,
    seed: Annotated[int, typer.Option(help="What chance begins with; the same seed, the same run.")] = 0,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record all frames: .pcapng, .log, .asc, .blf, .trc, .mf4.")
    ] = None,
    link: Annotated[
        list[str] | None,
        typer.Option(
            "--link",
            metavar="BUS=CHANNEL",
            help="Link a bus to a real one: BUS=vcan0, BUS=INTERFACE:CHANNEL[@BITRATE[/DATABITRATE]][,KEY=VALUE...].",
        ),
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="ECU,...", help="Run these only; `gateway` is the gateway.")
    ] = None,
    without: Annotated[
        str | None, typer.Option(metavar="ECU,...", help="Run all but these; `gateway` is the gateway.")
    ] = None,
    cycle_start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When the drive cycle begins: now, seconds since 1970 or an ISO time. Default: now; with --only and"
            " --without, and in wall time, it goes by the clock, so that all parts of a vehicle are in step.",
        ),
    ] = None,
    serve: Annotated[
        bool | None, typer.Option("--serve/--no-serve", help="A socket for CAN tools; default: in wall time.")
    ] = None,
    socketcand: Annotated[
        str | None,
        typer.Option(metavar="[HOST:]PORT", help="Let socketcand's clients in, from this machine unless told."),
    ] = None,
    cannelloni: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BUS=[HOST:]PORT[,PEER:PORT]",
            help="A bus to cannelloni over UDP (BUS=tcp:PORT: TCP); may be repeated.",
        ),
    ] = None,
    sdv: Sdv = None,
    sdv_key: SdvKey = None,
    viss: Viss = None,
    aaos: Aaos = None,
    bus: Bus = None,
    someip: Someip = None,
    dbus: Dbus = None,
    agents: Agents = None,
    web: Web = None,
    metrics: Metrics = None,
    otlp: Otlp = None,
    as_json: Json = False,
) -> None:
    file = at_address(read_vehicle(vehicle_of_words(vehicle, sys.argv[1:])), someip)
    for_ns = duration_option(duration)
    links = links_option(link or [])
    selection = Selection(names_option(only), names_option(without) or frozenset())
    served = {"kuksa.val": sdv, "VISS": viss, "vehicle HAL": aaos, **service_buses(bus), "D-Bus": dbus}
    desk = PageDesk(file, tuple(name for name, option in served.items() if option is not None))
    domains = (
        *domain_services(file, sdv=sdv, sdv_key=sdv_key, viss=viss, aaos=aaos),
        *orchestrator_services(file, dbus=dbus, agents=agents),
        *bus_services(file, bus),
        *page_services(web, desk),
        *metrics_services(metrics, otlp),
    )
    outside = bool(file.spec.links or links or serve or socketcand or cannelloni or domains)
    clock = speed_clock(clock, speed, _default_clock(for_ns, outside))
    told = someip_services(file) if clock is Clock.WALL else ()
    options = RunOptions(
        clock=clock,
        for_ns=for_ns,
        speed=speed or 1.0,
        seed=seed,
        trace=trace,
        links=links,
        selection=selection,
        cycle_start_ns=cycle_start_option(cycle_start, in_step=not selection.whole and clock is Clock.WALL),
        services=(
            *_services(desk, clock is Clock.WALL if serve is None else serve, socketcand, cannelloni or []),
            *domains,
            *told,
        ),
    )
    if as_json:
        report = drive(file, options)
        sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
    else:
        from gateway.ui.run_view import RunView

        view = RunView(file.spec.vehicle, options)
        with view:
            report = drive(file, view.watched(options))
        view.summary(report)
    if report.failures:
        raise typer.Exit(1)


def _default_clock(for_ns: int | None, outside: bool) -> Clock:
    """A vehicle that only computes need not wait; one that is looked at, or that has a socket, must."""
    return Clock.VIRTUAL if for_ns is not None and not outside else Clock.WALL


def _services(desk: PageDesk, serve: bool, socketcand: str | None, cannelloni: list[str]) -> tuple[Service, ...]:
    """What is opened to the outside."""
    if not (serve or socketcand or cannelloni):
        return ()
    from gateway.cli import serving

    return (
        *([serving.can_tools(desk)] if serve else []),
        *([serving.socketcand(socketcand)] if socketcand else []),
        *(serving.cannelloni(option) for option in cannelloni),
    )
