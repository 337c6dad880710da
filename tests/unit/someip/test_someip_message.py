"""SOME/IP messages, datagrams and TCP streams as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.someip import Message, MessageError, MessageStream, MessageType, messages, parse
from gateway.someip.stream import CLIENT_COOKIE

MESSAGES = st.builds(
    Message,
    service=st.integers(0, 0xFFFE),
    method=st.integers(0, 0xFFFF),
    payload=st.binary(max_size=64),
    type=st.integers(0, 0xFF),
    client=st.integers(0, 0xFFFF),
    session=st.integers(0, 0xFFFF),
    interface_version=st.integers(0, 0xFF),
    return_code=st.integers(0, 0xFF),
    protocol_version=st.integers(0, 0xFF),
)


def test_a_message_is_laid_out_as_the_specification_has_it() -> None:
    message = Message(0x1234, 0x8001, b"\x01\x02", MessageType.NOTIFICATION, 0x0A0B, 0x0C0D, 7)
    assert message.build() == bytes.fromhex("12348001 0000000a 0a0b0c0d 01070200 0102")


@given(MESSAGES)
def test_a_message_is_what_was_built(message: Message) -> None:
    assert parse(message.build()) == message


@given(st.lists(MESSAGES, max_size=5))
def test_a_datagram_may_hold_several_messages(several: list[Message]) -> None:
    assert list(messages(b"".join(message.build() for message in several))) == several


@pytest.mark.parametrize(
    ("hexadecimal", "wrong"),
    [
        ("123480010000000a0a0b0c0d010702", "15 bytes are too short"),
        ("12348001000000070a0b0c0d01070200", "claims a length of 7; the least is 8"),
        ("12348001000000090a0b0c0d01070200", "claims a length of 9, and 8 bytes follow"),
        ("12348001ffffffff0a0b0c0d01070200", "claims a length of 4294967295, and 8 bytes follow"),
    ],
)
def test_what_is_no_message_is_told(hexadecimal: str, wrong: str) -> None:
    data = bytes.fromhex(hexadecimal)
    with pytest.raises(MessageError, match=wrong):
        parse(data)
    with pytest.raises(MessageError, match=wrong):
        list(messages(data))


def test_whole_messages_come_before_what_is_cut_short() -> None:
    message = Message(0x1234, 0x0001)
    taken = messages(message.build() + b"\x12")
    assert next(taken) == message
    with pytest.raises(MessageError):
        next(taken)


@given(st.lists(MESSAGES, min_size=1, max_size=5), st.integers(1, 50))
def test_a_stream_gives_its_messages_however_it_is_cut(several: list[Message], size: int) -> None:
    data = b"".join(message.build() for message in several)
    stream = MessageStream()
    found = [each for start in range(0, len(data), size) for each in stream.feed(data[start : start + size])]
    assert found == several
    assert (stream.lost, stream.in_step) == (0, True)


def test_a_stream_out_of_step_is_found_again_at_a_magic_cookie() -> None:
    message = Message(0x1234, 0x0001, b"abc")
    stream = MessageStream()
    assert stream.feed(message.build()) == [message]
    assert stream.feed(b"\xff" * 40) == []
    assert not stream.in_step
    assert stream.feed(CLIENT_COOKIE + message.build()) == [message]
    assert stream.lost == 40


def test_magic_cookies_are_passed_over() -> None:
    message = Message(0x1234, 0x0001, b"abc")
    assert MessageStream().feed(CLIENT_COOKIE + message.build() + CLIENT_COOKIE) == [message]
