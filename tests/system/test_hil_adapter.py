"""A test script against an ECU that is not its own, through an adapter that python-can opens.

The adapter is python-can's interface `gateway`: on its other side a process of its own has the real ECUs, and their
LIN bus with them. No limit here is near what the machine may take.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from child import Child

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
REAL = "BCM,RLS,WLM,DSP,MIL,MIR"
LIMIT_S = 120.0
TESTS = """
async def test_the_real_bcm_lights_the_lamps(vehicle):
    vehicle.ecu("SWM").input("hazard").value = "Off"
    await vehicle["body"].expect("LightCommand", Left="Off", Right="Off", within="60s")
    vehicle.ecu("SWM").input("hazard").value = "On"
    lit = await vehicle["body"].expect("LightCommand", Left="On", Right="On", within="60s")
    assert lit.sender == "gateway:body"
    assert await vehicle.signal("Vehicle.Body.Lights.Hazard.IsSignaling").becomes(True, within="60s")

async def test_its_inputs_are_out_of_reach(vehicle):
    vehicle.ecu("BCM").input("ignition").value = "Off"
"""


@pytest.fixture
def real_ecus() -> Iterator[Path]:
    """The socket of a process with the body controller and what hangs on its LIN bus."""
    with tempfile.TemporaryDirectory(prefix="adapter.", dir="/tmp") as folder:
        place = Path(folder, "real.sock")
        command = [
            sys.executable,
            "-m",
            "gateway",
            "run",
            str(ROOT / "vehicle.yaml"),
            "--only",
            REAL,
            "--clock",
            "wall",
        ]
        with Child(
            [*command, "--json"],
            env=os.environ | {"VEHICLE_GATEWAY_SOCKET": str(place), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stderr is not None
            told = process.stderr.readline()
            assert str(place).encode() in told, told
            yield place
            process.send_signal(signal.SIGINT)
            report = json.loads(process.communicate(timeout=LIMIT_S)[0])
        assert report["failures"] == []
        assert report["buses"]["body"]["errors"] == 0


def test_a_test_runs_unchanged_against_a_real_ecu_on_an_adapter(pytester: pytest.Pytester, real_ecus: Path) -> None:
    pytester.makepyfile(test_it=TESTS)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    result = pytester.runpytest_subprocess(
        "-p",
        "no:cacheprovider",
        f"--vehicle={ROOT / 'vehicle.yaml'}",
        "--vehicle-artifacts=",
        "--vehicle-link",
        f"body=gateway:body,socket={real_ecus}",
        "--vehicle-real",
        REAL,
        "-rs",
    )
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*BCM is a real one here (--vehicle-real BCM): it cannot be reached into*"])
