"""gateway explain: why a signal is stale, what happened to a frame; in a recording, or in a vehicle that runs."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.options import Json
from gateway.explain import STREAM, ExplainError, Told, asked, names_of, open_recording, renamed


def explain_command(
    trace: Annotated[
        Path | None,
        typer.Argument(
            metavar="[TRACE]",
            help="A recording (.pcapng, .log, .asc, .blf and so on), or a running vehicle's socket or name;"
            " without: the vehicle that runs.",
        ),
    ] = None,
    signal: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[@TIME]",
            help="Why it is stale or does not come: Vehicle.Speed, or BUS.Message[.Signal] like body.ClusterInfo.",
        ),
    ] = None,
    frame: Annotated[
        str | None,
        typer.Option(
            metavar="BUS/ID[@TIME]", help="What happened to it: body/0x3A0@12.5s, or a message's name; or to all of it."
        ),
    ] = None,
    vehicle: Annotated[
        Path | None,
        typer.Option(help="For names, signals and routes; vehicle.yaml here, or the demo, if it is the recording's."),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="CHANNEL=BUS", help="The recording's channel is this bus. Repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    if signal is not None and frame is not None:
        raise typer.BadParameter("ask for --signal or for --frame, one at a time")
    question = f"signal {signal}" if signal is not None else f"frame {frame}" if frame is not None else "all"
    if trace is not None and _is_file(trace):
        told = _of_recording(trace, question, vehicle, names or [])
    else:
        told = _live(trace, question)
    if as_json:
        sys.stdout.write(json.dumps(told.document, indent=2) + "\n")
    else:
        for line in told.lines:
            sys.stdout.write(line + "\n")
    if told.damaged:
        from gateway.cli.log_output import end

        end(damaged=True)


def _is_file(path: Path) -> bool:
    """Whether it is to be read; a socket is asked, and so is what looks like a vehicle's name."""
    try:
        return not stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return bool(path.suffix)


def _of_recording(trace: Path, question: str, vehicle: Path | None, names: list[str]) -> Told:
    from gateway.cli.log_input import bus_name, vehicle_for

    recording = open_recording(trace)
    if names:
        recording = renamed(recording, dict(bus_name(name) for name in names))
    return asked(recording, names_of(recording.about, vehicle_for(recording.about, vehicle)), question)


def _live(which: Path | None, question: str) -> Told:
    """Ask the vehicle that runs. ExplainError for what it cannot answer; LinkError when none is there."""
    from gateway.links.client import Client
    from gateway.links.places import find, running

    place = (
        find(None, "`gateway explain PATH`")
        if which is None
        else next((each for each in running() if each.stem == str(which)), None)
    )
    client = Client(find(which) if place is None else place, "explain")
    try:
        with client.stream(STREAM) as stream, stream.makefile("rwb") as file:
            file.write(question.encode() + b"\n")
            file.flush()
            line = file.readline()
    except OSError as error:
        raise ExplainError(f"{client.place}: {error.strerror or 'no answer'}") from None
    if not line:
        raise ExplainError(f"{client.place}: the vehicle stopped before it answered, or the question is too long")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise ExplainError(answer["error"])
    return Told(answer["lines"], answer["document"])
