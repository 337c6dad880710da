"""Every message that cantools can read of the 58 databases in opendbc decodes and encodes exactly as it does there."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import cantools
import pytest

from gateway.database import Database, EncodeError, Message, Signal, load

PAYLOADS = 2
"""For each of some 3,000 messages."""
OTHERWISE = {"Motor_2": "cantools takes the mark `m` of its multiplexer, a slip for `M`, as that of a plain signal"}


Pairs = list[tuple[Message, Any]]


def pairs_of(path: Path, ours: Database) -> Pairs:
    """Our messages and cantools' of one file; none when cantools does not read it."""
    try:
        theirs = cantools.database.load_file(path, strict=False, encoding="utf-8")
    except cantools.database.UnsupportedDatabaseFormatError:
        return []
    assert len(ours.messages) == len(theirs.messages)
    for mine, their in zip(ours.messages, theirs.messages, strict=True):
        assert (mine.name, mine.arbitration_id, mine.extended) == (their.name, their.frame_id, their.is_extended_frame)
    together = zip(ours.messages, theirs.messages, strict=True)
    return [(mine, their) for mine, their in together if mine.name not in OTHERWISE]


@pytest.fixture(scope="module")
def pairs(real_cars: list[Path], real_databases: dict[str, Database]) -> Pairs:
    """Those of all real cars' databases."""
    found = [pair for path in real_cars for pair in pairs_of(path, real_databases[path.name])]
    assert len(found) > 3_000
    return found


def test_all_58_databases_of_real_cars_load(real_cars: list[Path], real_databases: dict[str, Database]) -> None:
    assert len(real_cars) == 58
    for path in real_cars:
        database = real_databases[path.name]
        assert database.messages
        for diagnostic in database.diagnostics:
            assert diagnostic.line is not None


def same(mine: dict[str, Any], their: dict[str, Any]) -> bool:
    """The same signals with values of the same type, equal to the last bit (NaN to NaN)."""
    if mine.keys() != their.keys():
        return False
    for name, other in their.items():
        value = mine[name]
        other = _plain(other)
        if type(value) is not type(other) or (value != other and repr(value) != repr(other)):
            return False
    return True


def test_what_a_message_is(pairs: Pairs) -> None:
    for mine, their in pairs:
        assert mine.length == their.length
        assert mine.senders == tuple(sender for sender in their.senders if sender != "Vector__XXX")
        assert mine.comment == (their.comment or "")
        assert mine.cycle_ns == (None if not their.cycle_time else their.cycle_time * 1_000_000)
        for signal in mine.signals:
            assert_as_described(signal, their.get_signal_by_name(signal.name))
    assert sum(len(mine.signals) for mine, _ in pairs) > 24_000


def assert_as_described(mine: Signal, their: Any) -> None:
    assert (mine.start, mine.length, mine.signed, mine.is_float) == (
        their.start,
        their.length,
        their.is_signed,
        their.is_float,
    )
    assert mine.big_endian == (their.byte_order == "big_endian")
    assert (mine.scale, mine.offset, mine.minimum, mine.maximum) == (
        their.scale,
        their.offset,
        their.minimum,
        their.maximum,
    )
    assert (mine.unit, mine.comment) == (their.unit or "", their.comment or "")
    assert dict(mine.choices or {}) == {int(raw): str(name) for raw, name in (their.choices or {}).items()}
    assert list(mine.multiplexer_ids) == sorted(their.multiplexer_ids or [])
    assert mine.multiplexer_signal == their.multiplexer_signal


def test_decoding(pairs: Pairs) -> None:
    stream = random.Random(1)
    compared = 0
    for mine, their in pairs:
        for number in range(PAYLOADS):
            payload = stream.randbytes(mine.length if number < PAYLOADS - 1 else stream.randrange(mine.length + 3))
            try:
                labels = their.decode(payload, allow_truncated=True)
            except cantools.database.DecodeError:
                continue  # signals past the end or on top of each other, or a multiplexer value without signals
            physical = their.decode(payload, decode_choices=False, allow_truncated=True)
            raw = their.decode(payload, decode_choices=False, scaling=False, allow_truncated=True)
            assert same(mine.decode(payload), physical)
            assert same(mine.decode_raw(payload), raw)
            assert same(mine.labels(payload), labels)
            compared += 1
    assert compared > 5_500


def test_encoding(pairs: Pairs) -> None:
    stream = random.Random(2)
    encoded = 0
    for mine, their in pairs:
        payload = stream.randbytes(mine.length)
        try:
            raw = their.decode(payload, decode_choices=False, scaling=False)
        except cantools.database.DecodeError:
            continue  # as above
        assert mine.encode_raw(raw) == their.encode(raw, scaling=False, strict=False)
        labels = {name: _plain(value) for name, value in their.decode(payload).items()}
        try:
            expected = their.encode(labels)
        except cantools.database.EncodeError:
            with pytest.raises(EncodeError):
                mine.encode(labels)
        else:
            assert mine.encode(labels) == expected
            encoded += 1
    assert encoded > 1_000


def _plain(value: Any) -> int | float | str:
    return value if type(value) in (int, float) else str(value)


@pytest.mark.parametrize("name", ["car.dbc", "multiplexed.dbc"])
def test_own_databases(databases: Path, name: str) -> None:
    stream = random.Random(3)
    for mine, their in pairs_of(databases / name, load(databases / name)):
        for _ in range(300):
            payload = stream.randbytes(mine.length)
            try:
                expected = their.decode(payload, decode_choices=False)
            except cantools.database.DecodeError:
                continue  # a multiplexer value without signals
            assert same(mine.decode(payload), expected)
