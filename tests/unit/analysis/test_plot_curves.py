"""Curves: their gaps, what is left of very long ones, and how signals become them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analysis_logs import MS, SPEED, Entry, database, source
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.analysis.errors import AnalysisError
from gateway.analysis.plot_curve import Curve, alone, thinned, with_gaps
from gateway.analysis.plot_files import curves_of_file, first_signal, holds_signals
from gateway.analysis.plot_signals import curves_of, left_out
from gateway.can import Frame


def curve(times: list[float], values: list[float]) -> Curve:
    return Curve("c", np.array(times), np.array(values))


def test_a_gap_ends_the_line() -> None:
    times = [at / 10 for at in range(50) if not 20 <= at < 30]
    whole, gaps = with_gaps(curve(times, [1.0] * len(times)))
    ((start, end),) = gaps
    assert (start, end) == (pytest.approx(2.0), pytest.approx(3.0))
    assert np.isnan(whole.values).sum() == 1


def test_a_curve_without_gaps_stays_as_it_is() -> None:
    whole, gaps = with_gaps(curve([at / 10 for at in range(50)], [1.0] * 50))
    assert (gaps, len(whole)) == ([], 50)


def test_what_is_told_when_it_changes_has_a_gap_only_where_it_is_stale() -> None:
    told = Curve(
        "c", np.array([0.0, 0.1, 0.2, 0.3, 9, 9.5]), np.array([1, 2, 1, 2, np.nan, 3]), held=True, sampled=False
    )
    whole, gaps = with_gaps(told)
    assert (len(whole), gaps) == (6, [(9.0, 9.5)])


def test_a_value_between_two_gaps_stands_alone() -> None:
    lone = alone(curve([0, 1, 2, 3, 4], [1, np.nan, 5, np.nan, 7]))
    assert lone.tolist() == [True, False, True, False, True]


@settings(max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=80, max_size=120))
def test_a_thinned_curve_keeps_its_peaks_and_its_gaps(values: list[float]) -> None:
    whole = curve([float(at) for at in range(len(values))], values)
    thin = thinned(whole, 30)
    assert np.isnan(thin.values).sum() == np.isnan(whole.values).sum()
    if not np.isnan(whole.values).all():
        assert (np.nanmin(thin.values), np.nanmax(thin.values)) == (np.nanmin(whole.values), np.nanmax(whole.values))
    assert len(thin) <= 30 + np.isnan(whole.values).sum() + 2
    assert (np.diff(thin.times_s) > 0).all()


def run() -> list[Entry]:
    """Speed from 0 to 0.99 km/h, Still for the first half."""
    return [(at * 10 * MS, "can0", Frame(0x100, (at | (at >= 50) << 16).to_bytes(8, "little"))) for at in range(100)]


def test_a_signal_is_a_curve_with_its_unit_and_its_table_of_labels() -> None:
    value, state = curves_of(source(run(), {"can0": database(SPEED)}), ["Speed.Value", "can0.Speed.State"])
    assert (value.title, value.unit, len(value), value.held) == ("Speed.Value", "km/h", 100, False)
    assert value.values[-1] == pytest.approx(0.99)
    assert (state.names, state.held) == ({0: "Still", 1: "Moving"}, True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Speed.Valu", r"there is no signal 'Speed.Valu' \(did you mean 'Speed.Value'\?\)"),
        ("Vehicle.Speed", "a path of the VSS tree, and nothing maps to it"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(AnalysisError, match=said):
        curves_of(source(run(), {"can0": database(SPEED)}), [name])


def test_without_any_database_the_sentence_says_what_to_give() -> None:
    with pytest.raises(AnalysisError, match="name one with --database FILE, or a vehicle with --vehicle"):
        curves_of(source(run()), ["Speed.Value"])


def test_a_message_that_the_log_does_not_have_is_told() -> None:
    other = [(0, "can0", Frame(0x1, b""))]
    with pytest.raises(AnalysisError, match="has no frame of Speed, so there is nothing to plot"):
        curves_of(source(other, {"can0": database(SPEED)}), ["Speed.Value"])


def test_a_csv_of_values_is_curves(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "time_s,bus,message,signal,value,unit,label\n1600000000.5,can0,Speed,Value,1.5,km/h,\n"
        "1600000001,can0,Speed,State,1,,Moving\n1600000001.5,can0,Speed,Value,2,km/h,\n"
    )
    assert holds_signals(path)
    assert first_signal(path) == "can0.Speed.Value"
    value, state = curves_of_file(path, ["Speed.Value", "State"])
    assert (value.times_s.tolist(), value.values.tolist(), value.unit) == ([0.0, 1.0], [1.5, 2.0], "km/h")
    assert (state.names, state.times_s.tolist()) == ({1.0: "Moving"}, [0.5])


def test_a_csv_with_a_column_a_signal_is_curves(tmp_path: Path) -> None:
    path = tmp_path / "gps.csv"
    path.write_text("time,speed,height\n0,1,\n1,2,300\n")
    speed, height = curves_of_file(path, ["speed", "height"])
    assert speed.values.tolist() == [1, 2]
    assert np.isnan(height.values[0])


def test_a_csv_of_frames_is_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "frames.csv"
    path.write_text("timestamp,arbitration_id,extended,remote,error,dlc,data\n0,0x1,0,0,0,0,\n")
    assert not holds_signals(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time_s,a\n0,1\n1,x\n", "is no row of values: could not convert"),
        ("time_s,a\n0,1\n1\n", "is no row of values"),
        ("time_s,b\n0,1\n", "has no signal 'a'"),
    ],
)
def test_a_csv_with_a_fault_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(AnalysisError, match=said):
        curves_of_file(path, ["a"])


def test_a_whole_message_is_plotted_without_its_counter_and_by_name_with_it() -> None:
    marked = replace(source(run(), {"can0": database(SPEED)}), marks={("can0", 0x100): frozenset({"State"})})
    for whole in ("Speed", "can0.Speed"):
        assert [curve.title for curve in curves_of(marked, [whole])] == ["Speed.Value"]
        assert left_out(marked, [whole]) == ["can0.Speed.State"]
    assert [curve.title for curve in curves_of(marked, ["Speed.State"])] == ["Speed.State"]
    assert left_out(marked, ["Speed.State"]) == []
