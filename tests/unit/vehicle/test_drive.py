"""The drive cycle."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.vehicle.assembly.drive import read_column, read_drive
from gateway.vehicle.errors import faults_of

S = 1_000_000_000


def written(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "drive.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_numbers_with_a_point_are_interpolated_and_others_stay(tmp_path: Path) -> None:
    tracks = read_drive(written(tmp_path, "time_s,VCU.pedal,VCU.gear,VCU.step\n0,0.0,P,1\n2,10.0,D,5\n4,10.0,D,5\n"))
    assert tracks["VCU.pedal"].at(S) == 5.0
    assert tracks["VCU.gear"].at(2 * S - 1) == "P"
    assert tracks["VCU.gear"].at(2 * S) == "D"
    assert tracks["VCU.step"].at(S) == 1


def test_an_empty_cell_leaves_its_input_as_it_is(tmp_path: Path) -> None:
    tracks = read_drive(written(tmp_path, "time_s,A.x,A.y\n0,0.0,on\n1,,\n2,20.0,off\n"))
    assert tracks["A.x"].at(S) == 10.0
    assert tracks["A.y"].at(S) == "on"


def test_after_the_last_row_it_begins_again(tmp_path: Path) -> None:
    track = read_drive(written(tmp_path, "time_s,A.x\n0,0.0\n10,100.0\n"))["A.x"]
    assert track.at(12 * S) == 20.0
    assert track.at(100 * S) == 0.0


def test_lines_without_anything_and_a_byte_order_mark_do_not_count(tmp_path: Path) -> None:
    tracks = read_drive(written(tmp_path, "\ufefftime_s,A.x\r\n0,1.0\r\n\r\n,\r\n1,2.0\r\n"))
    assert tracks["A.x"].at(S // 2) == 1.5


@pytest.mark.parametrize("cell", ["nan", "inf", "1_000", "0x10", "on"])
def test_what_only_python_takes_for_a_number_is_text(tmp_path: Path, cell: str) -> None:
    assert read_drive(written(tmp_path, f"time_s,A.x\n0,{cell}\n"))["A.x"].at(0) == cell


def test_all_faults_are_told_with_their_lines(tmp_path: Path) -> None:
    path = written(tmp_path, "time_s,A.x,x,A.x,.x\n0,1,1,1,1\n0,1,1,1,1\nnan,1,1,1,1\n1e400,1,1,1,1\n2,1\n-1,1,1,1,1\n")
    with pytest.raises(GatewayError) as caught:
        read_drive(path)
    told = [(fault.line, fault.sentence) for fault in faults_of(caught.value)]
    assert told == [
        (1, "column 'x' is not ECU.input"),
        (1, "column 'A.x' is there twice"),
        (1, "column '.x' is not ECU.input"),
        (3, "0 s does not come after the row before"),
        (4, "'nan' is not a time in seconds"),
        (5, "'1e400' is not a time in seconds"),
        (6, "has 2 cells instead of 5"),
        (7, "-1 s is before the start"),
    ]


@pytest.mark.parametrize("text", ["", "time_s,A.x\n", "A.x,time_s\n1,2\n", "\n\n"])
def test_what_is_no_drive_cycle(tmp_path: Path, text: str) -> None:
    with pytest.raises(GatewayError, match="is no drive cycle: its first column must be time_s"):
        read_drive(written(tmp_path, text))


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"time_s\xff")
    for name, sentence in (
        ("no.csv", "cannot be read"),
        (".", "cannot be read"),
        ("bytes.csv", "is not text in UTF-8"),
    ):
        with pytest.raises(GatewayError, match=sentence):
            read_drive(tmp_path / name)
    with pytest.raises(GatewayError, match="cannot be read"):
        read_drive(Path("a\0b"))


def test_a_field_that_is_too_long_for_csv(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="cannot be read as CSV"):
        read_drive(written(tmp_path, "time_s,A.x\n0," + "1" * 200_000 + "\n"))


def test_a_single_column_holds_its_last_value_or_begins_again(tmp_path: Path) -> None:
    column = read_column(written(tmp_path, "time_s,pedal\n0,0\n2,100\n"), "pedal")
    held, repeated = column.held(), column.repeated()
    assert [held.at(time * S) for time in (0, 1, 2, 8)] == [0, 0, 100, 100]
    assert [repeated.at(time * S) for time in (0, 1, 2, 8)] == [0, 0, 0, 0]
    assert column.lines == [2, 3]


@pytest.mark.parametrize("text", ["t,other,speed\n0,x,1.5\n1,y,2.5\n", "Zeit [s];other;speed\n0,0;x;1,5\n1,0;y;2,5\n"])
def test_a_single_column_comes_from_any_csv_file(tmp_path: Path, text: str) -> None:
    assert read_column(written(tmp_path, text), "speed").held().at(S // 2) == 2.0


def test_only_the_column_that_is_asked_for_is_complained_of(tmp_path: Path) -> None:
    path = written(tmp_path, "time,speed,x.y.z,twice,twice,none\n0,1,a,,,\n1\n2,3\n")
    with pytest.raises(GatewayError, match="drive.csv:3: has 1 cells instead of 2"):
        read_column(path, "speed")
    path = written(tmp_path, "time,speed,x.y.z,twice,twice,none\n0,1,a,,,\n2,3,b,,,\n")
    assert read_column(path, "speed").values == [1, 3]
    for name, sentence in (
        ("sped", "drive.csv:1: there is no column 'sped' .did you mean 'speed'"),
        ("time", "there is no column 'time'"),
        ("twice", "column 'twice' is there twice"),
        ("none", "column 'none' has no value"),
    ):
        with pytest.raises(GatewayError, match=sentence):
            read_column(path, name)
