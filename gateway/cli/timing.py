"""gateway timing: worst-case response times by analysis, beside what a run or a recording showed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.options import Json, duration_option, find_vehicle
from gateway.trace import READ_ENDINGS, open_reader
from gateway.vehicle import Vehicle, read_about

if TYPE_CHECKING:
    from gateway.analysis.timing import Timing

_DRIVEN: Final = "5s"


def timing_command(
    what: Annotated[
        Path | None,
        typer.Argument(metavar="[VEHICLE|LOG]", help="A vehicle file or its folder, or a recording; else the demo."),
    ] = None,
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="How long the vehicle drives.")] = _DRIVEN,
    seed: Annotated[int, typer.Option(help="What chance begins with.")] = 0,
    database: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Of a recording: names and cycle times, for all its buses."),
    ] = None,
    vehicle: Annotated[
        Path | None, typer.Option(metavar="VEHICLE", help="Of a recording: the vehicle with its databases.")
    ] = None,
    bitrate: Annotated[
        str | None, typer.Option(metavar="RATE[/DATA]", help="Of a recording that does not tell it: 500k, 500k/2M.")
    ] = None,
    as_json: Json = False,
) -> None:
    from gateway.analysis.timing_text import timing_json, timing_lines

    timing = (
        _of_recording(what, database or [], vehicle, bitrate) if _is_log(what) else _of_vehicle(what, duration, seed)
    )
    if as_json:
        sys.stdout.write(json.dumps(timing_json(timing), indent=2) + "\n")
    else:
        for line in timing_lines(timing):
            sys.stdout.write(line + "\n")
    if timing.problem is not None:
        from gateway.cli.log_output import end

        if not as_json:
            sys.stderr.write(f"{what}: error: not everything could be read: {timing.problem}\n")
        end(damaged=True)


def _is_log(what: Path | None) -> bool:
    return what is not None and (what.suffix in READ_ENDINGS or what.suffixes[-1:] == [".gz"])


def _of_vehicle(what: Path | None, duration: str, seed: int) -> Timing:
    from gateway.analysis.timing_run import timing_of_file

    driven_ns = duration_option(duration)
    assert driven_ns is not None
    return timing_of_file(find_vehicle(what), driven_ns, seed)


def _of_recording(what: Path | None, files: list[Path], vehicle: Path | None, bitrate: str | None) -> Timing:
    from gateway.analysis.timing_run import timing_of_recording
    from gateway.can import BitRates
    from gateway.database import joined, load_shared
    from gateway.vehicle.file.words import bit_rate

    assert what is not None
    try:
        numbers = [] if bitrate is None else [bit_rate(part) for part in bitrate.split("/")]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    known = _vehicle(what, vehicle)
    databases = {} if known is None else dict(known.databases)
    if files:
        with open_reader(what) as reader:
            for _ in reader.records():
                pass
            given = joined("given", [load_shared(file) for file in files])
            databases = {**databases, **dict.fromkeys(reader.buses, given)}
    rates = BitRates(numbers[0], numbers[-1]) if numbers else None
    return timing_of_recording(what, databases, rates)


def _vehicle(log: Path, path: Path | None) -> Vehicle | None:
    """The vehicle that was asked for; else the one here, if the recording is of a vehicle of that name."""
    from gateway.cli.log_input import vehicle_for

    with open_reader(log) as reader:
        return vehicle_for(read_about(reader.comment), path)
