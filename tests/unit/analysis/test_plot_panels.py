"""Pictures: which curves share a panel, what is written at their axes, and colours that stand apart."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from gateway.analysis.errors import AnalysisError
from gateway.analysis.plot_curve import Curve
from gateway.analysis.plot_figure import COLOURS, Style, check_picture, figure_of, panels, save

pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'vehicle-gateway[plots]'")


def curve(title: str, unit: str = "", names: dict[float, str] | None = None, held: bool = False) -> Curve:
    times = np.arange(20) / 10
    return Curve(title, times, np.array([0.0, 1.0] * 10), unit, names or {}, held)


def test_curves_of_one_unit_share_a_panel_and_tables_of_labels_have_their_own() -> None:
    curves = [
        curve("a", "km/h"),
        curve("b", "rpm"),
        curve("c", "km/h"),
        curve("d", "km/h", {0: "off"}),
        curve("e"),
        curve("f"),
    ]
    assert [[each.title for each in panel] for panel in panels(curves)] == [["a", "c"], ["b"], ["d"], ["e"], ["f"]]


def test_a_copy_on_another_bus_shares_the_panel_with_its_labels_too() -> None:
    gear = {0.0: "P", 1.0: "R"}
    curves = [
        curve("one.Lever.Gear", names=gear),
        curve("one.Lever.Locked", names={0.0: "No", 1.0: "Yes"}),
        curve("two.Lever.Gear", names={0.0: "P"}),
        curve("two.Lever.Locked", names={0.0: "Off"}),
        curve("one.Lever.Counter"),
        curve("two.Lever.Counter"),
    ]
    assert [[each.title for each in panel] for panel in panels(curves)] == [
        ["one.Lever.Gear", "two.Lever.Gear"],
        ["one.Lever.Locked"],
        ["two.Lever.Locked"],
        ["one.Lever.Counter", "two.Lever.Counter"],
    ]
    _, (axis, *_) = figure_of([curves[2], curves[0]])
    assert [label.get_text() for label in axis.get_yticklabels()] == ["P", "R"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["two.Lever.Gear", "one.Lever.Gear"]


def test_labels_are_written_at_the_axis_and_drawn_in_steps() -> None:
    _, (axis,) = figure_of([curve("a", names={0.0: "Still", 1.0: "Moving"})])
    assert [label.get_text() for label in axis.get_yticklabels()] == ["Still", "Moving"]
    assert axis.get_lines()[0].get_drawstyle() == "steps-post"


def test_a_gap_is_a_hole_in_the_line_and_shaded() -> None:
    whole = curve("a")
    kept = [at for at in range(20) if not 8 <= at < 14]
    _, (axis,) = figure_of([Curve("a", whole.times_s[kept], whole.values[kept])])
    assert np.isnan(axis.get_lines()[0].get_ydata()).sum() == 1
    assert len(axis.patches) == 1


@pytest.mark.parametrize("style", list(Style))
def test_the_colours_stand_out_from_the_background_and_lines_of_a_panel_differ_in_dashes(style: Style) -> None:
    figure, (axis,) = figure_of([curve(name, "km/h") for name in "abcd"], style)
    assert len({line.get_linestyle() for line in axis.get_lines()}) == 4
    ground = _luminance(figure.get_facecolor()[:3])
    for colour in COLOURS[style]:
        light = _luminance(tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))
        ratio = (max(light, ground) + 0.05) / (min(light, ground) + 0.05)
        assert ratio > 2.2, colour  # orange on white is the weakest of the eight
    assert all(one != other for one, other in combinations(COLOURS[style], 2))


def _luminance(colour: tuple[float, ...]) -> float:
    """WCAG 2.1, relative luminance."""
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_too_many_panels_are_refused() -> None:
    with pytest.raises(AnalysisError, match="30 panels do not fit in one picture"):
        figure_of([curve(str(at)) for at in range(30)])


def test_a_picture_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        save(figure_of([curve("a", "km/h")])[0], tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("name", ["a", "a.gif", "a.jpg"])
def test_other_endings_are_refused_before_the_work(name: str) -> None:
    with pytest.raises(AnalysisError, match=r"write \.png, \.svg, \.pdf"):
        check_picture(Path(name))
