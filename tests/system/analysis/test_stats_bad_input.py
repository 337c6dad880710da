"""What does not fit gets a sentence: cut and empty recordings, other vehicles, databases of other cars."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from command_line import gateway

ROOT = Path(__file__).parents[3]
DBC = """VERSION ""
BO_ 256 Speed: 8 ESP
 SG_ Value : 0|16@1+ (0.01,0) [0|300] "km/h" VCU
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 256 10;
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [f"({1600000000 + at / 100:.6f}) can0 100#{at:04X}000000000000\n" for at in range(50)]
    (tmp_path / "a.log").write_text("".join(lines))
    (tmp_path / "cut.log").write_text("".join(lines)[:-10])
    (tmp_path / "other.log").write_text("".join(lines).replace(" 100#", " 666#"))
    (tmp_path / "empty.log").touch()
    (tmp_path / "a.dbc").write_text(DBC)
    (tmp_path / "strange.pcapng").write_bytes(_pcapng(147))
    return tmp_path


def _pcapng(link_type: int) -> bytes:
    """A section with one interface of a link type that nobody reads, and a packet of it."""

    def block(kind: int, body: bytes) -> bytes:
        total = 12 + len(body)
        return struct.pack("<II", kind, total) + body + struct.pack("<I", total)

    head = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", link_type, 0, 0))
    return head + interface + block(6, struct.pack("<IIIII", 0, 0, 0, 4, 4) + b"\0\0\0\0")


@pytest.mark.parametrize("command", ["stats", "guess"])
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("empty.log", "empty.log: is empty"),
        ("absent.log", "absent.log: cannot be opened"),
        ("strange.pcapng", "strange.pcapng: holds no CAN frame (1 skipped: "),
        ("a.dbc", "the formats are .pcapng"),
    ],
)
def test_what_is_no_recording_is_refused_with_a_sentence(command: str, file: str, said: str, folder: Path) -> None:
    done = gateway(command, folder / file)
    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)
    assert said in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("stats cut.log", "49 frames in 0.48 s"),
        ("stats cut.log --json", '"frames": 49'),
        ("diff a.log cut.log", "b: cut.log: 49 frames in 0.48 s"),
        ("diff cut.log cut.log", "no difference"),
        ("guess cut.log", "1 message: "),
        ("plot cut.log Speed.Value --database a.dbc --out a.png", ""),
        ("decode cut.log --database a.dbc", "Speed(Value: "),
        ("decode cut.log --database a.dbc --out a.csv", ""),
        ("replay cut.log --database a.dbc", "49 frames"),
        ("explain cut.log", "can0 0x100: 49 frames"),
        ("timing cut.log --bitrate 500k", "can0, 500 kbit/s"),
    ],
)
def test_what_could_be_read_of_a_cut_recording_is_told_and_the_exit_code_says_that_it_is_cut(
    words: str, told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = gateway(*words.split())
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert told in done.stdout
    assert "1 line was not understood" in done.stdout + done.stderr or "problem" in done.stdout


def test_guess_into_a_file_prints_a_summary_and_not_the_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = gateway("guess", "a.log", "--out", "first.dbc")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)
    assert done.stdout.splitlines()[-1].endswith(" -> first.dbc")


def test_a_database_of_another_car_is_told(folder: Path) -> None:
    done = gateway("stats", folder / "other.log", "--database", folder / "a.dbc")
    assert done.returncode == 0
    assert "a.dbc: warning: does not fit can0: none of its 1 messages is among the 1 ids of the log" in done.stderr
    plotted = gateway(
        "plot", folder / "other.log", "Speed.Value", "--database", folder / "a.dbc", "--out", folder / "a.png"
    )
    assert plotted.returncode == 2
    assert "has no frame of Speed, so there is nothing to plot of Speed.Value" in plotted.stderr


def test_a_vehicle_without_the_buses_of_the_log_is_told(folder: Path) -> None:
    done = gateway("stats", folder / "a.log", "--vehicle", ROOT)
    assert done.returncode == 0
    assert "demo-ev has no bus can0: name its database with --database BUS=FILE" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("plot a.log Speed.Value --out a.gif", "a picture '.gif' cannot be written: write .png, .svg, .pdf"),
        ("plot a.log Speed.Value --out no/a.png --database a.dbc", "no/a.png: cannot be written"),
        ("plot a.log Speed.Valu --out a.png --database a.dbc", "did you mean 'Speed.Value'?"),
        ("plot a.log Valu --out a.png --database a.dbc", "did you mean 'Speed.Value'?"),
        ("plot a.log can0.Sped --out a.png --database a.dbc", "did you mean 'can0.Speed'?"),
        ("plot a.log Xyz --out a.png --database a.dbc", "there is no signal 'Xyz'; there are Speed.Value"),
        ("decode a.log", "name a database with --database [BUS=]FILE, or a vehicle with --vehicle"),
        ("guess a.log --bus can1", "the log has no bus 'can1' (did you mean 'can0'?)"),
        ("guess a.log --out a.txt", "guesses are written as .dbc"),
        ("guess a.log --like no.csv", "no.csv: cannot be read: no such file or directory"),
        ("stats a.log --bitrate fast", "'fast' is not a bit rate"),
        ("diff a.log a.log --tolerance 5", "'5' is not a duration"),
    ],
)
def test_options_that_do_not_fit_are_told(words: str, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = gateway(*words.split())
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert said in done.stderr


def test_the_exit_codes_of_a_difference_are_those_of_diff(folder: Path) -> None:
    codes = [gateway("diff", folder / "a.log", folder / b).returncode for b in ("a.log", "other.log", "empty.log")]
    assert codes == [0, 1, 2]
