"""2,000 mutated vehicle files: each gives a vehicle or a GatewayError with a sentence, nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gateway.errors import GatewayError
from gateway.sim import Kernel
from gateway.vehicle import build, read_vehicle

from .conftest import Project

CAMPAIGNS = Path(__file__).parents[2] / "campaigns"


def mutations_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vehicle_mutations", CAMPAIGNS / "vehicle_mutations.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["vehicle_mutations"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files(project: Project, seed: int) -> None:
    path = project / "vehicle.yaml"
    built = refused = without_a_place = 0
    for text in mutations_module().mutations(path.read_bytes(), seed, 500):
        path.write_bytes(text)
        try:
            vehicle = build(read_vehicle(path), Kernel())
        except GatewayError as error:
            refused += 1
            without_a_place += not error.sentence or not error.file
            continue
        built += 1
        vehicle.start()
        vehicle.kernel.run(20_000_000)
        assert vehicle.gateway.balanced
    assert built + refused == 500
    assert built and refused and not without_a_place
