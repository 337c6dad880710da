"""Whole logs by NumPy give what the messages decode one by one."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from gateway.database import Database, DatabaseError, Message
from gateway.database.arrays import decode_array


def assert_as_one_by_one(message: Message, count: int, width: int, stream: random.Random) -> None:
    """Random payloads of `width` bytes and random lengths, every signal of each compared."""
    rows = [stream.randbytes(width) for _ in range(count)]
    payloads = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(count, width)
    lengths = np.array([stream.choice((width, stream.randrange(width + 1))) for _ in rows])
    arrays = decode_array(message, payloads, lengths)
    assert list(arrays) == [signal.name for signal in message.signals]
    for number, row in enumerate(rows):
        values = message.decode(row[: lengths[number]])
        for name, array in arrays.items():
            expected = float(values.get(name, math.nan))
            assert array[number] == expected or (math.isnan(expected) and math.isnan(array[number]))


def test_own_databases(car: Database, multiplexed: Database, faulty: Database) -> None:
    stream = random.Random(3)
    for database in (car, multiplexed, faulty):
        for message in database.messages:
            for width in (message.length, message.length + 3, max(message.length - 1, 0)):
                assert_as_one_by_one(message, 60, width, stream)


@pytest.mark.parametrize("name", ["FORD_CADS_64.dbc", "tesla_can.dbc", "cadillac_ct6_object.dbc"])
def test_real_cars(real_databases: dict[str, Database], name: str) -> None:
    stream = random.Random(4)
    for message in real_databases[name].messages[:40]:
        assert_as_one_by_one(message, 12, message.length, stream)


def test_more_rows_than_are_taken_at_a_time(car: Database) -> None:
    payloads = np.zeros((70_000, 2), dtype=np.uint8)
    payloads[:, 1] = np.arange(70_000) % 251
    level = decode_array(car.message("Gear"), payloads)["Level"]
    assert level.dtype == np.float64
    assert np.array_equal(level, np.arange(70_000) % 251 * 0.5)


def test_no_payload_gives_no_values(car: Database) -> None:
    arrays = decode_array(car.message("Gear"), np.zeros((0, 2), dtype=np.uint8))
    assert {name: len(array) for name, array in arrays.items()} == {"Position": 0, "Request": 0, "Level": 0}


def test_another_shape_is_refused_with_a_sentence(car: Database) -> None:
    gear = car.message("Gear")
    with pytest.raises(DatabaseError, match=r"payloads must be uint8 of shape \(n, L\), not int64 of shape \(3, 2\)"):
        decode_array(gear, np.zeros((3, 2), dtype=np.int64))  # type: ignore[arg-type]
    with pytest.raises(DatabaseError, match=r"there are 3 payloads, but lengths of shape \(2,\)"):
        decode_array(gear, np.zeros((3, 2), dtype=np.uint8), np.array([1, 2]))
