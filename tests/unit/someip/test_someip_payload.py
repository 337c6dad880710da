"""Payload layouts: types as they are written, values to bytes and back, what does not fit."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.someip import Array, Basic, ByteOrder, Encoding, Layout, PayloadError, Struct, Text, parse_type

LITTLE = ByteOrder.LITTLE
WHEELS = Struct([("left", Basic("float32")), ("right", Basic("float32"))])


@pytest.mark.parametrize(
    ("layout", "value", "hexadecimal"),
    [
        (Basic("uint16"), 0x1234, "1234"),
        (Basic("uint16", LITTLE), 0x1234, "3412"),
        (Basic("int8"), -2, "fe"),
        (Basic("bool"), True, "01"),
        (Basic("float32"), 1.5, "3fc00000"),
        (Basic("float64", LITTLE), -2.0, "00000000000000c0"),
        (Text(), "Öl", "00000007 efbbbf c3966c 00"),
        (Text(length_bytes=1), "ab", "06 efbbbf 6162 00"),
        (Text(size=8), "ab", "efbbbf 6162 00 0000"),
        (Text(Encoding.UTF16), "ab", "00000008 feff 0061 0062 0000"),
        (Text(Encoding.UTF16, order=LITTLE), "ab", "08000000 fffe 6100 6200 0000"),
        (Array(Basic("uint16"), 3), [1, 2, 3], "0001 0002 0003"),
        (Array(Basic("uint16")), [1, 2], "00000004 0001 0002"),
        (Array(Basic("uint8"), length_bytes=2), [], "0000"),
        (Array(Array(Basic("uint8"), 2)), [[1, 2], [3, 4]], "00000004 01020304"),
        (WHEELS, {"left": 1.0, "right": 2.0}, "3f800000 40000000"),
        (
            Struct([("n", Basic("uint8")), ("name", Text(length_bytes=1)), ("inner", WHEELS)]),
            {"n": 1, "name": "x", "inner": {"left": 0.0, "right": 0.5}},
            "01 05 efbbbf 78 00 00000000 3f000000",
        ),
        (Struct([("a", Basic("uint8"))], length_bytes=2), {"a": 5}, "0001 05"),
    ],
)
def test_a_value_is_laid_out_as_its_type_says(layout: Layout, value: Any, hexadecimal: str) -> None:
    data = bytes.fromhex(hexadecimal)
    assert layout.encode(value) == data
    assert layout.decode(data) == value


def test_what_a_newer_peer_adds_at_the_end_is_passed_over() -> None:
    assert WHEELS.decode(bytes.fromhex("3f800000 40000000 ffff")) == {"left": 1.0, "right": 2.0}
    longer = Struct([("a", Basic("uint8"))], length_bytes=1)
    assert Struct([("first", longer), ("b", Basic("uint8"))]).decode(b"\x03\x05\xff\xff\x07") == {
        "first": {"a": 5},
        "b": 7,
    }


def test_text_without_its_mark_is_taken() -> None:
    assert Text(length_bytes=1).decode(b"\x03ab\0") == "ab"


@pytest.mark.parametrize(
    ("layout", "hexadecimal", "wrong"),
    [
        (Basic("uint32"), "0000", "uint32 at byte 0 needs 4 bytes, and 2 are left"),
        (WHEELS, "3f800000 40", "right: float32 at byte 4 needs 4 bytes, and 1 are left"),
        (Text(), "0000", "cut short"),
        (Text(), "00000009 00", "claims 9 bytes; 1 follow"),
        (Text(length_bytes=1), "02 6162", "does not end with a zero"),
        (Text(length_bytes=1), "02 ff00", "is not UTF8"),
        (Text(size=4), "61", "needs 4 bytes; 1 are left"),
        (Array(Basic("uint16")), "00000003 000102", "3 bytes, no multiple of 2"),
        (Array(Basic("uint16"), 2), "0001", "needs 4 bytes; 2 are left"),
        (Array(Struct(())), "00000001 00", "elements without bytes"),
    ],
)
def test_a_payload_that_is_too_short_or_damaged_is_told(layout: Layout, hexadecimal: str, wrong: str) -> None:
    with pytest.raises(PayloadError, match=wrong):
        layout.decode(bytes.fromhex(hexadecimal))


@pytest.mark.parametrize(
    ("layout", "value"),
    [
        (Basic("uint8"), 256),
        (Basic("uint8"), -1),
        (Basic("uint8"), 1.5),
        (Basic("uint8"), "x"),
        (Basic("float32"), "x"),
        (Basic("float32"), 1e300),
        (Basic("float32"), [1.0]),
        (Text(), 5),
        (Text(size=4), "ab"),
        (Text(), "\ud800"),
        (Array(Basic("uint8"), 2), [1]),
        (Array(Basic("uint8")), 5),
        (Array(Basic("uint8"), length_bytes=1), [0] * 256),
        (WHEELS, {"left": 1.0}),
        (WHEELS, 1.0),
    ],
)
def test_a_value_that_does_not_fit_is_told(layout: Layout, value: Any) -> None:
    with pytest.raises(PayloadError):
        layout.encode(value)


@given(st.binary(max_size=64))
def test_any_bytes_give_a_value_or_a_payload_error(data: bytes) -> None:
    layout = Struct(
        [
            ("texts", Array(Text(Encoding.UTF16, length_bytes=1), length_bytes=1)),
            ("numbers", Array(Basic("int16"), length_bytes=2)),
            ("inner", Struct([("a", Basic("float32")), ("b", Text(size=5))], length_bytes=1)),
        ]
    )
    with contextlib.suppress(PayloadError):
        layout.decode(data)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("uint16", Basic), ("string", Text), ("string(20)", Text), ("float32[4]", Array), ("Wheels[]", Array)],
)
def test_types_are_written_as_words(text: str, kind: type[Layout]) -> None:
    assert isinstance(parse_type(text, named={"Wheels": WHEELS}), kind)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("unit16", "there is no type 'unit16' .did you mean 'uint16'"),
        ("uint16(3)", r"an array of 3 is uint16\[3\]"),
        ("uint8[0]", "1 to"),
        ("string(0)", "1 to"),
        ("uint8[", "is no type"),
        ("", "is no type"),
    ],
)
def test_what_is_no_type_is_told(text: str, wrong: str) -> None:
    with pytest.raises(PayloadError, match=wrong):
        parse_type(text)


@pytest.mark.parametrize(("byte", "value"), [(0x00, False), (0x01, True), (0x07, True), (0x06, False), (0xFE, False)])
def test_of_a_boolean_the_lowest_bit_counts(byte: int, value: bool) -> None:
    """PRS_SOMEIP_00615; alone, in an array and in a structure."""
    flag = Basic("bool")
    assert flag.decode(bytes([byte])) is value
    assert Array(flag, 2).decode(bytes([byte, byte])) == [value, value]
    assert Struct([("n", Basic("uint8")), ("flag", flag)]).decode(bytes([7, byte])) == {"n": 7, "flag": value}
