"""gateway plot: signals of a recording as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.analysis.plot_figure import Style, check_picture, figure_of, save
from gateway.analysis.plot_files import curves_of_file, holds_signals
from gateway.analysis.plot_signals import curves_of, left_out
from gateway.cli.log_input import Databases, VehicleFile, open_log
from gateway.cli.log_output import end, print_findings
from gateway.routing import load_mapping


def plot_command(
    trace: Annotated[
        Path, typer.Argument(metavar="TRACE", help="A recording, or signals as CSV or MF4 (`gateway decode --out`).")
    ],
    signals: Annotated[
        list[str],
        typer.Argument(
            metavar="SIGNAL...", help="Message.Signal, Bus.Message.Signal, Message, or a path of the VSS tree."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture: .png, .svg or .pdf.")],
    databases: Databases = None,
    vehicle: VehicleFile = None,
    mapping: Annotated[
        Path | None, typer.Option("--signals", metavar="MAP.json", help="A VSS tree with dbc2vss, without a vehicle.")
    ] = None,
    style: Annotated[Style, typer.Option(help="Of the background.")] = Style.LIGHT,
) -> None:
    check_picture(out)
    console = Console(stderr=True)
    damaged = False
    if holds_signals(trace):
        curves = curves_of_file(trace, signals)
    else:
        source = open_log(trace, databases, vehicle)
        rules = None if mapping is None else load_mapping(mapping, source.databases)
        curves = curves_of(source, signals, rules)
        print_findings(source.notes, (), console)
        marks = left_out(source, signals)
        if marks:
            text = f"left out: {', '.join(marks)} (counters and checksums; name them to see them)"
            console.print(text, soft_wrap=True, highlight=False, markup=False)
        damaged = source.log.damaged
    figure, _ = figure_of(curves, style, trace.name)
    save(figure, out)
    points = sum(curve.present for curve in curves)
    text = f"{len(curves)} signal{'' if len(curves) == 1 else 's'}, {points} values -> {out}"
    console.print(text, soft_wrap=True, highlight=False, markup=False)
    end(damaged=damaged)
