"""Recordings as one log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.can import BRS, ERROR, EXTENDED, FD, REMOTE, Frame
from gateway.trace import TraceError
from gateway.vehicle.logs.decode import census, groups
from gateway.vehicle.logs.log import read_log

A, B = Frame(0x100, b"\x01"), Frame(0x101, b"\x02\x03")
DATE = 1_600_000_000_000_000_000
MS = 1_000_000


def test_times_count_from_the_first_frame(write_log: Callable[..., Path]) -> None:
    log = read_log([write_log("a.log", [(DATE, "can0", A), (DATE + 5 * MS, "can1", B)])])
    assert list(log.frames()) == [(0, 0, A), (5 * MS, 1, B)]
    assert (log.start_ns, log.duration_ns, log.buses) == (DATE, 5 * MS, ("can0", "can1"))


def test_recordings_with_dates_keep_their_distance(write_log: Callable[..., Path]) -> None:
    late = write_log("late.log", [(DATE + 100 * MS, "can1", B)])
    early = write_log("early.log", [(DATE, "can0", A), (DATE + 200 * MS, "can0", A)])
    log = read_log([late, early])
    assert [(time, log.buses[bus]) for time, bus, _ in log.frames()] == [
        (0, "can0"),
        (100 * MS, "can1"),
        (200 * MS, "can0"),
    ]


def test_recordings_of_which_one_has_no_dates_each_begin_at_zero(write_log: Callable[..., Path]) -> None:
    dated = write_log("dated.log", [(DATE, "can0", A), (DATE + 10 * MS, "can0", A)])
    counted = write_log("counted.log", [(3000 * MS, "can1", B), (3005 * MS, "can1", B)])
    log = read_log([dated, counted])
    assert log.times.tolist() == [0, 0, 5 * MS, 10 * MS]


def test_one_bus_in_two_recordings_is_one_bus(write_log: Callable[..., Path]) -> None:
    log = read_log([write_log("a.log", [(1, "can0", A)]), write_log("b.log", [(1, "x", B), (2, "can0", B)])])
    assert log.buses == ("can0", "x")


def test_frames_are_taken_in_the_order_of_their_times_and_it_is_told(write_log: Callable[..., Path]) -> None:
    log = read_log([write_log("a.log", [(2 * MS, "can0", A), (1 * MS, "can0", B), (3 * MS, "can0", A)])])
    assert [frame for _, _, frame in log.frames()] == [B, A, A]
    assert [finding.text for finding in log.findings] == [
        "the time goes backwards once; the frames were taken in the order of their times"
    ]


def test_every_kind_of_frame_is_given_as_it_was(write_log: Callable[..., Path]) -> None:
    frames = [
        Frame(0x18DAF110 | EXTENDED, bytes(range(8))),
        Frame(0x123 | FD | BRS, bytes(range(64))),
        Frame(0x7FF | REMOTE, b""),
        Frame(ERROR | 0x4, bytes(8)),
        Frame(0x0, b""),
    ]
    log = read_log([write_log("a.log", [(at * MS, "can0", frame) for at, frame in enumerate(frames)])])
    assert [frame for _, _, frame in log.frames()] == frames


def test_groups_and_census_agree_with_counting_by_hand(write_log: Callable[..., Path]) -> None:
    long_id = Frame(0x100 | EXTENDED, b"\x01")
    entries = [(0, "can0", A), (1, "can1", A), (2, "can0", A), (3, "can0", long_id), (4, "can0", Frame(0x100, b""))]
    log = read_log([write_log("a.log", [(at * MS, bus, frame) for at, bus, frame in entries])])
    assert {(bus, key): rows.tolist() for bus, key, rows in groups(log)} == {
        ("can0", 0x100): [0, 2, 4],
        ("can0", 0x100 | EXTENDED): [3],
        ("can1", 0x100): [1],
    }
    assert census(log) == {
        ("can0", 0x100, 1): 2,
        ("can0", 0x100, 0): 1,
        ("can0", 0x100 | EXTENDED, 1): 1,
        ("can1", 0x100, 1): 1,
    }


def test_a_log_that_breaks_off_gives_what_there_is_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.log"
    path.write_text("(1.000000) can0 100#01\n(2.000000) can0 10")
    log = read_log([path])
    assert len(log) == 1
    assert "line 2" in log.findings[0].text


def test_an_empty_log_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.log"
    path.touch()
    with pytest.raises(TraceError, match="is empty"):
        read_log([path])
