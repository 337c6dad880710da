"""Each of many broken vehicles: `explain` names what was broken, in its first line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from planted import PLANTED
from planting import Planted, ask, ask_while_it_runs, drive

from gateway.explain import answer_lines


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name.replace(" ", "-"))
def test_the_first_line_names_the_planted_cause(planted: Planted, tmp_path: Path) -> None:
    folder = tmp_path / "car"
    trace = drive(planted, folder)
    answer = ask(planted, folder, trace)
    told = "\n".join(answer_lines(answer))
    assert answer.cause.fault is planted.fault, told
    first = told.splitlines()[0]
    assert first.startswith(f"{planted.asked} ")
    assert re.search(planted.says, first), told


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name.replace(" ", "-"))
def test_the_running_vehicle_names_it_as_well(planted: Planted, tmp_path: Path) -> None:
    told = ask_while_it_runs(planted, tmp_path / "car")
    assert told.document["cause"] == planted.fault.value, "\n".join(told.lines)
    assert re.search(planted.says, told.lines[0]), "\n".join(told.lines)
