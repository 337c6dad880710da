"""The same vehicle and seed give the same bytes, whatever the interpreter's hash order; Wireshark reads them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def drive(trace: Path, seed: int, hash_seed: int) -> dict[str, object]:
    command = [sys.executable, "-m", "gateway", "run", ROOT, "--clock", "virtual", "--for", "30s"]
    command += ["--seed", str(seed), "--trace", trace, "--json"]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=trace.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, object]]]:
    folder = tmp_path_factory.mktemp("runs")
    wishes = {"first": (7, 0), "second": (7, 1), "other": (8, 0)}
    return {name: (folder / f"{name}.pcapng", drive(folder / f"{name}.pcapng", *wish)) for name, wish in wishes.items()}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_two_runs_with_one_seed_are_byte_identical(runs) -> None:
    assert digest(runs["first"][0]) == digest(runs["second"][0])
    first, second = ({**runs[name][1], "wall_s": 0} for name in ("first", "second"))
    assert first == second


def test_another_seed_gives_another_drive(runs) -> None:
    assert digest(runs["first"][0]) != digest(runs["other"][0])


def test_every_route_accounts_for_all_it_received(runs) -> None:
    routes = runs["first"][1]["routes"]
    assert routes
    for route in routes:
        assert route["received"] == route["forwarded"] + route["filtered"] + sum(route["dropped"].values()), route


def test_the_recording_has_all_frames_and_nothing_malformed(runs, require_tool) -> None:
    require_tool("tshark", package="tshark")
    trace, report = runs["first"]
    command = ["tshark", "-r", trace, "-T", "fields", "-e", "frame.interface_name", "-e", "_ws.malformed"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    names = [line.split("\t")[0] for line in lines]
    assert not any(line.split("\t")[1] for line in lines)
    for name, bus in report["buses"].items():
        assert names.count(name) == bus["frames"], name
