"""SOME/IP-TP: segments, whatever their order; overlaps, duplicates and contradictions are counted."""

from __future__ import annotations

import random
import struct

from hypothesis import given
from hypothesis import strategies as st

from gateway.someip import TP_FLAG, Message, MessageType, Reassembler, TpFault, segments
from gateway.someip.tp import BUFFERS, TIMEOUT_NS

LONG = Message(0x1234, 0x8001, bytes(range(256)) * 20, MessageType.NOTIFICATION, session=9)


def segment(offset: int, data: bytes, *, more: bool = True, session: int = 1) -> Message:
    return Message(
        0x1234,
        0x8001,
        struct.pack(">I", offset | more) + data,
        MessageType.NOTIFICATION | TP_FLAG,
        session=session,
    )


def test_a_long_message_goes_in_segments_of_1392_bytes() -> None:
    parts = segments(LONG)
    assert [len(part.payload) - 4 for part in parts] == [1392, 1392, 1392, 944]
    assert [struct.unpack_from(">I", part.payload)[0] for part in parts] == [1, 1393, 2785, 4176]
    assert {part.type for part in parts} == {MessageType.NOTIFICATION | TP_FLAG}
    assert {part.session for part in parts} == {9}


def test_a_short_message_stays_as_it_is() -> None:
    message = LONG._replace(payload=bytes(1392))
    assert segments(message) == [message]


@given(st.binary(min_size=65, max_size=2000), st.integers(0, 1 << 32))
def test_segments_in_any_order_give_the_message(payload: bytes, seed: int) -> None:
    message = LONG._replace(payload=payload)
    parts = segments(message, 64)
    random.Random(seed).shuffle(parts)
    reassembler = Reassembler()
    results = [reassembler.feed(part, "peer", 0) for part in parts]
    assert results[-1] == message
    assert results[:-1] == [None] * (len(parts) - 1)
    assert not reassembler.faults


def test_a_duplicate_is_counted_and_does_no_harm() -> None:
    parts = segments(LONG)
    reassembler = Reassembler()
    for part in (parts[0], parts[0], parts[1], parts[2]):
        assert reassembler.feed(part, "peer", 0) is None
    assert reassembler.feed(parts[3], "peer", 0) == LONG
    assert reassembler.faults == {TpFault.DUPLICATE: 1}


def test_an_overlap_of_the_same_bytes_is_counted_and_does_no_harm() -> None:
    data = bytes(range(96))
    reassembler = Reassembler()
    assert reassembler.feed(segment(0, data[:64]), "peer", 0) is None
    whole = reassembler.feed(segment(32, data[32:], more=False), "peer", 0)
    assert whole is not None
    assert whole.payload == data
    assert reassembler.faults == {TpFault.OVERLAP: 1}


def test_overlapping_segments_that_contradict_each_other_give_up_the_message() -> None:
    """The segments of vsomeip #1052, which wrote past a buffer there: offset 0 length 64, then offset 16 length 16."""
    reassembler = Reassembler()
    assert reassembler.feed(segment(0, bytes(64)), "peer", 0) is None
    assert reassembler.feed(segment(16, b"\x01" * 16, more=False), "peer", 0) is None
    assert reassembler.faults == {TpFault.PAST_END: 1}
    assert reassembler.feed(segment(0, bytes(64)), "peer", 0) is None
    assert reassembler.feed(segment(16, b"\x01" * 16), "peer", 0) is None
    assert reassembler.faults[TpFault.CONTRADICTION] == 1


def test_a_segment_past_the_end_gives_up_the_message() -> None:
    reassembler = Reassembler()
    reassembler.feed(segment(64, bytes(16), more=False), "peer", 0)
    reassembler.feed(segment(80, bytes(16)), "peer", 0)
    assert reassembler.faults == {TpFault.PAST_END: 1}


def test_segments_that_cannot_be_are_counted() -> None:
    reassembler = Reassembler()
    short = segment(0, b"")._replace(payload=b"\0\0")
    for wrong in (short, segment(0, b""), segment(0, bytes(17)), segment(1 << 27, bytes(16))):
        assert reassembler.feed(wrong, "peer", 0) is None
    assert reassembler.faults == {TpFault.SHORT: 2, TpFault.UNALIGNED: 1, TpFault.TOO_LONG: 1}


def test_another_session_begins_a_new_message() -> None:
    parts, later = segments(LONG), segments(LONG._replace(session=10))
    reassembler = Reassembler()
    reassembler.feed(parts[0], "peer", 0)
    results = [reassembler.feed(part, "peer", 0) for part in later]
    assert results[-1] == LONG._replace(session=10)
    assert reassembler.faults == {TpFault.ABANDONED: 1}


def test_a_message_whose_segments_stay_away_is_given_up() -> None:
    parts = segments(LONG)
    reassembler = Reassembler()
    reassembler.feed(parts[0], "peer", 0)
    for part in parts[1:]:
        assert reassembler.feed(part, "peer", TIMEOUT_NS + 1) is None
    assert reassembler.faults == {TpFault.ABANDONED: 1}


def test_many_half_messages_take_bounded_memory() -> None:
    reassembler = Reassembler()
    for number in range(10 * BUFFERS):
        reassembler.feed(segment(0, bytes(16)), number, number)
    assert reassembler.faults == {TpFault.ABANDONED: 9 * BUFFERS}
