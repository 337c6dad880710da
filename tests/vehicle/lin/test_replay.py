"""Recordings with LIN in them, replayed through the gateway and decoded."""

from pathlib import Path

import pytest

from gateway.sim import Kernel
from gateway.vehicle import RunOptions, drive, load, read_vehicle
from gateway.vehicle.logs.decode import decode_log
from gateway.vehicle.logs.log import read_log
from gateway.vehicle.logs.replay import ReplayOptions, replay

VEHICLE = Path(__file__).parents[3] / "vehicle.yaml"
SECOND = 1_000_000_000
OPEN = "Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"
CYCLE = """\
time_s,BCM.ignition,DSP.left_window
0,On,Down
2,On,Off
6,On,Off
"""


@pytest.fixture(scope="module")
def trace(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    (folder / "cycle.csv").write_text(CYCLE)
    text = VEHICLE.read_text().replace("drive: ecus/city.csv", f"drive: {folder}/cycle.csv")
    for name in ("dbc/", "behaviour: ecus/"):
        text = text.replace(name, name.replace(name.split()[-1], f"{VEHICLE.parent}/{name.split()[-1]}"))
    (folder / "vehicle.yaml").write_text(text)
    path = folder / "drive.pcapng"
    drive(read_vehicle(folder / "vehicle.yaml"), RunOptions(for_ns=5 * SECOND, trace=path))
    return path


def test_the_frames_of_the_log_reach_the_ecu_that_lives(trace):
    vehicle = load(VEHICLE, Kernel(), seed=1)

    done = replay(vehicle, read_log([trace]), ReplayOptions())

    assert done.run.buses["doors"].frames == 400
    assert done.run.signals[OPEN].value == pytest.approx(50, abs=5)
    assert done.unknown == ()


def test_a_living_commander_gets_the_logs_answers_to_its_own_headers(trace):
    vehicle = load(VEHICLE, Kernel(), seed=1)

    done = replay(vehicle, read_log([trace]), ReplayOptions(ecus=("BCM",)))

    assert done.run.signals[OPEN].value == pytest.approx(50, abs=5)
    assert done.run.buses["doors"].frames == pytest.approx(400, abs=8)
    assert done.run.failures == []


def test_a_log_is_decoded_with_the_ldf(trace):
    vehicle = load(VEHICLE, Kernel(), seed=1)

    table = decode_log(trace, vehicle.databases).table("WindowState")

    assert len(table) == 100
    assert table.values["LeftPosition"].max() == pytest.approx(50, abs=5)
    assert table.values["LeftPosition"].min() == 0
