"""`gateway timing` as a user has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import gateway

ROOT = Path(__file__).parents[3]
MAIN = [sys.executable, "-c", "from gateway.cli import main; main()"]
TEMPLATE = Path(gateway.__file__).parent / "cli" / "templates" / "new"
LIMIT_S = 120.0


def timing(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*MAIN, "timing", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=environment)


def test_a_vehicle_as_a_table_and_as_a_document() -> None:
    table = timing(str(TEMPLATE), "--for", "1s")
    assert table.returncode == 0, table.stderr
    assert table.stdout.startswith(
        "powertrain, 500 kbit/s: load 1.1% at its worst, busy for 372 us at most, all deadlines"
    )
    document = json.loads(timing(str(TEMPLATE), "--for", "1s", "--json").stdout)
    assert [bus["bus"] for bus in document["buses"]] == ["powertrain", "body"]
    speed = document["buses"][0]["messages"][0]
    assert speed["message"] == "VehicleSpeed"
    assert speed["seen_s"] <= speed["worst_s"] <= speed["deadline_s"]


def test_a_log_needs_its_bit_rate(tmp_path: Path) -> None:
    log = tmp_path / "drive.log"
    log.write_text("".join(f"({index / 100:.6f}) can0 123#{index:02X}\n" for index in range(100)))
    refused = timing(str(log))
    assert refused.returncode == 2
    assert "does not tell the bit rates of its buses: say --bitrate 500k" in refused.stderr
    told = timing(str(log), "--bitrate", "250k")
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[0].endswith(", no deadline is known")
    assert told.stdout.splitlines()[2].split()[:3] == ["~0x123", "0x123", "10"]
