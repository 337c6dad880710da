"""gateway guess: what the frames of an unknown car may mean."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from gateway.analysis.errors import AnalysisError
from gateway.analysis.guess import MessageGuess, guess
from gateway.analysis.guess_dbc import write_dbc
from gateway.analysis.guess_like import Likeness, alike, like_lines
from gateway.analysis.guess_text import guess_json, guess_lines
from gateway.analysis.plot_curve import Curve
from gateway.analysis.plot_files import curves_of_file, first_signal
from gateway.analysis.plot_signals import curves_of
from gateway.analysis.source import Source
from gateway.cli.log_input import Databases, VehicleFile, open_log
from gateway.cli.log_output import print_findings
from gateway.cli.options import Json
from gateway.errors import nearest


def guess_command(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A recording in any format that is read.")],
    like: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv[:COLUMN]|SIGNAL", help="Only what moves together with this, the best first."),
    ] = None,
    databases: Databases = None,
    vehicle: VehicleFile = None,
    bus: Annotated[str | None, typer.Option(metavar="BUS", help="Only this bus.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.dbc", help="Write a first database to edit.")] = None,
    as_json: Json = False,
) -> None:
    source = open_log(log, databases, vehicle)
    messages = [message for message in guess(_of_bus(source, bus)) if bus in {None, message.bus}]
    if out is not None:
        write_dbc(messages, out)
    curve = None if like is None else _curve(source, like)
    found = [] if curve is None else alike(messages, curve, source.offset_ns if _is_signal(like) else 0)
    if as_json:
        sys.stdout.write(json.dumps(_document(messages, curve, found), indent=2) + "\n")
        return
    for line in guess_lines(messages) if curve is None else like_lines(found, curve.title):
        sys.stdout.write(line + "\n")
    console = Console(stderr=True)
    print_findings(source.notes, (), console)
    if out is not None:
        signals = sum(len(message.fields) for message in messages)
        text = f"{len(messages)} messages, {signals} signals -> {out}"
        console.print(text, soft_wrap=True, highlight=False, markup=False)


def _of_bus(source: Source, bus: str | None) -> Source:
    buses = source.log.buses
    if bus is None:
        return source
    if bus not in buses:
        raise AnalysisError(f"the log has no bus {bus!r}{nearest(bus, list(buses))}; it has {', '.join(buses)}")
    return replace(source, log=source.log.select(source.log.bus == buses.index(bus)))


def _is_signal(like: str | None) -> bool:
    return like is not None and Path(like.partition(":")[0]).suffix.lower() != ".csv"


def _curve(source: Source, like: str) -> Curve:
    """The signal that is known, from a file or of the log itself."""
    if _is_signal(like):
        return curves_of(source, [like])[0]
    file, _, column = like.partition(":")
    curve = curves_of_file(Path(file), [column or first_signal(Path(file))], origin_s=source.origin_ns / 1e9)[0]
    if len(curve) and curve.times_s[0] > source.log.duration_ns / 1e9:
        raise AnalysisError("its times are behind the end of the log: both must count from the same moment", file=file)
    return curve


def _document(messages: list[MessageGuess], curve: Curve | None, found: list[Likeness]) -> dict[str, Any]:
    document: dict[str, Any] = {"messages": guess_json(messages)}
    if curve is not None:
        document["like"] = {
            "signal": curve.title,
            "found": [
                {
                    "bus": each.bus,
                    "id": each.key & 0x1FFFFFFF,
                    "start": each.field.start,
                    "length": each.field.length,
                    "byte_order": "big" if each.field.big_endian else "little",
                    "signed": each.field.signed,
                    "correlation": each.correlation,
                    "scale": each.scale,
                    "offset": each.offset,
                }
                for each in found
            ],
        }
    return document
