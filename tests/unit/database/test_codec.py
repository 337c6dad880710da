"""The generated codecs against one that goes bit by bit, as the DBC format describes it."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.database import Database, Message, Signal


def bit_positions(signal: Signal) -> list[tuple[int, int]]:
    """(byte, bit) of each bit of a signal, the least significant first."""
    if not signal.big_endian:
        return [divmod(signal.start + number, 8) for number in range(signal.length)]
    byte, bit = divmod(signal.start, 8)
    positions = []
    for _ in range(signal.length):
        positions.append((byte, bit))
        byte, bit = (byte, bit - 1) if bit else (byte + 1, 7)
    return positions[::-1]


def raw_bit_by_bit(signal: Signal, payload: bytes) -> int | float | None:
    """The raw value from its definition; None where the payload is too short."""
    positions = bit_positions(signal)
    if any(byte >= len(payload) for byte, _ in positions):
        return None
    number = sum((payload[byte] >> bit & 1) << place for place, (byte, bit) in enumerate(positions))
    if signal.is_float:
        code = {16: ">e", 32: ">f", 64: ">d"}[signal.length]
        return struct.unpack(code, number.to_bytes(signal.length // 8, "big"))[0]  # type: ignore[no-any-return]
    if signal.signed and number >> (signal.length - 1):
        return number - (1 << signal.length)
    return number


def same(one: object, other: object) -> bool:
    """Equal in type and value; NaN is equal to NaN."""
    return type(one) is type(other) and (one == other or repr(one) == repr(other) == "nan")


@st.composite
def signals(draw: st.DrawFn, size: int) -> Signal:
    """A signal that lies somewhere in `size` bytes."""
    is_float = draw(st.booleans()) and size >= 2
    lengths = [length for length in (16, 32, 64) if length <= 8 * size] if is_float else range(1, 8 * size + 1)
    length = draw(st.sampled_from(lengths))
    first = draw(st.integers(0, 8 * size - length))
    big_endian = draw(st.booleans())
    scales = st.sampled_from([1, 1, 2, -3, 0.1, -0.25, 5.0, 1e-9])
    return Signal(
        name="S",
        start=8 * (first // 8) + 7 - first % 8 if big_endian else first,
        length=length,
        big_endian=big_endian,
        signed=draw(st.booleans()),
        is_float=is_float,
        scale=draw(scales),
        offset=draw(st.sampled_from([0, 0, -40, 0.5, 3.0])),
    )


@st.composite
def messages_and_payloads(draw: st.DrawFn) -> tuple[Message, bytes]:
    size = draw(st.integers(1, 64))
    message = Message(name="M", arbitration_id=1, length=size, signals=(draw(signals(size)),))
    return message, draw(st.binary(min_size=0, max_size=size + 3))


@given(messages_and_payloads())
def test_a_signal_is_where_the_format_says(case: tuple[Message, bytes]) -> None:
    message, payload = case
    (signal,) = message.signals
    expected = raw_bit_by_bit(signal, payload)
    if expected is None:
        assert message.decode_raw(payload) == message.decode(payload) == {}
        assert signal.decode(payload) is None
        return
    assert same(message.decode_raw(payload)["S"], expected)
    assert same(message.decode(payload)["S"], signal.to_physical(expected))
    assert same(signal.decode(payload), signal.to_physical(expected))


@given(messages_and_payloads(), st.data())
def test_encoding_changes_the_bits_of_the_signal_and_no_others(
    case: tuple[Message, bytes], data: st.DataObject
) -> None:
    message, payload = case
    (signal,) = message.signals
    payload = payload[: message.length].ljust(message.length, b"\x5a")
    low, high = signal.raw_limits
    raw: Any = data.draw(st.floats(width=signal.length)) if signal.is_float else data.draw(st.integers(low, high))
    encoded = message.encode_raw({"S": raw})
    assert same(raw_bit_by_bit(signal, encoded), raw)
    changed = signal.insert(payload, raw)
    assert same(raw_bit_by_bit(signal, changed), raw)
    mine = set(bit_positions(signal))
    for byte in range(message.length):
        for bit in range(8):
            if (byte, bit) not in mine:
                assert not encoded[byte] >> bit & 1
                assert changed[byte] >> bit & 1 == payload[byte] >> bit & 1


@given(st.binary(max_size=80))
def test_decoding_takes_any_bytes(car: Database, payload: bytes) -> None:
    for message in car.messages:
        values = message.decode(payload)
        labels = message.labels(payload)
        assert values.keys() == message.decode_raw(payload).keys() == labels.keys()
        for signal in message.signals:
            assert same(signal.decode(payload), values.get(signal.name))


@given(st.binary(min_size=8, max_size=8))
def test_a_decoded_payload_encodes_to_itself(car: Database, payload: bytes) -> None:
    wheels = car.message("WheelSpeeds")
    assert wheels.encode_raw(wheels.decode_raw(payload)) == payload
    values = wheels.decode(payload)
    if all(speed <= 300 for speed in values.values()):
        assert wheels.encode(values) == payload


def test_known_payloads(car: Database) -> None:
    wheels = car.message("WheelSpeeds")
    values = {"FrontLeft": 100.0, "FrontRight": 100.5, "RearLeft": 99.5, "RearRight": 0.0}
    assert wheels.encode(values) == bytes.fromhex("2710 2742 de26 0000")
    assert wheels.decode(bytes.fromhex("2710 2742 de26 0000")) == values
    steering = car.message("Steering")
    assert steering.decode(bytes.fromhex("ff7f 0000 0014")) == {
        "Angle": pytest.approx(-0.1),
        "Valid": 0,
        "Torque": -3,
        "Temperature": -20,
    }


def test_physical_values_are_whole_only_where_scale_and_offset_are(car: Database) -> None:
    values = car.message("Steering").decode(bytes(6))
    assert {name: type(value) for name, value in values.items()} == {
        "Angle": float,
        "Valid": int,
        "Torque": int,
        "Temperature": int,
    }


def test_a_short_payload_has_the_signals_that_reach_into_it(car: Database) -> None:
    gear = car.message("Gear")
    assert gear.decode(b"\x13") == {"Position": 3, "Request": 1}
    assert gear.decode(b"") == {}
    assert gear.decode(b"\x13\x14\xff\xff") == gear.decode(b"\x13\x14") == {"Position": 3, "Request": 1, "Level": 10.0}


def test_labels(car: Database) -> None:
    gear = car.message("Gear")
    assert gear.labels(b"\x73\xff") == {"Position": "Drive", "Request": "Back", "Level": "Not available"}
    assert gear.labels(b"\x05\x10") == {"Position": 5, "Request": "None", "Level": 8.0}
    assert gear.signal("Position").label(7) == "Not available"
    assert gear.signal("Position").label(6) is None
    assert gear.signal("Position").label(math.nan) is None


def test_the_start_values_are_the_payload_until_something_is_set(car: Database) -> None:
    steering = car.message("Steering")
    assert steering.initial == steering.encode({})
    assert steering.decode_raw(steering.initial) == {"Angle": 0, "Valid": 0, "Torque": -5, "Temperature": 60}
    location = car.message("Location")
    assert location.decode(location.initial)["Latitude"] == 48.5


def test_the_source_of_a_decoder_can_be_read(car: Database) -> None:
    assert "'Level': (d[1]) * 0.5" in car.message("Gear").source
