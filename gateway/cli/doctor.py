"""gateway doctor: what of the gateway works on this machine, what does not, and what to type."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Final

import typer

from gateway.cli.options import Json
from gateway.doctor import Finding, Standing, base_works, examine

_MARKS: Final = {Standing.WORKS: "works", Standing.MISSING: "not here", Standing.BROKEN: "BROKEN"}
_STYLES: Final = {Standing.WORKS: "green", Standing.MISSING: "yellow", Standing.BROKEN: "bold red"}


def doctor_command(as_json: Json = False) -> None:
    """Look at kernel, permissions, vcan, interfaces, multicast, ports, extras, versions and tools.

    Exit code 0 when everything works that a simulated vehicle needs, else 1.
    """
    findings = examine()
    works = base_works(findings)
    if as_json:
        sys.stdout.write(json.dumps({"works": works, "findings": [_plain(each) for each in findings]}, indent=2) + "\n")
    elif sys.stdout.isatty():
        _table(findings)
    else:
        sys.stdout.writelines(_line(finding) for finding in findings)
    if not as_json:
        sys.stdout.write(_verdict(works))
    if not works:
        raise typer.Exit(1)


def _plain(finding: Finding) -> dict[str, str]:
    return {
        "area": finding.area.value,
        "name": finding.name,
        "state": finding.standing.value,
        "text": finding.text,
        "remedy": finding.remedy,
    }


def _line(finding: Finding) -> str:
    """`ports: 1883/tcp: not here: taken by mosquitto (process 12): type: gateway run ...`: one line each."""
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return f"{_MARKS[finding.standing]:8}  {finding.area.value}: {finding.name}: {finding.text}{remedy}\n"


def _table(findings: Sequence[Finding]) -> None:
    """The same as lines for eyes: an area's name stands once, what to type below what does not work."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for column in ("area", "state", "name"):
        table.add_column(column, no_wrap=True)
    table.add_column("text", overflow="fold")
    before = None
    for finding in findings:
        area = "" if finding.area is before else finding.area.value
        before = finding.area
        text = Text(finding.text)
        if finding.remedy:
            text.append(f"\n{finding.remedy}", style="cyan")
        state = Text(_MARKS[finding.standing], style=_STYLES[finding.standing])
        table.add_row(Text(area, style="bold"), state, Text(finding.name), text)
    console.print(table)


def _verdict(works: bool) -> str:
    if works:
        return "All that a simulated vehicle needs works.\n"
    return "A simulated vehicle cannot be driven here before what is BROKEN is mended.\n"
