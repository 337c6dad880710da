"""`gateway explain` asks a vehicle that runs, over its socket."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway
from gateway.explain import STREAM
from gateway.links.client import Client

LIMIT_S = 60.0
MAIN = [sys.executable, "-c", "from gateway.cli import main; main()"]
TEMPLATE = Path(gateway.__file__).parent / "cli" / "templates" / "new"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("VEHICLE_GATEWAY_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    folder = tmp_path / "car"
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def place(folder: Path) -> Iterator[Path]:
    """The socket of the template's vehicle without its Motor, running."""
    run = subprocess.Popen(
        [*MAIN, "run", str(folder), "--without", "Motor"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    try:
        yield Path(run.stderr.readline().rpartition(" at ")[2].strip())
    finally:
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=LIMIT_S)
        assert run.returncode == 0


def explain(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MAIN, "explain", *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False)


def test_it_answers_by_its_name_by_its_socket_and_when_it_is_the_only_one(place: Path) -> None:
    for which in ([], ["my-car"], [str(place)]):
        asked = explain(*which, "--signal", "Vehicle.Speed")
        assert asked.returncode == 0, asked.stderr
        first = asked.stdout.splitlines()[0]
        assert first == "Vehicle.Speed has never come: its sender Motor is left out of this run (--without Motor)"


def test_json_and_what_it_cannot_answer(place: Path) -> None:
    document = json.loads(explain("--signal", "Vehicle.Speed", "--json").stdout)
    assert document["cause"] == "ECU left out"
    wrong = explain("--signal", "Vehicle.Sped")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("gateway: Vehicle.Sped is not in the VSS tree")
    assert "did you mean 'Vehicle.Speed'?" in wrong.stderr


@pytest.mark.parametrize("noise", [b"x" * 5000, b"signal Vehicle.Speed\n" * 100, b"\xff\xfe\n"])
def test_noise_ends_the_conversation_and_not_the_vehicle(place: Path, noise: bytes) -> None:
    client = Client(place, "noise")
    with client.stream(STREAM) as stream:
        stream.settimeout(LIMIT_S)
        try:
            stream.sendall(noise)
            while stream.recv(4096):
                pass
        except ConnectionError:
            pass
    assert explain("--signal", "Vehicle.Speed").returncode == 0


def test_nobody_is_there(folder: Path) -> None:
    asked = explain("--signal", "Vehicle.Speed")
    assert asked.returncode == 2
    assert "no simulation is running" in asked.stderr
