"""Curves as a picture. The colours are Okabe and Ito's, which people with any kind of colour vision tell apart; lines
differ in their dashes too, so that a print without colours can be read.

Needs matplotlib (extra `plots`), which is imported when a picture is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateway.analysis.errors import AnalysisError
from gateway.analysis.plot_curve import Curve, alone, thinned, with_gaps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS: Final = (".png", ".svg", ".pdf")
PANELS_MAX: Final = 24
TOGETHER_MAX: Final = 6
"""Curves of one unit in one panel."""
NAMES_MAX: Final = 16
"""More names of values than this are not written at the axis."""
SHADED_MAX: Final = 40
"""Of more gaps only the line tells."""
DOTS_MAX: Final = 200
_DASHES: Final = ("-", "--", "-.", ":")


class Style(StrEnum):
    """Of the background."""

    LIGHT = "light"
    DARK = "dark"


COLOURS: Final[dict[Style, tuple[str, ...]]] = {
    Style.LIGHT: ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000"),
    Style.DARK: ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#FFFFFF"),
}
"""Of the eight of Okabe and Ito those that stand out from the background: blue, orange or vermillion, green, and so on."""
_GROUND: Final = {Style.LIGHT: ("#FFFFFF", "#222222", "#DDDDDD"), Style.DARK: ("#16181D", "#E6E6E6", "#3A3D45")}
"""Background, text, grid."""


def check_picture(path: Path) -> None:
    """AnalysisError for a file that cannot be written, or without matplotlib; to be asked before the work is done."""
    import importlib.util

    if path.suffix.lower() not in ENDINGS:
        what = f"a picture {path.suffix!r}" if path.suffix else "a picture without an ending"
        raise AnalysisError(f"{what} cannot be written: write {', '.join(ENDINGS)}", file=str(path))
    if importlib.util.find_spec("matplotlib") is None:
        raise AnalysisError("plots need the package matplotlib: pip install 'vehicle-gateway[plots]'")


def panels(curves: Sequence[Curve]) -> list[list[Curve]]:
    """Which curves are drawn together, up to six: those of one unit; and a signal with its copies on other buses. What
    else has names of values has a panel of its own."""
    found: list[list[Curve]] = []
    for curve in curves:
        for panel in found:
            if len(panel) < TOGETHER_MAX and _together(panel[0], curve):
                panel.append(curve)
                break
        else:
            found.append([curve])
    return found


def _together(first: Curve, curve: Curve) -> bool:
    """Whether one axis can mean both."""
    if curve.unit != first.unit:
        return False
    copy = _on_any_bus(curve.title) == _on_any_bus(first.title) != ""
    if curve.names or first.names:
        return copy and all(curve.names.get(value, name) == name for value, name in first.names.items())
    return copy or curve.unit != ""


def _on_any_bus(title: str) -> str:
    """`Message.Signal` of `bus.Message.Signal`; empty for what is called otherwise."""
    bus, *rest = title.split(".")
    return ".".join(rest) if bus and len(rest) == 2 else ""


def figure_of(curves: Sequence[Curve], style: Style = Style.LIGHT, title: str = "") -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each group of curves over the same time; AnalysisError for more than fit."""
    from matplotlib.figure import Figure

    groups = panels(curves)
    if len(groups) > PANELS_MAX:
        raise AnalysisError(f"{len(groups)} panels do not fit in one picture: choose up to {PANELS_MAX} signals")
    ground, text, _ = _GROUND[style]
    figure = Figure(figsize=(10, 1.2 + 1.8 * len(groups)), layout="constrained", facecolor=ground)
    if title:
        figure.suptitle(title, color=text, fontsize="medium")
    axes = list(figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0])
    colours = cycle(COLOURS[style])
    for axis, group in zip(axes, groups, strict=True):
        _dress(axis, style)
        for index, curve in enumerate(group):
            gaps = _draw(axis, curve, next(colours), _DASHES[index % len(_DASHES)])
            if len(group) == 1 and len(gaps) <= SHADED_MAX:
                _shade(axis, gaps, style)
        _explain(axis, group, style)
    axes[-1].set_xlabel("time in s", color=text)
    return figure, axes


def save(figure: Figure, path: Path) -> None:
    """Write the picture; its format is that of its ending. AnalysisError when that is not possible."""
    import matplotlib as mpl

    metadata: dict[str, Any] = {} if path.suffix.lower() == ".png" else {"CreationDate": None}
    if path.suffix.lower() == ".svg":
        metadata = {"Date": None}
    try:
        with mpl.rc_context({"svg.hashsalt": "vehicle-gateway"}):
            figure.savefig(path, dpi=120, metadata=metadata)
    except OSError as error:
        raise AnalysisError(f"cannot be written: {error.strerror or error}", file=str(path)) from None


def _dress(axis: Axes, style: Style) -> None:
    ground, text, grid = _GROUND[style]
    axis.set_facecolor(ground)
    axis.grid(visible=True, color=grid, linewidth=0.6)
    axis.tick_params(colors=text, labelsize="small")
    for spine in axis.spines.values():
        spine.set_color(grid)


def _draw(axis: Axes, curve: Curve, colour: str, dashes: str) -> list[tuple[float, float]]:
    """A line that ends where its signal was away; gives when that was."""
    whole, gaps = with_gaps(curve)
    thin = thinned(whole)
    marker = "." if thin.present <= DOTS_MAX else ""
    drawstyle = "steps-post" if curve.held or curve.names else "default"
    axis.plot(
        thin.times_s,
        thin.values,
        color=colour,
        linestyle=dashes,
        marker=marker,
        markersize=3,
        linewidth=1.2,
        drawstyle=drawstyle,
        label=curve.title,
    )
    lone = alone(thin)
    if lone.any() and not marker:
        axis.plot(thin.times_s[lone], thin.values[lone], color=colour, linestyle="", marker=".", markersize=3)
    return gaps


def _shade(axis: Axes, gaps: Sequence[tuple[float, float]], style: Style) -> None:
    for start, end in gaps:
        axis.axvspan(start, end, color=_GROUND[style][1], alpha=0.12, linewidth=0)


def _explain(axis: Axes, group: Sequence[Curve], style: Style) -> None:
    ground, text, grid = _GROUND[style]
    first = group[0]
    if len(group) == 1:
        axis.set_title(
            first.title + (f" [{first.unit}]" if first.unit else ""), loc="left", fontsize="small", color=text
        )
    else:
        axis.set_title(f"[{first.unit}]" if first.unit else "", loc="left", fontsize="small", color=text)
        axis.legend(
            fontsize="x-small",
            facecolor=ground,
            labelcolor=text,
            edgecolor=grid,
            loc="upper left",
            bbox_to_anchor=(1, 1),
        )
    axis.ticklabel_format(axis="y", useOffset=False)
    if all(curve.held and not curve.names and set(np.unique(curve.values).tolist()) <= {0.0, 1.0} for curve in group):
        axis.set_ylim(-0.15, 1.15)
        axis.set_yticks([0, 1])
    if first.names:
        names = {value: name for curve in group for value, name in curve.names.items()}
        seen = sorted({value for curve in group for value in np.unique(curve.values[~np.isnan(curve.values)]).tolist()})
        named = [value for value in seen if value in names]
        if 0 < len(named) <= NAMES_MAX:
            axis.set_yticks(named, [names[value] for value in named])
