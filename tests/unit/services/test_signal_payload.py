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
from gateway.services.payload import LARGEST, answer, decode, encode, typed, wished

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
    told, quality = decode(encode(Datapoint(value, 5, Quality.STALE), 0))
    assert quality is Quality.STALE
    if isinstance(value, float):  # 1795503777.706146 is all meant, 0.30000000000000004 is not
        assert told == (pytest.approx(value, rel=1e-11, abs=0) if math.isfinite(value) else None)
    else:
        assert told == value


@given(st.integers(-30_000, 65_535), st.sampled_from((1, 2, 3, 4)), st.sampled_from((0, 0.7, -40, -273.1, 1000)))
def test_a_number_has_the_digits_of_its_factor(raw: int, digits: int, offset: float) -> None:
    value = raw * float(f"1e-{digits}") + offset
    told = json.loads(encode(Datapoint(value, 0, Quality.GOOD), 0), parse_float=str, parse_int=str)["value"]
    assert float(told) == round(value, digits)


def test_numbers_in_a_list_have_the_digits_of_their_factor() -> None:
    assert encode(Datapoint([3 * 0.1, 0.1 + 0.2], 0, Quality.GOOD), 0).startswith(b'{"value":[0.3,0.3],')


@pytest.mark.parametrize(
    ("refusal", "request_", "told"),
    [
        ("", b"22", {"ok": True}),
        ("", b'{"value": 22, "id": 7}', {"ok": True, "id": 7}),
        ("it is shut", b' {"value": 22, "id": "a-1"}', {"ok": False, "reason": "it is shut", "id": "a-1"}),
        ("is no JSON", b"{", {"ok": False, "reason": "is no JSON"}),
        ("", b'{"value": 22, "id": [1]}', {"ok": True}),
    ],
)
def test_an_answer_names_the_request_where_that_has_a_name(refusal: str, request_: bytes, told: object) -> None:
    assert json.loads(answer(refusal, request_)) == told


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
        (b"{}", "uint8", "is an object without a value: write the value alone"),
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
