"""gateway check: all faults of vehicle files, databases and mappings, each with its line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Json
from gateway.database import Severity
from gateway.vehicle import json_schema
from gateway.vehicle.checks.check import Checked, check

_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def check_command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE...]", help="Vehicle files or folders, databases, VSS trees; vehicle.yaml here if absent."
        ),
    ] = None,
    database: Annotated[
        list[str] | None,
        typer.Option(metavar="[BUS=]FILE", help="A database to hold mappings against; may be given several times."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the vehicle file's JSON schema, for editors.")
    ] = False,
    as_json: Json = False,
) -> None:
    if schema:
        sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
        return
    checked = check(files or [Path("vehicle.yaml")], dict(_named(text) for text in database or []))
    if as_json:
        sys.stdout.write(json.dumps([file.as_json() for file in checked], indent=2) + "\n")
    else:
        for line in _lines(checked):
            sys.stdout.write(line + "\n")
    faults = sum(file.count(Severity.ERROR) for file in checked)
    if strict:
        faults += sum(file.count(Severity.WARNING) for file in checked)
    if faults:
        raise typer.Exit(2)


def _named(text: str) -> tuple[str, Path]:
    """Bus and file of `--database`; without a bus it is called as the file."""
    bus, equals, file = text.partition("=")
    return (bus, Path(file)) if equals else (Path(text).stem, Path(text))


def _lines(checked: list[Checked]) -> list[str]:
    lines = []
    for file in checked:
        ordered = sorted(file.findings, key=lambda finding: (finding.line or 0, _ORDER.index(finding.severity)))
        lines += [str(finding) for finding in ordered]
    counts = [(sum(file.count(severity) for file in checked), severity.value) for severity in _ORDER[:2]]
    found = ", ".join(f"{count or 'no'} {word}{'' if count == 1 else 's'}" for count, word in counts)
    files = f"{len(checked)} file{'' if len(checked) == 1 else 's'}"
    messages = sum(file.messages for file in checked if not file.file.endswith((".json", ".vspec")))
    return [*lines, f"{files}, {messages} messages: {found}"]
