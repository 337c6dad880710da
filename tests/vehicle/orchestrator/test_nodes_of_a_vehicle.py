"""The section `nodes` of the demo vehicle's file: units that are ECUs, routes, services, and its faults."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.sim import Kernel
from gateway.vehicle import Vehicle, VehicleFileError, load
from gateway.vehicle.file.source import read

ROOT = Path(__file__).parents[3]
S = 1_000_000_000


def vehicle(folder: Path, nodes: dict[str, Any]) -> tuple[Kernel, Vehicle]:
    """The demo vehicle with these nodes, switched on."""
    for name in ("dbc", "ecus"):
        shutil.copytree(ROOT / name, folder / name)
    spec = dict(read(ROOT / "vehicle.yaml").data)
    spec["domains"] = {"nodes": nodes}
    (folder / "vehicle.yaml").write_text(json.dumps(spec, indent=1))
    kernel = Kernel()
    found = load(folder, kernel, seed=1)
    found.start()
    return kernel, found


def test_a_unit_is_an_ecu(tmp_path: Path) -> None:
    kernel, car = vehicle(tmp_path, {"zone": {"units": {"bcm": {"ecu": "BCM"}}}})
    assert car.fleet is not None
    kernel.run(2 * S)
    body = car.buses["body"]
    assert car.ecu("BCM").power.value == "on"
    unit = car.fleet.node("zone").engine.units["bcm.service"]
    assert unit.active == "active"
    unit.kill("all", 15)
    kernel.run(3 * S)
    assert car.ecu("BCM").power.value == "off"
    frames = body.frames
    kernel.run(4 * S)
    assert body.frames > frames  # the others go on
    assert unit.active == "inactive"


def test_units_of_two_nodes_start_in_order(tmp_path: Path) -> None:
    needs = {"requires": "bluechi-proxy@zone_bcm.service"}
    nodes = {"sdv": {"depends_on": "*", "units": {"app": needs}}, "zone": {"units": {"bcm": {"ecu": "BCM"}}}}
    kernel, car = vehicle(tmp_path, nodes)
    kernel.run(8 * S)
    assert car.fleet is not None
    states = car.fleet.unit_states()
    assert states["sdv"]["app.service"] == states["zone"]["bcm.service"] == ("active", "running")
    app = car.fleet.node("sdv").engine.units["app.service"]
    bcm = car.fleet.node("zone").engine.units["bcm.service"]
    assert app.active_since_ns > bcm.active_since_ns


def test_a_group_of_routes_filters_everything_while_its_unit_is_down(tmp_path: Path) -> None:
    kernel, car = vehicle(tmp_path, {"zone": {"units": {"routes": {"routes": [2]}}}})
    assert car.fleet is not None
    kernel.run(2 * S)
    route = car.gateway.routes[1]
    assert route.counts.forwarded > 0
    car.fleet.node("zone").engine.units["routes.service"].kill("all", 15)
    kernel.run(kernel.now + 1_000_000)
    forwarded = route.counts.forwarded
    kernel.run(4 * S)
    assert route.counts.forwarded == forwarded
    assert car.gateway.balanced


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ({"zone": {"units": {"bcm": {"ecu": "BMC"}}}}, "there is no ECU 'BMC' in demo-ev"),
        ({"zone": {"units": {"r": {"routes": [999]}}}}, "there is no route 999: the gateway has 1 to "),
        ({"zone": {"units": {"r": {"routes": [0]}}}}, "there is no route 0: the gateway has 1 to "),
        ({"zone": {"units": {"a": {"text": "[Service]\nType=simple\n"}}}}, "service has no ExecStart= or ExecStop="),
        ({"zone": {"files": "units/none"}}, "is not a folder with unit files"),
        ({"zone": {"units": {"a": {"run": "/bin/a"}}, "target": "b.target"}}, "node zone has no unit b.target"),
        ({"zone": {"unit": {}}}, "unknown key 'unit' (did you mean 'units'?)"),
        ({"zone": {"units": {"a": {"python": "ecus/bcm.py:Bmc"}}}}, "there is no class Bmc in ecus/bcm.py"),
        ({"zone": {"units": {"a": {"python": "ecus/bcm.py:Bcm", "on": "boddy"}}}}, "a bus 'boddy' that is not there"),
    ],
)
def test_faults_are_told_with_file_and_line(tmp_path: Path, nodes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(VehicleFileError) as caught:
        vehicle(tmp_path, nodes)
    assert sentence in str(caught.value)
    assert caught.value.file is not None
