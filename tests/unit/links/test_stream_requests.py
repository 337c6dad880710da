"""A client that asks for a stream instead of a bus."""

from __future__ import annotations

from gateway.can import Frame
from gateway.links.record_stream import RecordStream
from gateway.links.records import Carried, Failure, Hello, Opened, Record, Stream, Welcome
from gateway.links.session import Session, SessionState
from gateway.links.wire import encode, encode_frame

WELCOME = Welcome(1, 0, "demo", ())


def told(session: Session) -> list[Record]:
    stream = RecordStream()
    stream.feed(session.outgoing())
    found = []
    while (record := stream.next()) is not None:
        found.append(record)
    return found


def asking(name: str) -> Session:
    session = Session(WELCOME, streams=("capture", "feed"))
    session.receive(encode(Hello(1, "viewer")) + encode(Stream(name)))
    return session


def test_a_stream_that_is_offered_begins_after_opened():
    session = asking("capture")

    assert session.next() == Stream("capture")
    session.streaming("capture")

    assert told(session) == [WELCOME, Opened("capture")]
    assert session.state is SessionState.STREAMING


def test_a_stream_that_is_not_offered_is_refused_with_those_that_are():
    session = asking("captures")

    assert session.next() is None
    assert told(session) == [
        WELCOME,
        Failure("there is no stream 'captures' in demo; there are: capture, feed"),
    ]


def test_frames_do_not_belong_into_a_stream():
    session = asking("feed")
    assert session.next() == Stream("feed")
    session.receive(encode_frame(0, Frame(0x100, b"")))

    assert session.next() is None
    assert session.failure is not None
    assert Carried.__name__ in session.failure
