"""LIN frames on the socket: their records, and what a session takes on a LIN channel."""

import pytest

from gateway.can import Frame
from gateway.links.errors import RecordError
from gateway.links.records import VERSION, Carried, Channel, Condition, Format, Hello, Open, State, Welcome
from gateway.links.session import Session
from gateway.links.wire import HEAD, decode, encode, encode_frame, encode_lin_frame


def session() -> Session:
    session = Session(Welcome(VERSION, 0, "car", (Channel("doors", Format.LIN, 19_200, 0),)), 100)
    session.receive(encode(Hello(1, "tool")) + encode(Open("doors", False)))
    assert session.next() == Open("doors", False)
    session.opened("tool-1", Condition(State.ERROR_ACTIVE, 0, 0))
    return session


def test_a_record_has_the_format_of_lin_and_comes_back_as_it_was():
    data = encode_lin_frame(5, Frame(0x21, b"\1\2"), echo=True)

    assert data[HEAD + 1 + 8] == Format.LIN
    assert decode(data[HEAD:]) == Carried(5, Frame(0x21, b"\1\2"), True)


@pytest.mark.parametrize("frame", [Frame(0x21, b""), Frame(0x21, bytes(9))])
def test_a_length_that_lin_does_not_have_is_refused(frame):
    with pytest.raises(RecordError, match="a LIN frame has"):
        decode(encode_lin_frame(0, frame)[HEAD:])


@pytest.mark.parametrize("encoded", [encode_lin_frame, encode_frame])
def test_a_session_on_a_lin_channel_takes_frames_that_lin_has(encoded):
    opened = session()

    opened.receive(encoded(0, Frame(0x21, b"\1\2")))

    assert opened.next() == Carried(0, Frame(0x21, b"\1\2"), False)


def test_a_frame_with_a_can_identifier_ends_it():
    ended = session()

    ended.receive(encode_frame(0, Frame(0x121, b"\1\2")))

    assert ended.next() is None
    assert ended.failure is not None
    assert "identifier up to 3F" in ended.failure
