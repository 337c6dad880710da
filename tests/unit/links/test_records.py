"""The bytes of the protocol for CAN tools, against the description in docs/links.md."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_frames import damaged, frames, in_pieces

from gateway.can import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, Frame
from gateway.links.errors import RecordError
from gateway.links.record_stream import RecordStream
from gateway.links.records import (
    Bye,
    Carried,
    Channel,
    Condition,
    Failure,
    Format,
    Hello,
    Lost,
    Open,
    Opened,
    Record,
    State,
    Welcome,
)
from gateway.links.wire import encode

WELCOME = Welcome(
    1,
    1_700_000_000_000_000_000,
    "demo-ev",
    (Channel("powertrain", Format.CAN, 500_000, 0), Channel("chassis", Format.CAN_FD, 500_000, 2_000_000)),
)
EXAMPLES: tuple[tuple[Record, str], ...] = (
    (Hello(1, "python-can"), "0012 01 5647 4341 4e 01 0a 707974686f6e2d63616e"),
    (Open("body", echo=True), "0007 02 01 04 626f6479"),
    (Bye(), "0001 03"),
    (
        WELCOME,
        "003d 11 5647 4341 4e 01 17979cfe362a0000 07 64656d6f2d6576 02"
        "00 0007a120 00000000 0a 706f7765727472 61696e 01 0007a120 001e8480 07 63686173736973",
    ),
    (Opened("python-can-1"), "000e 12 0c 707974686f6e2d63616e2d31"),
    (Lost(7), "0005 13 00000007"),
    (Condition(State.BUS_OFF, 256, 3), "0006 14 02 0100 0003"),
    (Failure("no"), "0003 1f 6e6f"),
    (Carried(1_000_000, Frame(0x123, b"\x01\x02")), "0012 20 00000000000f4240 00 00 00000123 02 0102"),
    (Carried(0, Frame(EXTENDED | 0x123, b""), echo=True), "0010 20 0000000000000000 00 01 80000123 00"),
    (Carried(0, Frame(REMOTE | 0x7FF, b"")), "0010 20 0000000000000000 00 00 400007ff 00"),
    (Carried(0, Frame(FD | BRS | ESI | 1, b"\xaa" * 12)), "001c 20 0000000000000000 01 06 00000001 0c" + "aa" * 12),
    (Carried(5, Frame(ERROR | 0x40, bytes(8))), "0018 20 0000000000000005 00 00 20000040 08 0000000000000000"),
)


def decoded(data: bytes) -> list[Record]:
    stream = RecordStream()
    stream.feed(data)
    found = []
    while (record := stream.next()) is not None:
        found.append(record)
    assert not stream.partial
    return found


@pytest.mark.parametrize(("record", "written"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_each_record_has_the_bytes_that_are_described(record: Record, written: str) -> None:
    data = bytes.fromhex(written)
    assert encode(record) == data
    assert decoded(data) == [record]


@given(st.lists(st.builds(Carried, st.integers(0, (1 << 64) - 1), frames, st.booleans())), st.integers())
def test_frames_survive_the_way_in_whatever_pieces_they_come(sent: list[Carried], seed: int) -> None:
    stream = RecordStream()
    received: list[Record] = []
    for piece in in_pieces(b"".join(encode(record) for record in sent), random.Random(seed)):
        stream.feed(piece)
        while (record := stream.next()) is not None:
            received.append(record)
    assert received == sent
    assert not stream.partial


@given(st.sampled_from([written for _, written in EXAMPLES]), st.integers())
def test_damaged_records_are_records_or_refused_with_a_reason(written: str, seed: int) -> None:
    stream = RecordStream()
    stream.feed(damaged(bytes.fromhex(written) * 3, random.Random(seed)))
    with contextlib.suppress(RecordError):  # any other exception fails
        while (record := stream.next()) is not None:
            again = RecordStream()
            again.feed(encode(record))
            assert again.next() == record


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("0000", "a record of 0 bytes"),
        ("ffff", "a record of 65535 bytes"),
        ("0001 99", "no kind of record 0x99"),
        ("0004 13 000000", "in the middle of a field"),
        ("0006 13 00000000 00", "longer than its fields"),
        ("0008 01 4854545031 01 00", "not the protocol"),
        ("0004 02 01 01 ff", "not UTF-8"),
        ("0010 20 0000000000000000 03 00 00000123 00", "no frame format 3 here"),
        ("0010 20 0000000000000000 00 00 00000800 00", "more than 11 bits"),
        ("0010 20 0000000000000000 00 02 00000100 00", "flags of CAN FD"),
        ("0010 20 0000000000000000 00 10 00000100 00", "unknown flags 0x10"),
        ("0019 20 0000000000000000 00 00 00000100 09 000000000000000000", "a classic frame of 9 bytes"),
        ("0019 20 0000000000000000 01 00 00000100 09 000000000000000000", "only the lengths"),
        ("0011 20 0000000000000000 00 00 40000100 01 00", "a remote frame of 1 bytes"),
        ("0011 20 0000000000000000 00 00 00000100 02 00", "says that it has 2 bytes, and has 1"),
    ],
)
def test_what_is_no_record_is_refused(written: str, reason: str) -> None:
    stream = RecordStream()
    stream.feed(bytes.fromhex(written))
    with pytest.raises(RecordError, match=reason):
        stream.next()
