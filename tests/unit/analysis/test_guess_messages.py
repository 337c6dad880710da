"""Guesses about messages that were built on purpose: counters, checksums, multiplexers, numbers with their byte order."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import cantools
import numpy as np
import pytest
from analysis_logs import MS, Entry, source

from gateway.analysis.errors import AnalysisError
from gateway.analysis.guess import MessageGuess, guess
from gateway.analysis.guess_bits import Field, FieldKind, field_values
from gateway.analysis.guess_dbc import dbc_text, write_dbc
from gateway.analysis.guess_like import alike
from gateway.analysis.guess_text import guess_json, guess_lines, ranges
from gateway.analysis.plot_curve import Curve
from gateway.can import Frame
from gateway.com.protection import ALGORITHMS
from gateway.database import Message, Signal, load
from gateway.database.arrays import decode_array

Payload = Callable[[int, random.Random], bytearray]


def guessed(make: Payload, frames: int = 400, identifier: int = 0x1A5, lost: float = 0.0) -> MessageGuess:
    """What is guessed of a message, some of whose frames the recorder lost."""
    stream = random.Random(5)
    kept = [(at, make(at, stream)) for at in range(frames)]
    entries: list[Entry] = [
        (at * 10 * MS, "can0", Frame(identifier, bytes(data))) for at, data in kept if stream.random() >= lost
    ]
    (found,) = guess(source(entries))
    return found


def the(found: MessageGuess, kind: FieldKind) -> Field:
    (field,) = found.of_kind(kind)
    return field


def noise(stream: random.Random, size: int = 8) -> bytearray:
    return bytearray(stream.randrange(256) for _ in range(size))


# Counters


@pytest.mark.parametrize(("start", "width"), [(0, 8), (8, 4), (20, 4), (60, 2), (33, 3)])
def test_a_counter_is_found_with_its_place_and_width(start: int, width: int) -> None:
    def make(at: int, stream: random.Random) -> bytearray:
        return bytearray(((at % (1 << width)) << start).to_bytes(8, "little"))

    field = the(guessed(make, 600), FieldKind.COUNTER)
    assert (field.start, field.length) == (start, width)


def test_a_counter_to_14_is_one_as_autosar_has_it() -> None:
    field = the(guessed(lambda at, _: bytearray([0, at % 15, 7, 7])), FieldKind.COUNTER)
    assert (field.start, field.length, field.note) == (8, 4, "0..14")


def test_a_counter_of_which_frames_are_missing_is_still_one() -> None:
    field = the(guessed(lambda at, _: bytearray([5, at % 16, 7]), 600, lost=0.4), FieldKind.COUNTER)
    assert (field.start, field.length) == (8, 4)
    assert "frames are missing" in field.note


def test_noise_is_no_counter_and_no_checksum() -> None:
    found = guessed(lambda _, stream: noise(stream))
    assert (found.of_kind(FieldKind.COUNTER), found.of_kind(FieldKind.CHECKSUM)) == ([], [])


def test_a_message_that_never_changes_has_no_field() -> None:
    found = guessed(lambda *_: bytearray(b"\x12\x34\x56"))
    assert (found.fields, found.constant_bytes) == ((), (0, 1, 2))


# Checksums: each is computed here in plain Python, from its description


def honda(identifier: int, data: bytearray) -> None:
    total = sum(identifier >> shift & 0xF for shift in (0, 4, 8))
    data[-1] &= 0xF0
    total += sum((byte & 0xF) + (byte >> 4) for byte in data)
    data[-1] |= (8 - total) & 0xF


def hyundai(_: int, data: bytearray) -> None:
    data[-1] &= 0x0F
    data[-1] |= ((16 - sum((byte & 0xF) + (byte >> 4) for byte in data)) & 0xF) << 4


def toyota(identifier: int, data: bytearray) -> None:
    data[-1] = (len(data) + (identifier & 0xFF) + (identifier >> 8) + sum(data[:-1])) & 0xFF


def subaru(identifier: int, data: bytearray) -> None:
    data[0] = ((identifier & 0xFF) + (identifier >> 8) + sum(data[1:])) & 0xFF


def xor(_: int, data: bytearray) -> None:
    data[-1] = 0
    for byte in data[:-1]:
        data[-1] ^= byte


def plain_sum(_: int, data: bytearray) -> None:
    data[-1] = sum(data[:-1]) & 0xFF


def crc8(polynomial: int, start: int, final: int, data: bytes) -> int:
    crc = start
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ polynomial) & 0xFF if crc & 0x80 else crc << 1
    return crc ^ final


def j1850_last(_: int, data: bytearray) -> None:
    data[-1] = crc8(0x1D, 0xFF, 0xFF, data[:-1])


def j1850_with_id(identifier: int, data: bytearray) -> None:
    data[0] = crc8(0x1D, 0xFF, 0xFF, bytes([identifier & 0xFF, identifier >> 8]) + data[1:])


def h2f_first(_: int, data: bytearray) -> None:
    data[0] = crc8(0x2F, 0xFF, 0xFF, data[1:])


def crc_of_an_unknown_id(_: int, data: bytearray) -> None:
    data[-1] = crc8(0x2F, 0xFF, 0xFF, data[:-1] + b"\x77")


@pytest.mark.parametrize(
    ("seal", "start", "length", "said"),
    [
        (honda, 56, 4, "as Honda has it"),
        (hyundai, 60, 4, "as Hyundai has it"),
        (toyota, 56, 8, "as Toyota has it"),
        (subaru, 0, 8, "as Subaru has it"),
        (xor, 56, 8, "exclusive or of the bytes"),
        (plain_sum, 56, 8, "sum of the bytes"),
        (j1850_last, 56, 8, "CRC-8 SAE J1850"),
        (j1850_with_id, 0, 8, "CRC-8 SAE J1850, with the identifier before (low byte first), start 0xFF, final 0xFF"),
        (h2f_first, 0, 8, "CRC-8 H2F"),
        (crc_of_an_unknown_id, 56, 8, "another start value or a data id"),
    ],
)
def test_a_checksum_is_named(seal: Callable[[int, bytearray], None], start: int, length: int, said: str) -> None:
    def make(at: int, stream: random.Random) -> bytearray:
        data = bytearray(8)
        data[1], data[2], data[4] = at % 16, stream.randrange(256), stream.randrange(64)
        seal(0x1A5, data)
        return data

    found = guessed(make)
    field = the(found, FieldKind.CHECKSUM)
    assert (field.start, field.length) == (start, length)
    assert said in field.note
    counter = the(found, FieldKind.COUNTER)
    assert (counter.start, counter.length) == (8, 4)


@pytest.mark.parametrize("algorithm", ["crc8-j1850", "crc8-h2f"])
def test_what_our_own_gateway_seals_is_recognized(algorithm: str) -> None:
    def make(at: int, stream: random.Random) -> bytearray:
        data = bytearray([0, at % 16, stream.randrange(256), 0, 0, 0, 0, 0])
        data[0] = ALGORITHMS[algorithm](data)
        return data

    field = the(guessed(make), FieldKind.CHECKSUM)
    assert (field.start, "over its own byte as 0" in field.note) == (0, True)


def test_a_copy_of_a_byte_is_no_checksum() -> None:
    def make(at: int, stream: random.Random) -> bytearray:
        value = stream.randrange(256)
        return bytearray([value, 3, value])

    assert guessed(make).of_kind(FieldKind.CHECKSUM) == []


# Multiplexers


def test_what_says_what_the_others_mean_is_a_multiplexer() -> None:
    pages = [bytes(random.Random(page).randrange(256) for _ in range(7)) for page in range(5)]

    def make(at: int, stream: random.Random) -> bytearray:
        page = stream.randrange(5)
        return bytearray([page * 3]) + pages[page]

    field = the(guessed(make), FieldKind.MULTIPLEXER)
    assert field.start // 8 == 0


# Numbers


def wandering(frames: int, low: int, high: int, step: int, seed: int = 3) -> list[int]:
    """A number that moves a little from frame to frame."""
    stream = random.Random(seed)
    value, values = (low + high) // 2, []
    for _ in range(frames):
        value = min(high, max(low, value + stream.randint(-step, step)))
        values.append(value)
    return values


@pytest.mark.parametrize("big_endian", [False, True])
def test_the_byte_order_of_a_number_over_two_bytes_is_found(big_endian: bool) -> None:
    values = wandering(2000, 0, 0xFFFF, 90)

    def make(at: int, _: random.Random) -> bytearray:
        return bytearray([9]) + values[at].to_bytes(2, "big" if big_endian else "little") + bytes([9])

    field = max(guessed(make, 2000).fields, key=lambda each: each.length)
    assert field.big_endian is big_endian
    assert {bit // 8 for bit in field.bits} == {1, 2}


def test_a_number_around_zero_is_signed() -> None:
    values = wandering(1500, -3000, 3000, 60)

    def make(at: int, _: random.Random) -> bytearray:
        return bytearray(values[at].to_bytes(2, "little", signed=True))

    field = max(guessed(make, 1500).fields, key=lambda each: each.length)
    assert (field.signed, field.big_endian) == (True, False)


def test_a_bit_that_changes_now_and_then_is_a_switch() -> None:
    field = the(guessed(lambda at, _: bytearray([0x80, 0x10 if 100 < at < 200 else 0])), FieldKind.SWITCH)
    assert (field.start, field.note) == (12, "changes 2 times")


@pytest.mark.parametrize("big_endian", [False, True])
def test_raw_values_are_those_of_the_database(big_endian: bool) -> None:
    data = np.random.default_rng(1).integers(0, 256, (50, 8), np.uint8)
    field = Field(FieldKind.ANALOG, 19, 13, big_endian, signed=True)
    signal = Signal(name="S", start=19, length=13, big_endian=big_endian, signed=True)
    expected = decode_array(Message(name="M", arbitration_id=1, signals=(signal,)), data)["S"]
    assert field_values(data, field).tolist() == expected.tolist()
    assert len(field.bits) == 13


# What moves together, and the database


def test_what_moves_together_with_a_signal_is_ranked_with_its_scale() -> None:
    values = wandering(1000, 0, 4000, 40)

    def make(at: int, stream: random.Random) -> bytearray:
        return bytearray([stream.randrange(256)]) + values[at].to_bytes(2, "big") + bytes([at % 256])

    found = guessed(make, 1000)
    times = np.arange(1000) * 0.01
    curve = Curve("known", times, np.array(values) * 0.25 - 40)
    best = alike([found], curve, 0)[0]
    assert {bit // 8 for bit in best.field.bits} == {1, 2}
    assert best.field.big_endian
    assert (best.correlation, best.scale, best.offset) == pytest.approx((1, 0.25, -40))


def test_a_signal_that_is_always_the_same_is_refused() -> None:
    found = guessed(lambda _, stream: noise(stream))
    with pytest.raises(AnalysisError, match="known is always 3: nothing can be seen to move with it"):
        alike([found], Curve("known", np.arange(20.0), np.full(20, 3.0)), 0)


def test_the_database_is_one_for_cantools_and_for_us(tmp_path: Path) -> None:
    values = wandering(600, 0, 0xFFFF, 90)

    def make(at: int, stream: random.Random) -> bytearray:
        data = bytearray([at % 16, 1 if at > 300 else 0]) + values[at].to_bytes(2, "big") + bytearray(4)
        toyota(0x1A5, data)
        return data

    found = guessed(make, 600)
    path = tmp_path / "first.dbc"
    write_dbc([found], path)
    theirs = cantools.database.load_file(path).get_message_by_name("Msg1A5")
    ours = load(path)
    assert ours.diagnostics == ()
    assert (theirs.cycle_time, theirs.length) == (10, 8)
    assert {signal.name for signal in theirs.signals} >= {"Counter", "Checksum", "Switch_1_0"}
    for at in (0, 17, 599):
        data = bytes(make(at, random.Random()))
        assert ours.messages[0].decode(data) == theirs.decode(data)


def test_fields_never_overlap() -> None:
    found = guessed(lambda at, stream: bytearray([at % 256]) + noise(stream, 7))
    bits = [bit for field in found.fields for bit in field.bits]
    assert len(bits) == len(set(bits))


def test_a_database_is_for_one_bus(tmp_path: Path) -> None:
    entries: list[Entry] = [(at, bus, Frame(1, bytes([at]))) for at in range(9) for bus in ("can0", "can1")]
    with pytest.raises(AnalysisError, match="the log has can0, can1: choose one with --bus"):
        write_dbc(guess(source(entries)), tmp_path / "a.dbc")


def test_what_is_told_of_a_message() -> None:
    found = guessed(lambda at, _: bytearray([0x10, at % 16, 0, 0]))
    lines = list(guess_lines([found]))
    assert lines[0] == "can0 0x1A5, 400 frames, every 10 ms, 4 bytes, constant 0, 2-3"
    assert lines[1].split() == ["8|4", "little", "counter:", "0..15"]
    assert guess_json([found])[0]["fields"][0]["kind"] == "counter"
    assert "SG_ Counter : 8|4@1+" in dbc_text([found])
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
