"""What `replay` and `decode` show alike: how far the reading is, and what was found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from gateway.database import Severity
from gateway.trace import TraceReader
from gateway.vehicle.checks.findings import Finding, Unknown
from gateway.vehicle.logs.log import Log, read_log

FINDINGS_SHOWN: Final = 12
UNKNOWN_SHOWN: Final = 8
DAMAGED: Final = 2
"""The exit code when a recording could not be read as a whole, as it is of tshark: what could be read was told."""
_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "bright_black"}
_WORST_FIRST: Final = (Severity.ERROR, Severity.WARNING, Severity.INFO)


class _ReadingProgress(Progress):
    """Asks the reader where it is each time that it is drawn: a reader that decodes a whole file tells nobody."""

    def __init__(self, console: Console) -> None:
        self._reader: TraceReader | None = None
        self._task: TaskID | None = None
        super().__init__(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console, transient=True
        )

    def follow(self, reader: TraceReader) -> None:
        self._reader = reader
        self._task = self.add_task(Path(reader.file).name, total=reader.size or None)

    def get_renderable(self) -> RenderableType:
        if self._reader is not None and self._task is not None:
            self.tasks[self.task_ids.index(self._task)].completed = self._reader.position
        return super().get_renderable()


def read_with_progress(paths: Sequence[Path]) -> Log:
    """The log; on a terminal its reading is shown by bytes of the files."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return read_log(paths)
    with _ReadingProgress(console) as progress:
        return read_log(paths, progress.follow)


def print_findings(findings: Sequence[Finding], unknown: Sequence[Unknown], console: Console | None = None) -> None:
    """The unknown identifiers and the findings, the worst first; of many, how many more there are."""
    console = console or Console(file=sys.stdout)
    if unknown:
        total = sum(one.frames for one in unknown)
        listed = ", ".join(f"{one.identifier} ({one.frames})" for one in unknown[:UNKNOWN_SHOWN])
        more = f" and {len(unknown) - UNKNOWN_SHOWN} ids more" if len(unknown) > UNKNOWN_SHOWN else ""
        _line(console, f"{total} frames of unknown ids: {listed}{more}", Severity.WARNING)
    # Of one severity, what the log showed (which has no line) before the faults of files.
    ordered = sorted(findings, key=lambda finding: (_WORST_FIRST.index(finding.severity), finding.line is not None))
    for finding in ordered[:FINDINGS_SHOWN]:
        _line(console, str(finding), finding.severity)
    if len(ordered) > FINDINGS_SHOWN:
        _line(console, f"... and {len(ordered) - FINDINGS_SHOWN} more findings; --json has all of them", Severity.INFO)


def end(*, damaged: bool) -> None:
    """Leave with the exit code that says so when a recording was damaged."""
    if damaged:
        raise typer.Exit(DAMAGED)


def _line(console: Console, text: str, severity: Severity) -> None:
    console.print(text, style=_STYLES[severity], soft_wrap=True, highlight=False, markup=False)
