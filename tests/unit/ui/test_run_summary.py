"""What a run says at its end, beside its tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.ui.run_view import RunView
from gateway.vehicle import Report, RunOptions
from gateway.vehicle.report import MigrationFigures

NOTHING = Report(1.0, 1.0, 0, {}, [], {}, [])


def shown(report: Report, capsys: pytest.CaptureFixture[str]) -> list[str]:
    RunView("car", RunOptions()).summary(report)
    return capsys.readouterr().out.splitlines()


def test_of_many_frames_that_differ_the_first_ten_and_how_many_more(capsys: pytest.CaptureFixture[str]) -> None:
    differences = tuple(f"difference {number}" for number in range(23))
    figures = MigrationFigures("shadow", 100, 0, 23, ["fell back"], differences)
    report = replace(NOTHING, migrations={"lights": figures})
    lines = shown(report, capsys)
    first = lines.index("migration lights: shadow; 100 frames, 0 of them the service's, 23 differ")
    assert lines[first + 10 : first + 13] == [
        "  difference 9",
        "  ... and 13 more frames that differ; --json has them",
        "  fell back",
    ]
    assert report.as_json()["migrations"]["lights"]["differences"] == list(differences)


def test_signals_that_did_not_come_as_they_should_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(replace(NOTHING, unpublished=["1 signal has never come: Vehicle.Speed"]), capsys)
    assert "warning: 1 signal has never come: Vehicle.Speed" in lines
