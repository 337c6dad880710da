"""gateway stats: load, periods, jitter, gaps and unknown identifiers of a recording."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.analysis.stats import stats
from gateway.analysis.stats_text import stats_json, stats_lines
from gateway.cli.log_input import Bitrates, Databases, VehicleFile, open_log, with_rates
from gateway.cli.log_output import end, print_findings
from gateway.cli.options import Json


def stats_command(
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="A recording in any format that is read.")],
    databases: Databases = None,
    vehicle: VehicleFile = None,
    bitrates: Bitrates = None,
    as_json: Json = False,
) -> None:
    source = open_log(trace, databases, vehicle)
    found = stats(source, with_rates(source, bitrates))
    if as_json:
        sys.stdout.write(json.dumps(stats_json(found), indent=2) + "\n")
    else:
        for line in stats_lines(found):
            sys.stdout.write(line + "\n")
        print_findings(found.findings, (), Console(stderr=True))
    end(damaged=source.log.damaged)
