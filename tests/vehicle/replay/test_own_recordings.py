"""What `run --trace` has recorded gives, replayed, what the run gave."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.sim import NS_PER_S, Kernel
from gateway.trace import open_reader
from gateway.vehicle import Report, RunOptions, build, drive, read_vehicle
from gateway.vehicle.logs.log import read_log
from gateway.vehicle.logs.replay import ReplayOptions, ReplayReport, replay

DEMO = Path(__file__).parents[3] / "vehicle.yaml"


@pytest.fixture(scope="module")
def run_and_replay(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, ReplayReport, Path, Path]:
    """Eight seconds of the demo vehicle, and the replay of their recording, itself recorded."""
    folder = tmp_path_factory.mktemp("own")
    first, second = folder / "run.pcapng", folder / "replay.pcapng"
    run = drive(read_vehicle(DEMO), RunOptions(for_ns=8 * NS_PER_S, trace=first))
    car = build(read_vehicle(DEMO), Kernel())
    return run, replay(car, read_log([first]), ReplayOptions(trace=second)), first, second


def test_all_signals_have_the_values_of_the_run(
    run_and_replay: tuple[Report, ReplayReport, Path, Path],
) -> None:
    run, replayed, _, _ = run_and_replay
    expected = {path: (signal.value, signal.quality) for path, signal in run.signals.items()}
    assert len(expected) > 50
    assert {path: (signal.value, signal.quality) for path, signal in replayed.run.signals.items()} == expected
    assert replayed.unknown_frames == 0


def test_the_gateway_routes_what_it_has_routed(run_and_replay: tuple[Report, ReplayReport, Path, Path]) -> None:
    run, replayed, _, _ = run_and_replay
    for before, after in zip(run.routes, replayed.run.routes, strict=True):
        assert (after.source, after.target) == (before.source, before.target)
        # The replay ends with the last frame of the recording, the run a little later.
        assert 0 <= before.received - after.received <= 1


def test_the_ecus_frames_pass_at_the_very_times_of_the_recording(
    run_and_replay: tuple[Report, ReplayReport, Path, Path],
) -> None:
    _, _, first, second = run_and_replay
    with open_reader(first) as reader:
        recorded = list(reader)
    with open_reader(second) as reader:
        replayed = [(one.time_ns, one.bus, one.frame) for one in reader if one.comment == "log"]
    start = recorded[0].time_ns
    of_ecus = [one for one in recorded if not one.comment.startswith("GW")]
    assert len(of_ecus) > 5000
    assert replayed == [(one.time_ns - start, one.bus, one.frame) for one in of_ecus]


def test_frames_that_a_format_cannot_hold_are_told(tmp_path: Path) -> None:
    file = read_vehicle(DEMO)
    done = drive(file, RunOptions(for_ns=NS_PER_S, trace=tmp_path / "demo.trc"))
    assert set(done.not_recorded) == {"CAN FD frame (not written to TRC)"}
    with open_reader(tmp_path / "demo.trc") as reader:
        recorded = sum(1 for _ in reader)
    assert recorded + done.not_recorded["CAN FD frame (not written to TRC)"] == done.frames
    assert not drive(file, RunOptions(for_ns=NS_PER_S, trace=tmp_path / "demo.pcapng")).not_recorded
