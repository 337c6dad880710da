"""gateway guess: what the frames of an unknown car may mean."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from gateway.analysis.guess import MessageGuess, guess
from gateway.analysis.guess_dbc import write_dbc
from gateway.analysis.guess_known import is_signal, known_curve
from gateway.analysis.guess_like import Likeness, alike, like_lines
from gateway.analysis.guess_text import guess_json, guess_lines, summary_line
from gateway.analysis.plot_curve import Curve
from gateway.cli.log_input import Databases, VehicleFile, open_log
from gateway.cli.log_output import end, print_findings
from gateway.cli.options import Json


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
    messages = [message for message in guess(source.of_bus(bus)) if bus in {None, message.bus}]
    if out is not None:
        write_dbc(messages, out)
    curve = None if like is None else known_curve(source, like)
    found = [] if curve is None else alike(messages, curve, source.offset_ns if is_signal(like) else 0)
    if as_json:
        sys.stdout.write(json.dumps(_document(messages, curve, found), indent=2) + "\n")
    else:
        _tell(messages, curve, found, out)
        print_findings(source.notes, (), Console(stderr=True))
    end(damaged=source.log.damaged)


def _tell(messages: list[MessageGuess], curve: Curve | None, found: list[Likeness], out: Path | None) -> None:
    """What moves alike, or what is in the file that was written; the whole list where neither was asked for."""
    lines = [] if curve is None else list(like_lines(found, curve.title))
    if out is not None:
        signals = sum(len(message.fields) for message in messages)
        lines += [summary_line(messages), f"{len(messages)} messages, {signals} signals -> {out}"]
    for line in lines or guess_lines(messages):
        sys.stdout.write(line + "\n")


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
