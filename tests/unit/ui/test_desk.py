"""Commands from outside: each is carried out, or refused with a sentence."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.ui.desk import MOST_FAULTS, Desk, FaultRow, PlaybackRow
from gateway.ui.errors import UiError


class Faults:
    kinds = ()

    def __init__(self) -> None:
        self.rows: list[FaultRow] = []
        self.asked: list[tuple[str, Mapping[str, str], str]] = []

    @property
    def active(self) -> tuple[FaultRow, ...]:
        return tuple(self.rows)

    def begin(self, kind: str, arguments: Mapping[str, str], lasting: str) -> FaultRow:
        self.asked.append((kind, arguments, lasting))
        self.rows.append(FaultRow(len(self.rows) + 1, kind, "", 0, None))
        return self.rows[-1]

    def undo(self, number: int) -> None:
        self.rows = [row for row in self.rows if row.number != number]


class Time:
    def __init__(self) -> None:
        self.done: list[object] = []

    def row(self) -> PlaybackRow:
        return PlaybackRow(0, None, paused=False, speed=1.0)

    def pause(self) -> None:
        self.done.append("pause")

    def go_on(self, speed: float | None) -> None:
        self.done.append(speed)

    def seek(self, position_ns: int) -> None:
        self.done.append(position_ns)


def test_faults_go_in_and_out() -> None:
    faults = Faults()
    desk = Desk(faults)
    desk.do({"fault": "kill", "arguments": {"ecu": "ESP"}, "lasting": "1s"})
    assert faults.asked == [("kill", {"ecu": "ESP"}, "1s")]
    desk.do({"undo": 1})
    assert faults.active == ()


def test_time_is_held_moved_and_let_go() -> None:
    time = Time()
    desk = Desk(None, time)
    for command in ({"pause": True}, {"seek": 1e9}, {"go_on": True, "speed": 5}, {"go_on": True}):
        desk.do(command)
    assert time.done == ["pause", 1_000_000_000, 5.0, None]


def test_faults_are_bounded() -> None:
    desk = Desk(Faults())
    for _ in range(MOST_FAULTS):
        desk.do({"fault": "kill"})
    with pytest.raises(UiError, match="take one out first"):
        desk.do({"fault": "kill"})


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"format": "disk"},
        {"fault": 1},
        {"fault": "kill", "arguments": []},
        {"fault": "kill", "lasting": 3},
        {"undo": "1"},
        {"undo": True},
        {"undo": -1},
        {"seek": None},
        {"seek": float("nan")},
        {"go_on": True, "speed": "fast"},
        {"go_on": True, "speed": 0},
        {"go_on": True, "speed": 1e9},
    ],
)
def test_a_command_that_makes_no_sense_is_refused(command: dict[str, object]) -> None:
    with pytest.raises(UiError):
        Desk(Faults(), Time()).do(command)


@pytest.mark.parametrize("command", [{"fault": "kill"}, {"undo": 1}, {"pause": True}, {"go_on": True}, {"seek": 0}])
def test_what_a_vehicle_cannot_is_said(command: dict[str, object]) -> None:
    with pytest.raises(UiError):
        Desk().do(command)
