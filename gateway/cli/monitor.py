"""gateway monitor: watch a vehicle, a real bus or a recording in a terminal."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from gateway.cli.options import find_vehicle
from gateway.domains.errors import need_extra
from gateway.links.places import VARIABLE, find, is_live, running
from gateway.trace import READ_ENDINGS
from gateway.ui.errors import UiError


class Kind(Enum):
    """What is watched."""

    SOCKET = "socket"
    """A vehicle that runs already."""
    VEHICLE = "vehicle"
    LOG = "log"
    LINK = "link"


class Target(NamedTuple):
    """What is watched, and its path or address."""

    kind: Kind
    text: str


def monitor_command(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]",
            help="A vehicle file (it is driven), a running vehicle's name or socket, vcan0 or INTERFACE:CHANNEL, a"
            " recording; without: the vehicle that runs, else the demo vehicle.",
        ),
    ] = None,
    databases: Annotated[
        list[str] | None,
        typer.Option("--database", metavar="[BUS=]FILE", help="What the frames of a real bus or a recording mean."),
    ] = None,
    vehicle: Annotated[
        Path | None,
        typer.Option(
            metavar="VEHICLE", help="Of a recording: its routes, ECUs and names; default: the one here, if it is of it."
        ),
    ] = None,
) -> None:
    """Buses, messages with decoded signals, VSS signals, routes, ECUs, nodes: live; one key explains a line."""
    _need_terminal()
    try:
        from gateway.ui.monitor_app import MonitorApp
    except ImportError as error:
        raise need_extra("gateway monitor", "monitor", error) from None
    from gateway.cli.monitor_host import hosted
    from gateway.ui.monitor_link import VehicleLink

    chosen = choose(target)
    if databases and chosen.kind in {Kind.SOCKET, Kind.VEHICLE}:
        raise typer.BadParameter("a vehicle has databases of its own: --database is for a real bus or a recording")
    if vehicle is not None and chosen.kind is not Kind.LOG:
        raise typer.BadParameter("--vehicle goes with a recording; a vehicle that is to be driven is the TARGET")
    if vehicle is not None and databases:
        raise typer.BadParameter("a vehicle has databases of its own: give either --vehicle or --database")
    car = None if vehicle is None else str(find_vehicle(vehicle))
    with contextlib.ExitStack() as stack:
        link = VehicleLink(stack.enter_context(hosted(chosen.kind.value, chosen.text, databases or [], car)))
        stack.callback(link.close)
        signal.signal(signal.SIGHUP, lambda *_: _hung_up(stack))
        app = MonitorApp(link)
        app.run()
    if app.return_code:
        raise typer.Exit(app.return_code)


def _hung_up(stack: contextlib.ExitStack) -> None:
    """The terminal is gone: stop what was started, and leave at once, for the screen would wait to be drawn for ever."""
    stack.close()
    os._exit(128 + signal.SIGHUP)


def _need_terminal() -> None:
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UiError(
            "a monitor needs a terminal; for lines there are `gateway run`, `gateway explain`, `gateway stats`"
        )
    if os.environ.get("TERM", "dumb") in {"dumb", "unknown"}:
        raise UiError(
            "this terminal (TERM=dumb) cannot be drawn on; for lines there are `gateway run`, `gateway explain`"
        )


def choose(text: str | None) -> Target:
    """What a target means. UiError for a file that is not there; LinkError where several vehicles run."""
    if text is None:
        if os.environ.get(VARIABLE) or running():
            return Target(Kind.SOCKET, str(find(choice="`gateway monitor PATH`")))
        return Target(Kind.VEHICLE, str(find_vehicle(None)))
    path = Path(text)
    named = next((place for place in running() if place.stem == text), None)
    if named is not None:
        return Target(Kind.SOCKET, str(named))
    if path.exists():
        if stat.S_ISSOCK(path.stat().st_mode):
            return Target(Kind.SOCKET, str(find(text)) if not is_live(path) else text)
        if path.is_dir() or path.suffix.lower() in {".yaml", ".yml"}:
            return Target(Kind.VEHICLE, str(find_vehicle(path)))
        return Target(Kind.LOG, text)
    if "/" in text or path.suffix.lower() in {".yaml", ".yml", ".gz", *READ_ENDINGS}:
        raise UiError("there is no such file", file=text)
    return Target(Kind.LINK, text)
