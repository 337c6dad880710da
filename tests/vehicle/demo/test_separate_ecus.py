"""ECUs share nothing but buses and the drive cycle, so each can run in a process of its own."""

from __future__ import annotations

import ast

import pytest
from demo_bench import VEHICLE_FILE, Bench

from gateway.ecu import Power
from gateway.vehicle import read_vehicle

ECUS = [name for name, spec in read_vehicle(VEHICLE_FILE).spec.ecus.items() if spec.behaviour]


@pytest.mark.parametrize("name", ECUS)
def test_an_ecu_runs_without_any_other(bench: Bench, name: str) -> None:
    bench.ecu(name).switch_on()
    bench.run(2.0)
    assert bench.vehicle.failures == []
    assert bench.ecu(name).power is Power.ON


@pytest.mark.parametrize("name", ECUS)
def test_an_ecu_can_be_lost_and_come_back_while_driving(bench: Bench, name: str) -> None:
    bench.start()
    bench.drive_at(20.0)
    bench.ecu(name).switch_off()
    bench.run(1.0)
    bench.ecu(name).switch_on()
    bench.run(1.0)
    assert bench.vehicle.failures == []


def test_no_module_of_the_ecus_holds_anything_that_changes() -> None:
    """At the top of a file there are definitions and constants of numbers, text and tuples only."""
    for path in (VEHICLE_FILE.parent / "ecus").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AnnAssign):
                assert not any(isinstance(part, ast.List | ast.Dict | ast.Set | ast.Call) for part in ast.walk(node))
            else:
                assert isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef)


def test_ecus_import_only_what_lies_beside_them_and_what_the_gateway_offers() -> None:
    for path in (VEHICLE_FILE.parent / "ecus").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module in {"__future__", "collections.abc", "typing", "gateway.com", "gateway.ecu"}
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"math"}
