"""`gateway new`, `check` and `explain` as a user calls them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Ran = subprocess.CompletedProcess[str]


def call(*words: str | Path, folder: Path) -> Ran:
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def command(*words: str | Path, folder: Path) -> Ran:
    ran = call("-m", "gateway", *words, folder=folder)
    assert "Traceback" not in ran.stderr + ran.stdout
    return ran


@pytest.fixture(scope="module")
def car(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project, with a recording in it."""
    folder = tmp_path_factory.mktemp("new")
    assert command("new", "car", folder=folder).returncode == 0
    ran = command("run", "--for", "3s", "--trace", "run.pcapng", folder=folder / "car")
    assert ran.returncode == 0, ran.stderr
    return folder / "car"


# new


def test_a_new_project_checks_drives_and_passes_its_tests(car: Path) -> None:
    checked = command("check", "--strict", folder=car)
    assert (checked.returncode, checked.stdout) == (0, "5 files, 6 messages: no errors, no warnings\n")
    ran = command("run", car, "--for", "10s", "--json", folder=car.parent)
    assert ran.returncode == 0
    report = json.loads(ran.stdout)
    assert report["simulated_s"] == 10 and report["failures"] == []
    assert all(route["forwarded"] for route in report["routes"])
    tests = call("-m", "pytest", "-q", "-p", "no:cacheprovider", car, folder=car.parent)
    assert tests.returncode == 0, tests.stdout


def test_a_new_project_has_the_name_of_its_folder_and_ignores_what_is_made(car: Path) -> None:
    assert "vehicle: car\n" in (car / "vehicle.yaml").read_text()
    assert (car / "README.md").read_text().startswith("# car\n")
    assert "__pycache__/" in (car / ".gitignore").read_text()
    assert sorted(path.name for path in car.iterdir() if not path.name.startswith(("run.", "."))) == [
        "README.md", "dbc", "drive.csv", "ecus", "pytest.ini", "tests", "vehicle.yaml",
    ]  # fmt: skip


def test_the_demo_vehicle_can_be_where_a_project_begins(tmp_path: Path) -> None:
    assert command("new", tmp_path / "demo", "--from", "demo", folder=tmp_path).returncode == 0
    checked = command("check", tmp_path / "demo", folder=tmp_path)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", ["true", "2025", "my car", "-x-"])
def test_a_folder_whose_name_is_none_for_a_vehicle(tmp_path: Path, name: str) -> None:
    assert command("new", f"./{name}", folder=tmp_path).returncode == 0
    assert "vehicle: my-car\n" in (tmp_path / name / "vehicle.yaml").read_text()


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("x")
    (tmp_path / "empty").mkdir()
    ran = command("new", "full", folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (
        2,
        "gateway: full is not empty; `gateway new` writes into a new or an empty folder only\n",
    )
    ran = command("new", "full/precious", folder=tmp_path)
    assert ran.returncode == 2 and "is a file" in ran.stderr
    ran = command("new", "full/precious/below", folder=tmp_path)
    assert ran.returncode == 2 and "cannot be written" in ran.stderr
    assert list((tmp_path / "full").iterdir()) == [tmp_path / "full" / "precious"]
    assert command("new", "empty", folder=tmp_path).returncode == 0


# check


def test_the_json_of_a_check(car: Path) -> None:
    checked = json.loads(command("check", "--json", folder=car).stdout)
    assert [(file["file"], file["messages"], file["signals"]) for file in checked] == [
        ("vehicle.yaml", 0, 0),
        ("dbc/powertrain.dbc", 2, 6),
        ("dbc/body.dbc", 4, 6),
        ("dbc/signals.json", 2, 2),
        ("drive.csv", 0, 0),
    ]
    assert all(file["diagnostics"] == [] for file in checked)


def test_a_faulty_database(tmp_path: Path) -> None:
    ran = command("check", ROOT / "tests" / "data" / "databases" / "faulty.dbc", "--json", folder=tmp_path)
    assert ran.returncode == 2
    (file,) = json.loads(ran.stdout)
    assert {
        "line": 20,
        "severity": "warning",
        "text": "signal Wide.Value has the scale 0; no physical value can be encoded",
    } in file["diagnostics"]
    assert {"error", "warning"} <= {diagnostic["severity"] for diagnostic in file["diagnostics"]}


def test_warnings_count_only_where_they_shall(tmp_path: Path) -> None:
    database = tmp_path / "a.dbc"
    database.write_text('VERSION ""\nBU_: A\nBO_ 1 M: 1 A\n SG_ S : 4|8@1+ (1,0) [0|0] "" A\n')
    ran = command("check", "a.dbc", folder=tmp_path)
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "1 file, 1 messages: no errors, 1 warning")
    assert ran.stdout.startswith("a.dbc:4: warning: signal M.S ends with bit 12")
    assert command("check", "--strict", "a.dbc", folder=tmp_path).returncode == 2


