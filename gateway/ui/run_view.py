"""A run as people see it: on a terminal a view that moves, elsewhere lines; at the end the summary."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.sim import NS_PER_S, Clock
from gateway.vehicle import Report, RunOptions, Vehicle, report

_WIDTH_OF_FILES: Final = 160
_LEAST_NAME: Final = 10
_DIFFERENCES: Final = 10
"""So many frames that differ are listed."""
_LINE_EACH_S: Final = 10.0
"""Without a terminal a line comes so often, in wall time."""
_LEAST: Final = {
    "frames": 8,
    "load": 6,
    "errors": 6,
    "received": 8,
    "forwarded": 9,
    "filtered": 8,
    "dropped": 7,
    "value": 9,
    "quality": 7,
}
"""The width of columns that are never cut."""
_QUALITY_STYLE: Final = {"good": "green", "stale": "yellow", "absent": "bright_black"}


class RunView:
    """Shows a run while it lasts (context manager) and its summary afterwards."""

    def __init__(self, vehicle: str, options: RunOptions) -> None:
        self._vehicle = vehicle
        self._options = options
        self._console = Console()
        if not self._console.is_terminal:
            # Nobody reads a cut word in a file or a pipe.
            self._console = Console(width=_WIDTH_OF_FILES)
        self._live: Live | None = None
        self._said_s = 0.0

    def __enter__(self) -> RunView:
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def watched(self, options: RunOptions) -> RunOptions:
        """The options, with this view as the watcher."""
        return replace(options, watcher=self._show)

    def summary(self, last: Report) -> None:
        """The figures at the end."""
        self._console.print(_head(self._vehicle, self._options, last))
        width = self._console.width
        self._console.print(_buses(last, width))
        if last.routes:
            self._console.print(_routes(last, len(last.routes), width))
        if last.signals:
            self._console.print(_signals(last, len(last.signals), width))
        for reason, frames in last.not_recorded.items():
            self._console.print(
                Text(
                    f"{frames} frame{' is' if frames == 1 else 's are'} not in the recording: {reason}", style="yellow"
                ),
                soft_wrap=True,
            )
        for what, count in last.unfit.items():
            self._console.print(Text(f"{what} ({count})", style="yellow"), soft_wrap=True)
        for text in last.unpublished:
            self._console.print(Text(f"warning: {text}", style="yellow"), soft_wrap=True)
        for name, migration in last.migrations.items():
            self._console.print(Text(f"migration {name}: {migration.sentence}"), soft_wrap=True)
            more = len(migration.differences) - _DIFFERENCES
            listed = [*migration.differences[:_DIFFERENCES]]
            listed += [f"... and {more} more frames that differ; --json has them"] if more > 0 else []
            for line in (*listed, *migration.fall_backs):
                self._console.print(Text(f"  {line}"), soft_wrap=True)
        for unit in last.failed_units:
            self._console.print(Text(unit, style="yellow"), soft_wrap=True)
        for failure in last.failures:
            self._console.print(Text(failure, style="red"), soft_wrap=True)

    def _show(self, vehicle: Vehicle, wall_ns: int) -> None:
        now = report(vehicle, wall_ns)
        if self._live is not None:
            self._live.update(self._picture(now), refresh=True)
        elif now.wall_s - self._said_s >= _LINE_EACH_S:
            self._said_s = now.wall_s
            loads = ", ".join(f"{name} {bus.load:.0%}" for name, bus in now.buses.items())
            self._console.print(f"{now.simulated_s:10.3f} s  {now.frames} frames  {loads}", highlight=False)

    def _picture(self, now: Report) -> RenderableType:
        width = self._console.width
        room = max(6, self._console.height - len(now.buses) - 7)
        signals = min(len(now.signals), max(room // 2, room - len(now.routes)))
        parts: list[RenderableType] = [_head(self._vehicle, self._options, now), _buses(now, width)]
        if now.routes:
            parts.append(_routes(now, room - signals, width))
        parts.append(_signals(now, signals, width))
        if self._options.for_ns is None:
            parts.append(Text("Ctrl-C ends the drive", style="bright_black"))
        return Group(*parts)


def _head(vehicle: str, options: RunOptions, now: Report) -> Text:
    text = Text(f"{vehicle}: {now.simulated_s:.3f} s")
    if options.for_ns is not None:
        text.append(f" of {options.for_ns / NS_PER_S:g} s")
    text.append(f", {options.clock.value} time, seed {now.seed}, {now.frames} frames")
    if options.clock is Clock.VIRTUAL and now.wall_s > 0:
        text.append(f", {now.simulated_s / now.wall_s:.0f} times real time")
    elif now.latest_s:
        text.append(f", at most {now.latest_s * 1000:.1f} ms late")
    return text


def _table(width: int, *columns: str) -> Table:
    """A table of `width` columns in which names are cut where they must be, and numbers never."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    rest = sum(max(_LEAST.get(column, 0), len(column)) + 2 for column in columns[1:])
    table.add_column(columns[0], no_wrap=True, overflow="ellipsis", max_width=max(_LEAST_NAME, width - rest - 2))
    for column in columns[1:]:
        if column in _LEAST:
            right = column not in {"value", "quality"}
            least = max(_LEAST[column], len(column))
            table.add_column(column, justify="right" if right else "left", no_wrap=True, min_width=least)
        else:
            table.add_column(column, overflow="fold")
    return table


def _buses(now: Report, width: int) -> Table:
    table = _table(width, "bus", "frames", "load", "errors", "")
    for name, bus in now.buses.items():
        notes = [f"{kind}: {count}" for kind, count in bus.events.items()]
        if bus.link is not None:
            notes.insert(0, str(bus.link))
        elif bus.alone:
            notes.insert(0, "simulated, for this part of the vehicle alone")
        table.add_row(name, str(bus.frames), f"{bus.load:.1%}", str(bus.errors), ", ".join(notes))
    return table


def _routes(now: Report, most: int, width: int) -> Table:
    """Where not all have room, those that dropped something come first."""
    table = _table(width, "route", "received", "forwarded", "filtered", "dropped", "")
    shown = now.routes
    if len(shown) > most:
        shown = sorted(shown, key=lambda route: -sum(route.dropped.values()))[: max(1, most - 1)]
    for route in shown:
        why = ", ".join(f"{reason}: {count}" for reason, count in route.dropped.items())
        table.add_row(
            f"{route.source} -> {route.target}",
            str(route.received),
            str(route.forwarded),
            str(route.filtered),
            str(sum(route.dropped.values())),
            why,
        )
    if len(shown) < len(now.routes):
        table.add_row(f"... and {len(now.routes) - len(shown)} more")
    return table


def _signals(now: Report, most: int, width: int) -> Table:
    table = _table(width, "signal", "value", "quality")
    if len(now.signals) > most:
        most -= 1
    for path, signal in list(now.signals.items())[:most]:
        value = f"{signal.value:.6g}" if isinstance(signal.value, float) else str(signal.value)
        style = _QUALITY_STYLE[signal.quality]
        table.add_row(path, "-" if signal.value is None else value, Text(signal.quality, style=style))
    if len(now.signals) > most:
        table.add_row(f"... and {len(now.signals) - most} more", "", "")
    return table
