"""Lets the tests of this folder import `demo_bench`; one whole drive of the cycle is shared by those that look at it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from demo_bench import Bench
from demo_cycle import CYCLE_S, SAMPLE_S, Drive


@pytest.fixture(scope="session")
def drive() -> Drive:
    bench = Bench()
    drive = Drive(bench)
    bench.vehicle.start()
    for index in range(round(CYCLE_S / SAMPLE_S)):
        bench.kernel.run(round(index * SAMPLE_S * 1e9))
        drive.times_s.append(index * SAMPLE_S)
        behaviour = bench.ecu("Inverter").behaviour
        drive.speeds_kmh.append(abs(behaviour.speed_ms) * 3.6 if behaviour else 0.0)
        drive.shown_kmh.append(float(bench.ecu("Cluster").tx("ClusterStatus.ShownSpeed").value))
        drive.charges.append(bench.ecu("BMS").behaviour.soc if bench.ecu("BMS").behaviour else 80.0)
    bench.kernel.run(round(CYCLE_S * 1e9))
    return drive


@pytest.fixture
def bench() -> Bench:
    return Bench()
