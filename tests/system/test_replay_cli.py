"""The commands `gateway replay` and `gateway decode`, as a user calls them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from child import Child
from command_line import gateway

ROOT = Path(__file__).parents[2]
DRIVES = ROOT.parent / "shared" / "data" / "real-drives"
MAPPING = ROOT / "tests" / "data" / "hyundai_i30_signals.json"
DBC = """VERSION ""
BO_ 256 Speed: 8 ESP
 SG_ Value : 0|16@1+ (0.01,0) [0|300] "km/h" VCU
"""
LINES = "(1600000000.000000) can0 100#E803000000000000\n(1600000000.500000) can0 100#D007000000000000\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a log `a.log` of two frames and its database `a.dbc`."""
    (tmp_path / "a.log").write_text(LINES)
    (tmp_path / "a.dbc").write_text(DBC)
    (tmp_path / "empty.log").touch()
    (tmp_path / "words.log").write_text("these are no frames\n")
    (tmp_path / "words.dbc").write_text("these are no messages\n")
    (tmp_path / "words.json").write_text("{]")
    (tmp_path / "cut.pcapng").write_bytes(bytes.fromhex("0a0d0d0a1c000000"))
    (tmp_path / "map.json").write_text(
        json.dumps(
            {
                "Vehicle": {
                    "type": "branch",
                    "children": {
                        "Speed": {
                            "type": "sensor",
                            "datatype": "float",
                            "description": "",
                            "dbc2vss": {"signal": "Speed.Valu"},
                        }
                    },
                }
            }
        )
    )
    return tmp_path


@pytest.fixture(scope="module")
def genesis() -> tuple[Path, Path]:
    """The real drive of a Hyundai, and its database."""
    log = DRIVES / "genesis-0-64kph.log"
    if not log.is_file():
        pytest.skip("needs the real drives, which are not in this checkout")
    opendbc = pytest.importorskip("opendbc", reason="needs opendbc: pip install 'vehicle-gateway[test]'")
    return log, next(Path(opendbc.__file__).parent.rglob("hyundai_i30_2014.dbc"))


def test_a_real_drive_replayed_with_a_database_and_a_mapping(genesis: tuple[Path, Path]) -> None:
    log, dbc = genesis
    done = gateway("replay", log, "--database", dbc, "--signals", MAPPING, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["frames"] == 7583
    assert document["unknown_frames"] == 136
    assert document["signals"]["Vehicle.Speed"] == {"value": 6.0, "quality": "good", "time_s": 51.350179}
    texts = [one["text"] for one in document["diagnostics"]]
    assert any(text.startswith("SAS1 (0x2B0): 758 frames of 5 bytes instead of 8") for text in texts)
    assert any(text.startswith("EMS2 (0x329): 187 frames") for text in texts)
    assert all(set(one) == {"file", "line", "severity", "text"} for one in document["diagnostics"])


def test_the_output_for_people_names_the_unknown_ids_and_the_findings(genesis: tuple[Path, Path]) -> None:
    log, dbc = genesis
    done = gateway("replay", log, "--database", dbc, "--signals", MAPPING)
    assert done.returncode == 0
    assert "136 frames of unknown ids: 0x2C0 (77), 0x5F0 (39)" in done.stdout
    assert "SAS1 (0x2B0): 758 frames" in done.stdout


def test_the_json_of_a_replay_has_the_keys_of_a_run_and_two_more(folder: Path) -> None:
    replayed = json.loads(gateway("replay", folder / "a.log", "--database", folder / "a.dbc", "--json").stdout)
    run = json.loads(gateway("run", ROOT, "--for", "10ms", "--json").stdout)
    assert set(replayed) == set(run) | {"unknown_frames", "diagnostics"}


def test_a_recording_of_a_replay_is_the_log_again(folder: Path) -> None:
    out = folder / "out.pcapng"
    done = gateway("replay", folder / "a.log", "--database", folder / "a.dbc", "--trace", out)
    assert done.returncode == 0
    again = gateway("decode", out, "--database", folder / "a.dbc")
    assert again.stdout == "(0.000000) can0 Speed(Value: 10 km/h)\n(0.500000) can0 Speed(Value: 20 km/h)\n"


def test_a_log_decoded_to_lines(folder: Path) -> None:
    done = gateway("decode", folder / "a.log", "--database", folder / "a.dbc")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "(1600000000.000000) can0 Speed(Value: 10 km/h)",
        "(1600000000.500000) can0 Speed(Value: 20 km/h)",
    ]


