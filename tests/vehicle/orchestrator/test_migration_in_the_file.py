"""The section `migrations` of the demo vehicle's file: the light control on its way, and what cannot be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.database import Severity
from gateway.orchestrator.migration import Mode
from gateway.sim import Kernel
from gateway.trace import Event, open_reader
from gateway.vehicle import RunOptions, VehicleFileError, drive, load, read_vehicle
from gateway.vehicle.checks.check import check
from gateway.vehicle.file.source import read

ROOT = Path(__file__).parents[3]
S = 1_000_000_000
LIGHTS = {"python": f"{Path(__file__).parent}/lights.py:Lights", "on": "body", "restart": "no"}
MOVE = {"from": "BCM.LightCommand", "to": "lights", "signals": ["LowBeam", "HighBeam"]}


def project(folder: Path, **migration: Any) -> Path:
    """The demo vehicle with the light service on a computer, and one migration."""
    spec = dict(read(ROOT / "vehicle.yaml").data)
    nodes = {"sdv": {"units": {"lights": LIGHTS}}}
    spec["domains"] = {"nodes": nodes, "migrations": {"light-control": {**MOVE, **migration}}}
    text = json.dumps(spec, indent=1)
    for name in ("dbc/", "ecus/"):
        text = text.replace(f'"{name}', f'"{ROOT}/{name}')
    (folder / "vehicle.yaml").write_text(text)
    return folder


def test_it_begins_as_the_file_says_and_goes_on_in_its_steps(tmp_path: Path) -> None:
    steps = [{"at": "2s", "mode": "canary"}, {"at": "6s", "mode": "cut-over"}]
    kernel = Kernel()
    vehicle = load(project(tmp_path, canary={"share": 0.5}, steps=steps), kernel, seed=1)
    migration = vehicle.migrations["light-control"]
    vehicle.start()

    modes = []
    for second in (1, 3, 7):
        kernel.run(second * S)
        modes.append(migration.mode)
    kernel.run(10 * S)

    assert modes == [Mode.SHADOW, Mode.CANARY, Mode.CUT_OVER]
    assert migration.signals == ("LowBeam", "HighBeam")
    assert migration.report.by_service > 20
    assert migration.report.fall_backs == []


def test_the_run_tells_how_it_went_and_the_trace_when(tmp_path: Path) -> None:
    steps = [{"at": "3s", "mode": "cut-over"}]
    path = tmp_path / "drive.pcapng"

    done = drive(read_vehicle(project(tmp_path, steps=steps)), RunOptions(for_ns=6 * S, trace=path))

    figures = done.migrations["light-control"]
    assert (figures.mode, figures.fall_backs) == ("cut-over", [])
    assert figures.sentence.startswith("cut-over; ")
    assert done.as_json()["migrations"]["light-control"]["frames"] == figures.frames > figures.by_service > 0
    with open_reader(path) as reader:
        told = [record.text for record in reader.records() if isinstance(record, Event)]
    assert [text for text in told if text.startswith("migration")] == [
        "migration light-control: shadow",
        "migration light-control: cut-over",
    ]


def test_after_a_fall_back_its_steps_are_not_taken(tmp_path: Path) -> None:
    kernel = Kernel()
    vehicle = load(project(tmp_path, mode="cut-over", steps=[{"at": "9s", "mode": "cut-over"}]), kernel, seed=1)
    vehicle.start()
    kernel.run(4 * S)
    vehicle.services["lights"].hang()

    kernel.run(10 * S)

    migration = vehicle.migrations["light-control"]
    assert migration.mode is Mode.FALLEN_BACK
    assert vehicle.fleet is not None
    told = [str(event) for event in vehicle.fleet.events if not event.node]
    assert told[1].startswith("migration light-control: fallen back: the service was silent: no sign of life for")
    assert told[2] == "migration light-control: stays fallen back: it was to be cut-over now"


def test_a_canary_counts_while_its_condition_holds_of_the_ecus_message(tmp_path: Path) -> None:
    kernel = Kernel()
    folder = project(tmp_path, mode="canary", canary={"when": 'Daytime == "On"'})
    vehicle = load(folder, kernel, seed=1)
    vehicle.start()
    migration = vehicle.migrations["light-control"]
    daytime = vehicle.ecu("BCM").tx("LightCommand.Daytime")
    ignition = vehicle.ecu("BCM").input("ignition", "On")
    ignition.track = None
    seen = set()
    for tenth in range(5, 50):
        ignition.value = "On" if tenth < 25 else "Off"
        kernel.run(tenth * S // 10)
        seen.add((daytime.value == "On", migration.service_counts))

    assert seen == {(False, False), (True, True)}


@pytest.mark.parametrize(
    ("migration", "sentence"),
    [
        ({"from": "BCN.LightCommand"}, "there is no ECU 'BCN' in demo-ev"),
        ({"from": "BCM"}, "from: 'BCM' is no message of an ECU: write ECU.Message"),
        ({"from": "BCM.LightComand"}, "from: BCM does not send 'LightComand' (did you mean 'LightCommand'?)"),
        ({"from": "lights.LightCommand"}, "from: lights is a service already"),
        ({"to": "light"}, "to: there is no service 'light' (did you mean 'lights'?)"),
        ({"signals": "LowBeem"}, "LightCommand has no signal 'LowBeem' (did you mean 'LowBeam'?)"),
        ({"from": "VCU.VcuStatus", "signals": []}, "lights is not on powertrain, on which VCU sends VcuStatus"),
        ({"canary": {"when": "LowBeem > 0"}}, "canary: when: "),
        ({"mode": "canary"}, "mode canary needs `share` or `when`"),
        ({"mode": "canary", "canary": {"span": "2s"}}, "mode canary needs `share` or `when`"),
        ({"steps": [{"at": "2s", "mode": "canary"}]}, "mode canary needs `share` or `when`"),
        ({"canary": {"share": 2}}, "domains.migrations.light-control.canary.share"),
        ({"mode": "cutover"}, "mode"),
        ({"steps": [{"at": "soon", "mode": "canary"}]}, "soon"),
        ({"deadlin": "1s"}, "unknown key 'deadlin' (did you mean 'deadline'?)"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_with_file_and_line(tmp_path: Path, migration: dict[str, Any], sentence: str) -> None:
    folder = project(tmp_path, **migration)

    with pytest.raises(VehicleFileError) as caught:
        load(folder, Kernel())

    assert sentence in str(caught.value)
    line = int(re.search(r"vehicle\.yaml:(\d+)", str(caught.value))[1])  # type: ignore[index]
    text = (folder / "vehicle.yaml").read_text().splitlines()
    first = next(number for number, each in enumerate(text, 1) if "light-control" in each)
    assert line >= first


def test_two_migrations_cannot_have_one_signal(tmp_path: Path) -> None:
    folder = project(tmp_path)
    spec = json.loads((folder / "vehicle.yaml").read_text())
    spec["domains"]["migrations"]["again"] = MOVE
    (folder / "vehicle.yaml").write_text(json.dumps(spec, indent=1))

    with pytest.raises(VehicleFileError, match=r"migrations light-control and again both have LightCommand\.LowBeam"):
        load(folder, Kernel())


def test_check_tells_the_migrations_fault_and_not_what_follows_from_it(tmp_path: Path) -> None:
    folder = project(tmp_path, to="light")

    told = [finding for file in check([folder]) for finding in file.findings if finding.severity is Severity.ERROR]

    assert [finding.text for finding in told] == ["to: there is no service 'light' (did you mean 'lights'?)"]
    assert told[0].line is not None
