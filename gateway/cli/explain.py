"""gateway explain: what happened to a frame of a recording, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Json, find_vehicle
from gateway.errors import GatewayError
from gateway.explain import (
    FrameQuestion,
    Names,
    Recording,
    Scene,
    SignalQuestion,
    answer_lines,
    explain_frame,
    explanation_lines,
    find_window,
    names_of,
    nearness,
    open_recording,
    parse_question,
    parse_signal,
    summarize,
    summary_lines,
    why,
)
from gateway.sim import Kernel
from gateway.trace import open_reader
from gateway.vehicle import Vehicle, load


def explain_command(
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="A recording: .pcapng, .log, .asc, .blf and so on.")],
    frame: Annotated[
        str | None,
        typer.Option(metavar="BUS/ID[@TIME]", help="Like body/0x3A0@12.5s, or a message's name; without: all frames."),
    ] = None,
    signal: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[@TIME]",
            help="Why it is stale or does not come: Vehicle.Speed, body.ClusterInfo.DisplaySpeed.",
        ),
    ] = None,
    vehicle: Annotated[
        Path | None,
        typer.Option(help="For names, signals and routes; vehicle.yaml here, or the demo, if it is the recording's."),
    ] = None,
    as_json: Json = False,
) -> None:
    recording = open_recording(trace)
    names = names_of(recording.about, _vehicle(vehicle, recording))
    if signal is not None:
        if frame is not None:
            raise typer.BadParameter("ask for --frame or for --signal, one at a time")
        _tell_why(recording, names, parse_signal(signal), as_json)
        return
    question = None if frame is None else parse_question(frame, recording.buses, names)
    if question is None or question.time_ns is None:
        _tell_all(recording, names, question, as_json)
    else:
        _tell_one(recording, names, question, as_json)


def _vehicle(path: Path | None, recording: Recording) -> Vehicle | None:
    """The vehicle that was asked for; else the one here, when the recording is of a vehicle of that name."""
    if path is not None:
        return load(find_vehicle(path), Kernel())
    if recording.about is None:
        return None
    try:
        here = find_vehicle(None)
    except GatewayError:
        return None
    try:
        found = load(here, Kernel())
    except GatewayError as error:
        sys.stderr.write(f"gateway: {here} is left out, for it has faults: {error}\n")
        return None
    return found if found.name == recording.about.vehicle else None


def _tell_all(recording: Recording, names: Names, question: FrameQuestion | None, as_json: bool) -> None:
    with open_reader(recording.path) as reader:
        only = None if question is None else (question.bus, question.key)
        summary = summarize(reader.records(), names, only)
        summary.problem = reader.problem
    if question is not None and not summary.streams:
        find_window(recording, question)  # tells what there is instead
    if as_json:
        sys.stdout.write(json.dumps(summary.as_json(names), indent=2) + "\n")
        return
    for line in summary_lines(summary, names):
        sys.stdout.write(line + "\n")


def _tell_why(recording: Recording, names: Names, question: SignalQuestion, as_json: bool) -> None:
    end_ns = int(recording.table.times[-1])
    now_ns = end_ns if question.time_ns is None else question.time_ns + recording.origin_ns
    answer = why(Scene(recording.table, names, now_ns, origin_ns=recording.origin_ns), question.name)
    if as_json:
        sys.stdout.write(json.dumps(answer.as_json(), indent=2) + "\n")
        return
    for line in answer_lines(answer, recording.origin_ns):
        sys.stdout.write(line + "\n")


def _tell_one(recording: Recording, names: Names, question: FrameQuestion, as_json: bool) -> None:
    window = find_window(recording, question)
    explanation = explain_frame(window, names)
    if as_json:
        sys.stdout.write(json.dumps(explanation.as_json(), indent=2) + "\n")
        return
    far = nearness(question, window)
    for line in explanation_lines(explanation, window.origin_ns):
        sys.stdout.write(line + "\n")
    if far is not None:
        sys.stdout.write(f"note: {far}\n")