def test_whoever_reads_the_lines_may_go(genesis: tuple[Path, Path]) -> None:
    log, dbc = genesis
    command = [sys.executable, "-m", "gateway", "decode", str(log), "--database", str(dbc)]
    with Child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith("(1598827794.745895) can0 EMS1(SWI_IGK: 1,")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


def test_a_real_drive_as_csv_with_a_raster(genesis: tuple[Path, Path], tmp_path: Path) -> None:
    log, dbc = genesis
    out = tmp_path / "drive.csv"
    words = ("--signal", "EMS1.VS", "--signal", "TCS5.WHEEL_FL", "--raster", "100ms", "--out", out)
    done = gateway("decode", log, "--database", dbc, *words)
    assert (done.returncode, done.stdout) == (0, "")
    assert "7583 frames" in done.stderr
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == 516  # 51.5 s, both ends
    assert max(float(row["EMS1.VS"]) for row in rows) == 64
    # Two sensors of one speed agree. The recording has gaps of 0.8 s in TCS5, in which a wheel's value is held.
    assert all(abs(float(row["EMS1.VS"]) - float(row["TCS5.WHEEL_FL"])) < 7 for row in rows if row["TCS5.WHEEL_FL"])


def test_the_summary_of_decode_as_json(folder: Path) -> None:
    done = gateway("decode", folder / "a.log", "--database", folder / "a.dbc", "--json")
    assert json.loads(done.stdout) == {
        "frames": 2,
        "duration_s": 0.5,
        "unknown_frames": 0,
        "unknown": [],
        "messages": [{"bus": "can0", "message": "Speed", "frames": 2, "signals": ["Value"]}],
        "diagnostics": [],
    }


BAD = [
    ("no.log --database a.dbc", "no.log: cannot be opened: No such file"),
    ("empty.log --database a.dbc", "empty.log: is empty"),
    ("words.log --database a.dbc", "not a line of candump"),
    ("cut.pcapng --database a.dbc", "cut.pcapng: "),
    ("a.dbc --database a.dbc", "a recording '.dbc' cannot be read"),
    ("a.log --database no.dbc", "no.dbc: the database cannot be read: No such file"),
    ("a.log --database words.dbc", "words.dbc"),
    ("a.log --database can1=a.dbc --json", "the log has no bus 'can1' (did you mean 'can0'?)"),
]
BAD_DECODE = [
    ("a.log --database a.dbc --signal Speed.Valeu", "no signal"),
    ("a.log --database a.dbc --signal Speed.Valeu --json", "(did you mean 'Speed.Value'?)"),
    ("a.log --database a.dbc --out a.xlsx", "write .csv, .json, .mf4"),
    ("a.log --database a.dbc --out no/a.csv", "No such file"),
    ("a.log --database a.dbc --raster 1s", "--raster is for a CSV file"),
    ("a.log --database a.dbc --out a.csv --raster 1", "is not a duration"),
]
BAD_REPLAY = [
    ("a.log --database a.dbc --signals map.json", "(did you mean 'Speed.Value'?)"),
    ("a.log --database a.dbc --signals words.json", "words.json:1: is no JSON"),
    ("a.log --database a.dbc --map can0", "is not CHANNEL=BUS"),
    ("a.log --database a.dbc --map can1=x", "the log has no bus 'can1' (did you mean 'can0'?)"),
    ("a.log --database a.dbc --bitrate fast", "'fast' is not a bit rate"),
    ("a.log --database a.dbc --speed 2 --clock virtual", "--speed is of wall time"),
    ("a.log --database a.dbc --for soon", "'soon' is not a duration"),
    ("a.log --database a.dbc --trace a.xyz", "a recording '.xyz' cannot be written"),
    ("a.log --database a.dbc --vehicle no.yaml", "give either --vehicle or --database"),
    ("a.log --vehicle no.yaml", "no.yaml: cannot be read"),
]


@pytest.mark.parametrize(
    ("command", "words", "sentence"),
    [("decode", *case) for case in BAD + BAD_DECODE] + [("replay", *case) for case in BAD + BAD_REPLAY],
)
def test_bad_input_is_told_in_a_sentence(folder: Path, command: str, words: str, sentence: str) -> None:
    done = gateway(command, *words.split(), folder=folder)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert sentence.replace("no signal", "no database has a signal") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_whose_channels_are_no_buses_of_the_vehicle_says_what_to_write(folder: Path) -> None:
    done = gateway("replay", folder / "a.log", "--vehicle", ROOT)
    assert done.returncode == 2
    assert "--map can0=powertrain" in done.stderr