def test_a_mapping_is_held_against_the_databases_that_are_given(car: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "signals.json"
    mapping.write_text((car / "dbc" / "signals.json").read_text().replace("VehicleSpeed.Speed", "VehicleSpeed.Sped"))
    alone = command("check", mapping, folder=tmp_path)
    assert alone.returncode == 0
    assert "2 mappings to CAN are not looked at: give the vehicle file, or --database BUS=FILE" in alone.stdout
    options = ["--database", f"powertrain={car / 'dbc' / 'powertrain.dbc'}"]
    found = command("check", "signals.json", *options, folder=tmp_path)
    assert found.returncode == 2
    assert found.stdout.startswith("signals.json:6: error: Vehicle.Speed: no database has a signal 'VehicleSpeed.Sped'")
    with_vehicle = command("check", mapping, car, folder=tmp_path)
    assert "signals.json:6: error: Vehicle.Speed" in with_vehicle.stdout


def test_an_overlay_is_looked_at_as_a_tree(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.vspec"
    overlay.write_text("Vehicle.Speed:\n  type: sensor\n  datatype: flot\n")
    ran = command("check", "overlay.vspec", folder=tmp_path)
    assert ran.stdout.startswith(
        "overlay.vspec:1: error: Vehicle.Speed has the datatype 'flot' (did you mean 'float'?)"
    )


def test_what_there_is_not(tmp_path: Path) -> None:
    for name in ("no.dbc", "no.yaml", "no.json", "no.csv", "nofolder"):
        ran = command("check", name, folder=tmp_path)
        assert ran.returncode == 2
        assert f"{name}: error: " in ran.stdout


def test_without_a_file_it_is_the_vehicle_here(tmp_path: Path) -> None:
    ran = command("check", folder=tmp_path)
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (
        2,
        "vehicle.yaml: error: cannot be read: no such file or directory",
    )


def test_the_schema_is_printed() -> None:
    ran = command("check", "--schema", folder=ROOT)
    assert ran.stdout == (ROOT / "docs" / "vehicle.schema.json").read_text(encoding="utf-8")
    assert json.loads(ran.stdout)["title"] == "vehicle-gateway vehicle file"


# explain


def test_a_frame_is_explained_with_names_from_the_vehicle_here(car: Path) -> None:
    ran = command("explain", "run.pcapng", "--frame", "body/0x180@1s", folder=car)
    assert ran.returncode == 0, ran.stderr
    first, *rest = ran.stdout.splitlines()
    assert first.startswith("body 0x180 MotorStatus at 1.0")
    assert any("by r1 powertrain.MotorStatus -> body (vehicle.yaml:24)" in line for line in rest)
    assert any("Temperature = " in line for line in rest)


def test_a_frame_is_explained_without_the_vehicle(car: Path, tmp_path: Path) -> None:
    ran = command("explain", car / "run.pcapng", "--frame", "powertrain/0x180@1s", "--json", folder=tmp_path)
    explanation = json.loads(ran.stdout)
    assert explanation["frame"].startswith("powertrain 0x180 at 1.0")
    assert [step["kind"] for step in explanation["steps"]] == ["sent", "waited", "on the bus", "forwarded"]
    assert explanation["steps"][-1]["rule"] == "r1"


def test_a_recording_is_summed_up(car: Path) -> None:
    lines = command("explain", "run.pcapng", folder=car).stdout.splitlines()
    assert any(line.startswith("powertrain 0x100 VehicleSpeed: 150 frames, period 20 ms") for line in lines)
    assert any(line.startswith("r1 powertrain.MotorStatus -> body (vehicle.yaml:24): 30 forwarded") for line in lines)
    summary = json.loads(command("explain", "run.pcapng", "--frame", "body/0x180", "--json", folder=car).stdout)
    assert [frame["frame"] for frame in summary["frames"]] == ["body 0x180 MotorStatus"]
    assert [route["route"] for route in summary["routes"]] == ["r1"]


def test_a_time_far_from_any_frame_is_said_to_be(car: Path) -> None:
    ran = command("explain", "run.pcapng", "--frame", "body/0x180@1h", folder=car)
    assert ran.returncode == 0
    assert "note: asked for at 3600.000000000 s; the frame nearest to that is this one" in ran.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run.pcapng", "--frame", "0x180"], "'0x180' names no frame: write BUS/ID@TIME"),
        (["run.pcapng", "--frame", "body/0x180@12"], "'12' is not a duration"),
        (["run.pcapng", "--frame", "bodi/0x180"], "the recording has no bus 'bodi' (did you mean 'body'?)"),
        (["run.pcapng", "--frame", "body/0x181@1s"], "there is no frame 0x181 on body; nearest to it there are 0x180"),
        (["run.pcapng", "--frame", "body/0x181"], "there is no frame 0x181 on body"),
        (["no.pcapng"], "no.pcapng: cannot be opened"),
        (["vehicle.yaml"], "cannot be read"),
        (["run.pcapng", "--vehicle", "no.yaml"], "no.yaml: cannot be read"),
    ],
)
def test_questions_without_an_answer(car: Path, words: list[str], sentence: str) -> None:
    ran = command("explain", *words, folder=car)
    assert ran.returncode == 2
    assert sentence in ran.stderr
    assert ran.stdout == ""


def test_a_run_names_signals_whose_values_were_refused_or_never_came(car: Path, tmp_path: Path) -> None:
    folder = tmp_path / "car"
    shutil.copytree(car, folder)
    tree = json.loads((folder / "dbc" / "signals.json").read_text())
    children = tree["Vehicle"]["children"]
    children["Speed"]["max"] = -1
    (folder / "dbc" / "signals.json").write_text(json.dumps(tree))
    ran = command("run", "--for", "1s", folder=folder)
    assert ran.returncode == 0
    assert "warning: Vehicle.Speed: 10 of 50 values were not published: not a value of the VSS leaf" in ran.stdout
    document = json.loads(command("run", "--for", "1s", "--json", folder=folder).stdout)
    assert document["unpublished"][0].startswith("Vehicle.Speed: 10 of 50 values were not published")
    silent = command("run", "--for", "1ms", folder=folder).stdout
    assert "warning: 2 signals have never come: Vehicle.Speed, Vehicle.Powertrain.Temperature;" in silent
