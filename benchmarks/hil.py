"""Vehicle tests: what a fresh vehicle costs, and how long ten minutes of driving with faults take."""

from __future__ import annotations

import asyncio
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import gateway
from benchmarks.measure import Figure, seconds
from gateway.hil import faults, sine
from gateway.hil.opening import Bench, Setup
from gateway.sim import Clock, Kernel, SimulationLoop

ROOT = Path(__file__).parents[1]
ROUNDS = 20
SUITES = 3
MINUTES = 10


def vehicle_file() -> Path:
    """The demo vehicle, of the source tree or of the installed package."""
    beside = ROOT / "vehicle.yaml"
    return beside if beside.exists() else ROOT / "demo" / "vehicle.yaml"


def one_test() -> None:
    """What the plugin does around a test: a loop, a fresh vehicle, and their end."""

    async def open_and_close() -> None:
        async with Bench(Setup(vehicle_file())):
            pass

    with asyncio.Runner(loop_factory=lambda: SimulationLoop(Kernel(), Clock.VIRTUAL)) as runner:
        runner.run(open_and_close())


async def drive_with_faults() -> None:
    """Ten minutes: each minute a fault of another kind, and an override of a running ECU."""
    async with gateway.load(vehicle_file(), seed=1) as vehicle:
        kinds = [
            faults.Killed("ESP"),
            faults.Lost("body.VehicleSpeed", probability=0.3),
            faults.Corrupted("chassis.WheelSpeeds", probability=0.1),
            faults.BitErrors("powertrain", probability=0.01),
            faults.Delayed("chassis.BrakeStatus", by="5ms", jitter="5ms"),
            faults.BusShorted("body"),
            faults.CounterStuck("powertrain.BatteryStatus"),
            faults.BusOff("BCM"),
            faults.GatewayOverload(latency="10ms"),
            faults.Babbling("Cluster", 0x7FF),
        ]
        for minute, fault in enumerate(kinds):
            vehicle.at(f"{60 * minute + 20}s", fault, lasting="2s")
        with vehicle.ecu("BMS").override("BatteryStatus.Soc", sine(50, 10, "30s")):
            await vehicle.run_until(f"{60 * MINUTES}s")
        vehicle.allow_failures()
        if not vehicle.simulated.gateway.balanced or vehicle.failures:
            raise AssertionError("the measured vehicle did not drive as it should")


def measure_fresh() -> list[Figure]:
    one_test()
    times = [seconds(one_test) for _ in range(ROUNDS)]
    return [Figure("hil.fresh_vehicle", 1000 * statistics.median(times), "ms", "a test's fixed cost, demo vehicle")]


def measure_requirements() -> list[Figure]:
    """`pytest` as a user types it: its start, plugins, collection and imports included."""
    tests = ROOT / "tests" / "vehicle" / "requirements"
    if not tests.is_dir():  # the installed package has no tests
        return []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--vehicle-artifacts=", str(tests)]
    times = []
    for _ in range(SUITES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return [Figure("hil.requirements", min(times), "s", "38 requirement tests, the whole command, processor time")]


def measure_ten_minutes() -> list[Figure]:
    taken = seconds(lambda: gateway.hil.run(drive_with_faults()))
    return [Figure("hil.ten_minutes", taken, "s", f"{MINUTES} min of the demo vehicle, ten faults")]
