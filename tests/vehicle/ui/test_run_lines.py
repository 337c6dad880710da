"""What a run says while it lasts, where its output is no terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.sim import NS_PER_S, Kernel
from gateway.ui.run_view import RunView
from gateway.vehicle import RunOptions, build, read_vehicle

DEMO = Path(__file__).parents[3] / "vehicle.yaml"


def test_a_line_comes_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    vehicle = build(read_vehicle(DEMO), Kernel(), seed=1)
    view = RunView(vehicle.name, RunOptions())
    watcher = view.watched(RunOptions()).watcher
    assert watcher is not None
    with view:
        for fifth in range(5 * 35):
            watcher(vehicle, fifth * NS_PER_S // 5)
    assert len(capsys.readouterr().out.splitlines()) == 3
