"""A monitor on a real SocketCAN bus without a vehicle file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_real_bus_is_watched_with_a_database_and_sent_to(require_tool: Callable[..., str]) -> None:
    require_tool("linux.uml", package="user-mode-linux")
    inside = Path(__file__).with_name("monitor_inside.py")

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "gateway",
            "vcan",
            "--buses",
            "1",
            "--",
            sys.executable,
            str(inside),
            str(ROOT / "dbc" / "powertrain.dbc"),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["vcan0.VehicleSpeed", "0102d4080000"] in told
    assert ["vcan0.0x7A1", "11"] in told
    assert told[-1] == ["sent", "23010000", "01"]
