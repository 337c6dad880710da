"""Lets the tests of this folder import `bus_bench`, and gives them a small vehicle and mosquitto."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bus_bench import Mosquitto, write_vehicle
from free_ports import free_port


@pytest.fixture
def car(tmp_path: Path) -> Path:
    """The vehicle file of a car with a speed, a mode, and a lamp that can be asked for."""
    return write_vehicle(tmp_path)


@pytest.fixture
def mosquitto(require_tool: Callable[..., str], tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """`mosquitto("line of its configuration", ...)` starts one on a free port of this machine."""
    path = require_tool("mosquitto", package="mosquitto")
    running: list[Mosquitto] = []

    def start(*lines: str) -> Mosquitto:
        running.append(Mosquitto(path, tmp_path / f"mosquitto{len(running)}", free_port(), lines))
        return running[-1]

    yield start
    for broker in running:
        broker.kill()
