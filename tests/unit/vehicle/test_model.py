"""The words of the vehicle file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.vehicle import VehicleSpec, json_schema
from gateway.vehicle.file.model import RouteSpec
from gateway.vehicle.file.words import bit_rate

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("500k", 500_000),
        ("500K", 500_000),
        ("2M", 2_000_000),
        ("83.333k", 83_333),
        ("0.5M", 500_000),
        ("125000", 125_000),
        (125_000, 125_000),
        ("500 kbit/s", 500_000),
        ("1Mbps", 1_000_000),
    ],
)
def test_bit_rates(text: object, bits: int) -> None:
    assert bit_rate(text) == bits


@pytest.mark.parametrize("text", ["", "fast", "-5", "5m", "1e5", "k", True, None, "9" * 400, "٥00k", "500 k bit"])
def test_what_is_no_bit_rate(text: object) -> None:
    with pytest.raises(ValueError, match="is not a bit rate: write it like 500k, 2M or 125000"):
        bit_rate(text)


@given(st.integers(0, 999_999_999))
def test_a_plain_number_is_in_bits_per_second(bits: int) -> None:
    assert bit_rate(bits) == bit_rate(str(bits)) == bits


def test_the_keys_of_a_table_are_numbers_where_they_look_like_it() -> None:
    route = RouteSpec.model_validate(
        {"from": "a.B.c", "to": "d.E.f", "map": {"1": "On", "0x10": 2, "1.5": 3, "Off": 0, "nan": 4, "1_0": 5}}
    )
    assert route.map == {1: "On", 16: 2, 1.5: 3, "Off": 0, "nan": 4, "1_0": 5}


def test_one_name_is_a_list_of_one() -> None:
    spec = VehicleSpec.model_validate(
        {"vehicle": "x", "buses": {"a": {"database": "a.dbc"}}, "ecus": {"E": {"on": "a"}}}
    )
    assert spec.buses["a"].database == ["a.dbc"]
    assert spec.ecus["E"].on == ["a"]


def test_what_the_file_leaves_out() -> None:
    spec = VehicleSpec.model_validate({"vehicle": "x", "buses": {"a": {}}})
    assert spec.buses["a"].bitrate == 500_000
    assert spec.gateway.queue == 64
    assert spec.gateway.latency == 0
    assert spec.gateway.name == "GW"


def test_the_schema_in_the_documentation_is_current() -> None:
    committed = json.loads((ROOT / "docs" / "vehicle.schema.json").read_text(encoding="utf-8"))
    assert committed == json_schema(), "run `gateway check --schema > docs/vehicle.schema.json`"
