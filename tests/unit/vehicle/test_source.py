"""YAML as plain values with their lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.vehicle import VehicleFileError
from gateway.vehicle.file.source import Source, read


def read_text(tmp_path: Path, text: str) -> Source:
    path = tmp_path / "vehicle.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-7", -7),
        ("+5", 5),
        ("0x1F", 31),
        ("007", 7.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("500k", "500k"),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        (".nan", ".nan"),
        ("9" * 5000, float("inf")),
    ],
)
def test_scalars_are_those_of_yaml_1_2(tmp_path: Path, text: str, value: Any) -> None:
    found = read_text(tmp_path, f"key: {text}\n").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_keys_stay_words(tmp_path: Path) -> None:
    assert read_text(tmp_path, "on: 1\nOff: 2\n1: 3\ntrue: 4\n").data == {"on": 1, "Off": 2, "1": 3, "true": 4}


def test_each_place_has_its_line(tmp_path: Path) -> None:
    source = read_text(tmp_path, "a: 1\n\nb:\n  - x\n  - {c: 2,\n     d: 3}\n")
    assert source.line(("a",)) == 1
    assert source.line(("b",)) == 3
    assert source.line(("b", 0)) == 4
    assert source.line(("b", 1)) == 5
    assert source.line(("b", 1, "d")) == 6


def test_a_place_that_is_not_there_has_the_line_of_what_is_around_it(tmp_path: Path) -> None:
    source = read_text(tmp_path, "a: 1\nb:\n  c: 2\n")
    assert source.line(("b", "x", "y")) == 2
    assert source.line(("nothing",)) == 1


def test_every_key_that_is_given_twice_is_told(tmp_path: Path) -> None:
    source = read_text(tmp_path, "a: 1\nb: {c: 1, c: 2}\na: 2\n")
    assert [(fault.line, fault.sentence) for fault in source.faults] == [
        (2, "'c' is given twice; the first is in line 2"),
        (3, "'a' is given twice; the first is in line 1"),
    ]
    assert source.data == {"a": 1, "b": {"c": 1}}


def test_an_alias_is_what_it_names(tmp_path: Path) -> None:
    assert read_text(tmp_path, "a: &x {b: 1}\nc: *x\n").data["c"] == {"b": 1}


def test_an_alias_in_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VehicleFileError, match="nested too deeply"):
        read_text(tmp_path, "a: &x [*x]\n")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert read_text(tmp_path, "\ufeffvehicle: x\n").data == {"vehicle": "x"}
