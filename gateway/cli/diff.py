"""gateway diff: two recordings side by side, by message and signal. Exit codes as those of diff(1).

0: the same, 1: not, 2: one of them is damaged or cannot be read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.analysis.differ import TOLERANCE_NS, difference
from gateway.analysis.differ_text import difference_json, difference_lines
from gateway.cli.log_input import Databases, VehicleFile, open_log
from gateway.cli.log_output import end, print_findings
from gateway.cli.options import Json, duration_option


def diff_command(
    first: Annotated[Path, typer.Argument(metavar="A", help="A recording in any format that is read.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The recording of another run.")],
    databases: Databases = None,
    vehicle: VehicleFile = None,
    tolerance: Annotated[
        str | None, typer.Option(metavar="TIME", help="Times so near are the same, like 5ms; default 1us.")
    ] = None,
    as_json: Json = False,
) -> None:
    tolerance_ns = duration_option(tolerance)
    one = open_log(first, databases, vehicle)
    two = open_log(second, databases, vehicle)
    found = difference(one, two, TOLERANCE_NS if tolerance_ns is None else tolerance_ns)
    if as_json:
        sys.stdout.write(json.dumps(difference_json(found), indent=2) + "\n")
    else:
        for line in difference_lines(found):
            sys.stdout.write(line + "\n")
        print_findings(found.findings, (), Console(stderr=True))
    end(damaged=one.log.damaged or two.log.damaged)
    raise typer.Exit(1 if found.messages else 0)
