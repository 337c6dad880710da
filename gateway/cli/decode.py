"""gateway decode: what the frames of a log mean."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from gateway.cli.log_input import Databases, VehicleFile, vehicle_for
from gateway.cli.log_output import end, print_findings, read_with_progress
from gateway.cli.options import Json, duration_option
from gateway.database import Database
from gateway.errors import GatewayError
from gateway.trace import open_reader
from gateway.vehicle import read_about
from gateway.vehicle.checks.findings import Census, Finding, database_findings, log_findings, unknown_frames
from gateway.vehicle.logs.decode import DecodedLog, census, decode
from gateway.vehicle.logs.decode_choice import check_names, choose, restricted
from gateway.vehicle.logs.decode_lines import LineDecoder
from gateway.vehicle.logs.decoded_files import check_ending, write
from gateway.vehicle.logs.log_databases import DatabaseChoice, Meaning, preloaded


def decode_command(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A recording in any format that is read.")],
    databases: Databases = None,
    vehicle: VehicleFile = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write .csv, .json, .mf4 or .mcap; without, lines to the terminal."),
    ] = None,
    signals: Annotated[
        list[str] | None,
        typer.Option("--signal", metavar="NAME", help="Only this: Message.Signal, Signal or Message. Repeatable."),
    ] = None,
    raster: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="CSV with a column a signal and a row each so long, like 100ms."),
    ] = None,
    as_json: Json = False,
) -> None:
    """The command's options, and what comes of them."""
    raster_ns = duration_option(raster)
    if raster_ns is not None and out is None:
        raise typer.BadParameter("--raster is for a CSV file: give --out FILE.csv")
    if out is not None:
        check_ending(out, raster_ns)
    meaning = _meaning(log, databases or [], vehicle)
    if out is None and not as_json:
        _print_lines(log, meaning, signals or [])
        return
    decoded = _decoded(log, meaning, signals or [])
    if out is not None:
        write(decoded, out, raster_ns)
    found = census(decoded.log)
    findings = _findings(str(log), found, decoded.databases, list(decoded.log.findings))
    if as_json:
        sys.stdout.write(json.dumps(_as_json(decoded, found, findings), indent=2) + "\n")
    else:
        _summary(decoded, found, findings, out)
    end(damaged=decoded.log.damaged)


def _meaning(log: Path, databases: list[str], vehicle: Path | None) -> Meaning:
    """The databases. GatewayError when none is named, and the recording is not of the vehicle that is here."""
    choices = [DatabaseChoice.of(text) for text in databases]
    loaded = preloaded(choices)
    known = None
    if vehicle is not None or not choices:
        with open_reader(log) as reader:
            known = vehicle_for(read_about(reader.comment), vehicle)
        if known is None:
            raise GatewayError(
                f"what the frames of {log} mean is not known: name a database with --database [BUS=]FILE,"
                " or a vehicle with --vehicle"
            )
    return Meaning(choices, loaded, {} if known is None else known.databases)


def _decoded(log: Path, meaning: Meaning, names: list[str]) -> DecodedLog:
    frames = read_with_progress([log])
    found = meaning.by_bus(frames.buses)
    check_names(names, found)
    return restricted(decode(frames, found), choose(names, found))


def _print_lines(log: Path, meaning: Meaning, names: list[str]) -> None:
    # The buses are not known before the log is read: a name may begin with any.
    check_names([_without_bus(name) for name in names], meaning.every())
    decoder = LineDecoder(meaning.of, names)
    try:
        sys.stdout.writelines(decoder.lines(log))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (`| head`), which is its right; what is still held must not be tried again at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    findings = _findings(str(log), decoder.census, decoder.databases, decoder.findings)
    print_findings(findings, unknown_frames(decoder.census, decoder.databases), Console(stderr=True))
    end(damaged=decoder.damaged)


def _without_bus(name: str) -> str:
    return name.partition(".")[2] if name.count(".") == 2 else name


def _findings(file: str, found: Census, databases: Mapping[str, Database], findings: list[Finding]) -> list[Finding]:
    return [*database_findings(databases.values()), *findings, *log_findings(file, found, databases)]


def _summary(decoded: DecodedLog, found: Census, findings: list[Finding], out: Path | None) -> None:
    console = Console(stderr=True)
    values = sum(table.present for table in decoded.tables)
    unknown = unknown_frames(found, decoded.databases)
    messages = f"{len(decoded.tables)} message{'' if len(decoded.tables) == 1 else 's'}"
    text = f"{len(decoded.log)} frames, {messages}, {values} values"
    console.print(text + (f" -> {out}" if out is not None else ""), soft_wrap=True, highlight=False, markup=False)
    print_findings(findings, unknown, console)


def _as_json(decoded: DecodedLog, found: Census, findings: list[Finding]) -> dict[str, Any]:
    unknown = unknown_frames(found, decoded.databases)
    return {
        "frames": len(decoded.log),
        "duration_s": decoded.log.duration_ns / 1e9,
        "unknown_frames": sum(one.frames for one in unknown),
        "unknown": [one.as_json() for one in unknown],
        "messages": [
            {"bus": table.bus, "message": table.message.name, "frames": len(table), "signals": list(table.values)}
            for table in decoded.tables
        ],
        "diagnostics": [finding.as_json() for finding in findings],
    }
