"""What may be encoded, and what is said about the rest."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gateway.database import Database, EncodeError, Message, Signal


@pytest.mark.parametrize(
    ("message", "values", "sentence"),
    [
        ("Gear", {"Level": 100.5}, "Gear.Level cannot be 100.5: allowed is 0 to 100 %"),
        ("Gear", {"Level": -1}, "Gear.Level cannot be -1: allowed is 0 to 100 %"),
        ("Gear", {"Position": 8}, "Gear.Position cannot be 8: allowed is 0 to 4"),
        ("Gear", {"Request": -2}, "Gear.Request cannot be -2: allowed is -1 to 3"),
        ("Gear", {"Position": "Dirve"}, "Gear.Position has no value 'Dirve' (did you mean 'Drive'?)"),
        (
            "Gear",
            {"Position": "?"},
            "Gear.Position has no value '?' (there are Park, Reverse, Neutral, Drive, Not avai",
        ),
        ("Gear", {"Postion": 1}, "message Gear has no signal 'Postion' (did you mean 'Position'?)"),
        ("Gear", {"Position": None}, "Gear.Position takes a number or a label, not None"),
        ("Gear", {"Level": math.nan}, "Gear.Level cannot be nan: allowed is 0 to 100 %"),
        ("Gear", {"Level": math.inf}, "Gear.Level cannot be inf"),
        ("Steering", {"Temperature": "hot"}, "Steering.Temperature has no value table"),
        ("Steering", {"Torque": 1021}, "Steering.Torque cannot be 1021: allowed is -1027 to 1020 Nm"),
        ("Steering", {"Torque": -1e300}, "Steering.Torque cannot be -1e+300: allowed is -1027 to 1020 Nm"),
        ("Steering", {"Angle": 720.2}, "Steering.Angle cannot be 720.2: allowed is -720 to 720 deg"),
        ("Location", {"Altitude": 1e39}, "Location.Altitude cannot be 1e+39: allowed is -500 to 9000 m"),
        ("Location", {"Pitch": 200_000}, "Location.Pitch cannot be 200000: a float of 16 bits does not hold it"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    car: Database, message: str, values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(EncodeError) as caught:
        car.message(message).encode(values)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"Position": 8}, "Gear.Position cannot be raw 8: its 3 bits hold 0 to 7"),
        ({"Request": -5}, "Gear.Request cannot be raw -5: its 3 bits hold -4 to 3"),
        ({"Level": 1.5}, "Gear.Level takes a whole raw number, not 1.5"),
        ({"Level": math.inf}, "Gear.Level takes a whole raw number, not inf"),
        ({"Level": "full"}, "Gear.Level takes a raw number, not 'full'"),
        ({"Nothing": 1}, "message Gear has no signal 'Nothing'"),
    ],
)
def test_a_raw_value_must_fit_in_its_bits(car: Database, values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(EncodeError) as caught:
        car.message("Gear").encode_raw(values)
    assert str(caught.value).startswith(sentence)


def test_raw_values_go_beyond_the_range_of_the_file(car: Database) -> None:
    gear = car.message("Gear")
    assert gear.encode_raw({"Position": 6, "Level": 254}) == b"\x06\xfe"


def test_a_value_of_the_table_is_allowed_beyond_the_range(car: Database) -> None:
    gear = car.message("Gear")
    assert gear.encode({"Position": 7, "Level": "Not available", "Request": "Back"}) == b"\x77\xff"
    assert gear.encode({"Level": 127.5}) == b"\x00\xff"


def test_values_are_rounded_to_the_nearest_step(car: Database) -> None:
    steering = car.message("Steering")
    assert steering.decode_raw(steering.encode({"Angle": 0.26, "Torque": -2.6})) == {
        "Angle": 3,
        "Valid": 0,
        "Torque": 0,
        "Temperature": 60,
    }


def test_a_signal_converts_values_alone(car: Database) -> None:
    level = car.message("Gear").signal("Level")
    assert level.to_raw(50) == 100
    assert level.to_raw("Not available") == 255
    assert level.to_physical(100) == 50.0
    with pytest.raises(EncodeError, match=r"Gear.Level cannot be 101"):
        level.to_raw(101)


def test_inserting_needs_a_payload_that_is_long_enough(car: Database) -> None:
    level = car.message("Gear").signal("Level")
    assert level.insert(b"\x33\x00\x99", 7) == b"\x33\x07\x99"
    with pytest.raises(EncodeError, match=r"Gear.Level ends with bit 16; the payload has 1 bytes only"):
        level.insert(b"\x33", 7)


def test_a_signal_past_the_end_cannot_be_encoded(faulty: Database) -> None:
    with pytest.raises(EncodeError, match=r"Engine.Beyond lies past the end of its message of 8 bytes"):
        faulty.message("Engine").encode({"Beyond": 1})


def test_a_signal_of_scale_0_cannot_be_encoded(faulty: Database) -> None:
    wide = faulty.message("Wide")
    with pytest.raises(EncodeError, match=r"Wide.Value cannot be 3: its scale is 0"):
        wide.encode({"Value": 3})
    assert wide.encode({"Value": "One"}) == bytes([1, 0, 0, 0, 0, 0, 0, 0])
    assert wide.encode_raw({"Value": 3}) == bytes([3, 0, 0, 0, 0, 0, 0, 0])


def test_what_is_given_counts_over_a_start_value_on_the_same_bits() -> None:
    little = Signal(name="Little", start=0, length=16, initial_raw=0xFFFF)
    big = Signal(name="Big", start=7, length=16, big_endian=True)
    message = Message(name="M", arbitration_id=1, length=2, signals=(little, big))
    assert message.encode({"Big": 0x1234}) == b"\x12\x34"
    assert message.encode({"Little": 0x1234}) == b"\x34\x12"
    assert message.encode_raw({"Big": 0x1234}) == b"\x12\x34"
