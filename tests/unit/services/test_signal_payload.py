"""Datapoints and requests as JSON."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing import NEVER, Datapoint, Quality, Value, VssLeaf
from gateway.routing.vss import Kind
from gateway.services.errors import RequestError
from gateway.services.payload import LARGEST, decode, encode, typed, wished

EPOCH_NS = 1_795_503_777_000_000_000
values = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.lists(st.text()), st.lists(st.integers())
)


def leaf(datatype: str) -> VssLeaf:
    return VssLeaf(path="Vehicle.X", datatype=datatype, kind=Kind.ACTUATOR)


def test_a_datapoint_is_value_time_and_quality() -> None:
    point = Datapoint(12.5, 706_146_000, Quality.GOOD)
    assert encode(point, EPOCH_NS) == b'{"value":12.5,"time":"2026-11-24T07:02:57.706146Z","quality":"good"}'
    assert json.loads(encode(NEVER, EPOCH_NS))["value"] is None


@given(values)
def test_a_datapoint_comes_back(value: Value) -> None:
    finite = not isinstance(value, float) or math.isfinite(value)
    assert decode(encode(Datapoint(value, 5, Quality.STALE), 0)) == (value if finite else None, Quality.STALE)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [1.0, math.nan]])
def test_what_json_has_no_number_for_is_null(value: Value) -> None:
    assert b"null" in encode(Datapoint(value, 0, Quality.GOOD), 0)


@pytest.mark.parametrize(
    ("request_", "datatype", "value"),
    [
        (b"true", "boolean", True),
        (b" 42 ", "uint8", 42),
        (b'{"value": 22.5}', "float", 22.5),
        (b'{"value": 1, "time": "x"}', "uint8", 1),
        (b'"Hello"', "string", "Hello"),
        (b"Hello", "string", "Hello"),
        (b"42", "string", "42"),
        (b"[1, 2]", "uint8[]", [1, 2]),
    ],
)
def test_what_a_request_may_look_like(request_: bytes, datatype: str, value: object) -> None:
    assert wished(request_, leaf(datatype)) == value


@pytest.mark.parametrize(
    ("request_", "datatype", "reason"),
    [
        (b"", "uint8", "is no JSON"),
        (b"{}", "uint8", "expected is a value"),
        (b"NaN", "float", "NaN is no number"),
        (b"-Infinity", "float", "is no number"),
        (b"\xff\xfe", "string", "not text in UTF-8"),
        (b"[" * 60_000, "uint8", "nested too deep|is no JSON"),
        (b"1" * 60_000, "uint8", "is no JSON"),
        (b" " * (LARGEST + 1), "uint8", "more than"),
        (b" " * (LARGEST + 1), "string", "more than"),
    ],
)
def test_what_a_request_may_not_look_like(request_: bytes, datatype: str, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        wished(request_, leaf(datatype))


@given(st.binary(max_size=60), st.sampled_from(("uint8", "string", "boolean", "float[]")))
def test_any_bytes_are_a_request_or_refused(data: bytes, datatype: str) -> None:
    for read in (lambda: wished(data, leaf(datatype)), lambda: decode(data)):
        with contextlib.suppress(RequestError):  # any other exception fails
            read()


@pytest.mark.parametrize(
    "data", [b"5", b"[]", b'{"valu": 1}', b'{"value": 1, "quality": "fine"}', b'{"value": 1, "quality": 5}']
)
def test_what_is_no_datapoint(data: bytes) -> None:
    with pytest.raises(RequestError, match="is no datapoint|there is no quality"):
        decode(data)


@pytest.mark.parametrize(
    ("value", "datatype"),
    [
        (True, "boolean"),
        (30, "int8"),
        (30.0, "int8"),
        (30, "float"),
        (22.5, "double"),
        ("Hello", "string"),
        ([1, 2], "uint8[]"),
    ],
)
def test_a_wish_of_the_signals_own_type_is_taken(value: object, datatype: str) -> None:
    assert typed(value, leaf(datatype)) == value


@pytest.mark.parametrize(
    ("value", "datatype", "takes"),
    [
        (30, "boolean", "cannot be 30: it takes true or false"),
        (0.5, "boolean", "cannot be 0.5: it takes true or false"),
        ("true", "boolean", "cannot be 'true': it takes true or false"),
        (22.5, "int8", r"cannot be 22.5: it takes -128 to 127 \(int8\)"),
        (True, "int8", "cannot be True"),
        ("42", "uint8", "cannot be '42'"),
        (None, "uint8", "cannot be None"),
        (True, "float", "cannot be True"),
        (42, "string", "cannot be 42: it takes text"),
        ([1, 2.5], "uint8[]", "cannot be 2.5"),
        ([True, 1], "boolean[]", "cannot be 1: it takes true or false"),
    ],
)
def test_a_wish_of_another_type_is_refused(value: object, datatype: str, takes: str) -> None:
    with pytest.raises(RequestError, match=takes):
        typed(value, leaf(datatype))
