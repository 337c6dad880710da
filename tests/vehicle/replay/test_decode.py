"""Decoded logs: tables, files for other tools, lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path

import pytest

from gateway.can import EXTENDED, REMOTE, Frame
from gateway.database import Database
from gateway.database import load as load_database
from gateway.vehicle.checks.findings import Unknown, unknown_frames
from gateway.vehicle.logs.decode import DecodedLog, decode, decode_log
from gateway.vehicle.logs.decode_choice import check_names, choose, restricted
from gateway.vehicle.logs.decode_lines import LineDecoder
from gateway.vehicle.logs.decoded_files import number_text, write, write_long, write_raster
from gateway.vehicle.logs.log import LogError, read_log
from gateway.vehicle.logs.log_databases import DatabaseChoice, database_of, load_databases, preloaded

MS = 1_000_000
START = 1_600_000_000_250_000_000


def speed(raw: int, state: int) -> Frame:
    return Frame(0x100, raw.to_bytes(2, "little") + bytes([state]) + bytes(5))


FRAMES = [
    (START, "can0", speed(1234, 1)),
    (START + 10 * MS, "can0", Frame(0x101, b"\xfd\xff\x00\x00")),
    (START + 10 * MS, "can1", speed(100, 2)),
    (START + 20 * MS, "can0", Frame(0x777, b"")),
    (START + 30 * MS, "can0", Frame(0x100 | REMOTE, b"")),
    (START + 40 * MS, "can0", Frame(0x100, b"\x10\x27")),
    (START + 50 * MS, "can0", Frame(0x100 | EXTENDED, bytes(8))),
]


@pytest.fixture
def database(small_dbc: Path) -> Database:
    return load_database(small_dbc)


@pytest.fixture
def path(write_log: Callable[..., Path]) -> Path:
    return write_log("a.log", FRAMES)


@pytest.fixture
def decoded(path: Path, database: Database) -> DecodedLog:
    return decode_log(path, database)


def text_of(writer: Callable[[DecodedLog, StringIO], None], decoded: DecodedLog) -> list[list[str]]:
    stream = StringIO()
    writer(decoded, stream)
    return list(csv.reader(StringIO(stream.getvalue())))


def test_each_message_of_each_bus_has_a_table(decoded: DecodedLog) -> None:
    assert [(table.bus, table.message.name, table.rows.tolist()) for table in decoded.tables] == [
        ("can0", "Speed", [0, 5]),
        ("can0", "Torque", [1]),
        ("can1", "Speed", [2]),
    ]
    values = decoded.table("Speed", "can0").values
    assert values["Value"].tolist() == [12.34, 100.0]
    assert values["State"].tolist()[0] == 1
    assert values["State"][1] != values["State"][1]  # two bytes do not reach to it


def test_a_message_that_the_log_does_not_have_has_no_table(decoded: DecodedLog) -> None:
    with pytest.raises(LogError, match=r"no frame of a message 'Sped' \(did you mean 'Speed'\?\)"):
        decoded.table("Sped")


def test_csv_has_a_row_for_each_value_at_its_own_time(decoded: DecodedLog) -> None:
    assert text_of(write_long, decoded) == [
        ["time_s", "bus", "message", "signal", "value", "unit", "label"],
        ["1600000000.25", "can0", "Speed", "Value", "12.34", "km/h", ""],
        ["1600000000.25", "can0", "Speed", "State", "1", "", "Moving"],
        ["1600000000.26", "can0", "Torque", "Actual", "-1.5", "Nm", ""],
        ["1600000000.26", "can1", "Speed", "Value", "1", "km/h", ""],
        ["1600000000.26", "can1", "Speed", "State", "2", "", ""],
        ["1600000000.29", "can0", "Speed", "Value", "100", "km/h", ""],
    ]


def test_csv_with_a_raster_has_a_column_for_each_signal_and_holds_its_value(decoded: DecodedLog) -> None:
    assert text_of(partial(write_raster, step_ns=20 * MS), decoded) == [
        ["time_s", "can0.Speed.Value", "can0.Speed.State", "Torque.Actual", "can1.Speed.Value", "can1.Speed.State"],
        ["1600000000.25", "12.34", "1", "", "", ""],
        ["1600000000.27", "12.34", "1", "-1.5", "1", "2"],
        ["1600000000.29", "100", "1", "-1.5", "1", "2"],
    ]


def test_a_raster_with_too_many_rows_is_refused(decoded: DecodedLog) -> None:
    with pytest.raises(LogError, match="greater step"):
        write_raster(decoded, StringIO(), 1)


def test_json_has_columns_and_labels(decoded: DecodedLog, tmp_path: Path) -> None:
    write(decoded, tmp_path / "a.json")
    document = json.loads((tmp_path / "a.json").read_text())
    first = document["messages"][0]
    assert (first["bus"], first["message"], first["id"], first["extended"]) == ("can0", "Speed", 256, False)
    assert first["time_s"] == [1600000000.25, 1600000000.29]
    assert first["signals"]["State"] == {"unit": "", "labels": {"0": "Still", "1": "Moving"}, "values": [1.0, None]}


def test_mf4_has_a_group_for_each_message(decoded: DecodedLog, tmp_path: Path) -> None:
    asammdf = pytest.importorskip("asammdf", reason="needs asammdf: pip install 'vehicle-gateway[mf4]'")
    write(decoded, tmp_path / "a.mf4")
    with asammdf.MDF(tmp_path / "a.mf4") as file:
        group = next(group for group, _ in file.whereis("Actual"))
        torque = file.get("Actual", group=group)
        assert (torque.samples.tolist(), torque.timestamps.tolist(), torque.unit) == ([-1.5], [0.01], "Nm")
        assert len(file.groups) == 3
        assert file.header.start_time.timestamp() == 1600000000.25


def test_unknown_identifiers_are_counted(path: Path, database: Database, decoded: DecodedLog) -> None:
    lines = LineDecoder(lambda _bus: database, [])
    assert len(list(lines.lines(path))) == len(FRAMES)
    unknown = unknown_frames(lines.census, lines.databases)
    assert unknown == [Unknown("can0", 0x777, 1), Unknown("can0", 0x100 | EXTENDED, 1)]
    assert [one.identifier for one in unknown] == ["0x777", "0x00000100"]


def test_lines_are_as_candump_and_cantools_write_them(path: Path, database: Database) -> None:
    assert list(LineDecoder(lambda _bus: database, []).lines(path)) == [
        "(1600000000.250000) can0 Speed(Value: 12.34 km/h, State: Moving)\n",
        "(1600000000.260000) can0 Torque(Actual: -1.5 Nm)\n",
        "(1600000000.260000) can1 Speed(Value: 1 km/h, State: 2)\n",
        "(1600000000.270000) can0 777#  # unknown\n",
        "(1600000000.280000) can0 100#R  # a remote frame\n",
        "(1600000000.290000) can0 Speed(Value: 100 km/h)\n",
        "(1600000000.300000) can0 00000100#0000000000000000  # unknown\n",
    ]


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ([], {"can0": ["Value", "State", "Actual"], "can1": ["Value", "State"]}),
        (["Speed.State"], {"can0": ["State"], "can1": ["State"]}),
        (["can1.Speed.State"], {"can1": ["State"]}),
        (["Torque"], {"can0": ["Actual"]}),
        (["Actual", "Value"], {"can0": ["Value", "Actual"], "can1": ["Value"]}),
    ],
)
def test_signals_are_chosen_by_name(
    path: Path, database: Database, names: list[str], kept: dict[str, list[str]]
) -> None:
    log = read_log([path])
    databases = dict.fromkeys(log.buses, database)
    check_names(names, databases)
    found: dict[str, list[str]] = {}
    for table in restricted(decode(log, databases), choose(names, databases)).tables:
        found.setdefault(table.bus, []).extend(table.values)
    assert found == kept


@pytest.mark.parametrize(
    ("name", "near"), [("Speed.Stat", "Speed.State"), ("Valu", "Value"), ("Speed.Xyzzy", None), ("Nothing", None)]
)
def test_an_unknown_signal_is_told_with_the_nearest(database: Database, name: str, near: str | None) -> None:
    with pytest.raises(LogError) as caught:
        check_names([name], {"can0": database})
    assert caught.value.sentence.startswith(f"no database has a signal {name!r}")
    if near is not None:
        assert f"did you mean {near!r}" in caught.value.sentence


def test_several_files_of_a_bus_are_one_database_and_a_bus_has_its_own(small_dbc: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.dbc"
    other.write_text('VERSION ""\nBO_ 1911 More: 8 X\n SG_ A : 0|8@1+ (1,0) [0|0] "" X\n')
    choices = [DatabaseChoice.of(text) for text in (str(small_dbc), f"can1={other}", f"can1={small_dbc}")]
    loaded = preloaded(choices)
    found = load_databases(choices, ["can0", "can1"], loaded)
    assert [message.name for message in found["can0"].messages] == ["Speed", "Torque", "Shown"]
    assert [message.name for message in found["can1"].messages] == ["More", "Speed", "Torque", "Shown"]
    assert database_of("can7", choices[1:], loaded) is None
    with pytest.raises(LogError, match=r"no bus 'can1' \(did you mean 'can0'\?\)"):
        load_databases(choices, ["can0"], loaded)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.5, "-0.5"),
        (1e300, "1e+300"),
        (0.1 + 0.2, "0.30000000000000004"),
        (2.0**60, "1.152921504606847e+18"),
    ],
)
def test_numbers_are_written_so_that_they_come_back(value: float, text: str) -> None:
    assert number_text(value) == text
    assert float(text) == value


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("a.parquet", "write .csv, .json, .mf4"), ("a", "without an ending"), ("no/folder/a.csv", "No such file")],
)
def test_a_file_that_cannot_be_written_is_told(decoded: DecodedLog, tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(LogError, match=sentence):
        write(decoded, tmp_path / name)


def test_a_log_without_a_known_frame_gives_no_file(
    write_log: Callable[..., Path], database: Database, tmp_path: Path
) -> None:
    decoded = decode_log(write_log("x.log", [(0, "can0", Frame(0x5, b""))]), database)
    with pytest.raises(LogError, match="nothing of it could be decoded"):
        write(decoded, tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()
