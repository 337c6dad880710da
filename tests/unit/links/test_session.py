"""The simulation's side of the conversation with a CAN tool."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_frames import damaged, frames, in_pieces

from gateway.can import ERROR, FD, Frame
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
from gateway.links.session import Session
from gateway.links.wire import encode, encode_frame

WELCOME = Welcome(
    1,
    0,
    "demo",
    (
        Channel("body", Format.CAN, 125_000, 0),
        Channel("chassis", Format.CAN_FD, 500_000, 2_000_000),
        Channel("doors", Format.LIN, 19_200, 0),
    ),
)
CALM = Condition(State.ERROR_ACTIVE, 0, 0)


def answers(session: Session) -> list[Record]:
    stream = RecordStream()
    stream.feed(session.outgoing())
    found = []
    while (record := stream.next()) is not None:
        found.append(record)
    return found


def on_bus(bus: str = "body", room: int = 100) -> Session:
    session = Session(WELCOME, room)
    session.receive(encode(Hello(1, "tool")) + encode(Open(bus, False)))
    assert session.next() == Open(bus, False)
    session.opened("tool-1", CALM)
    assert answers(session) == [WELCOME, Opened("tool-1"), CALM]
    return session


def test_a_client_is_welcomed_with_the_channels_and_gets_on_a_bus() -> None:
    session = on_bus()
    assert session.name == "tool"
    session.receive(encode(Carried(0, Frame(0x100, b"\1"))))
    assert session.next() == Carried(0, Frame(0x100, b"\1"))
    assert session.next() is None


def test_what_was_sent_before_bye_is_taken_and_then_it_is_over() -> None:
    session = on_bus()
    session.receive(encode(Carried(0, Frame(0x100, b""))) + encode(Bye()) + encode(Carried(0, Frame(0x101, b""))))
    assert session.next() == Carried(0, Frame(0x100, b""))
    assert not session.over
    assert session.next() == Bye()
    assert session.over
    assert session.next() is None
    assert session.failure is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "this is not the protocol"),
        (encode(Hello(9, "tool")), "speaks version 1 of the protocol, not 9"),
        (encode(Open("body", False)), "a record Open at the wrong moment"),
        (encode(Hello(1, "")) + encode(Carried(0, Frame(1, b""))), "a record Carried at the wrong moment"),
        (encode(Hello(1, "")) + encode(Hello(1, "")), "a record Hello at the wrong moment"),
        (encode(Hello(1, "")) + encode(Open("bdy", False)), "no bus 'bdy' in demo; there are: body, chassis, doors"),
        (encode(WELCOME), "a record Welcome at the wrong moment"),
    ],
)
def test_who_talks_nonsense_is_told_why_it_is_over(said: bytes, reason: str) -> None:
    session = Session(WELCOME)
    session.receive(said)
    assert session.next() is None
    assert session.over
    last = answers(session)[-1]
    assert isinstance(last, Failure)
    assert reason in last.reason


@pytest.mark.parametrize(
    ("frame", "reason"),
    [(Frame(FD | 1, b""), "a CAN FD frame on a classic bus"), (Frame(ERROR | 1, bytes(8)), "makes its error frames")],
)
def test_a_frame_that_the_bus_cannot_carry_ends_the_conversation(frame: Frame, reason: str) -> None:
    session = on_bus("body")
    session.receive(encode(Carried(0, frame)))
    assert session.next() is None
    assert reason in (session.failure or "")


def test_a_connection_that_ends_in_the_middle_of_a_record_is_a_fault() -> None:
    session = on_bus()
    session.receive(encode(Carried(0, Frame(1, b"12")))[:-1])
    assert session.next() is None
    session.closed()
    assert session.failure == "the connection ended in the middle of a record"


def test_a_client_that_does_not_read_loses_the_oldest_frames_and_is_told_how_many() -> None:
    session = on_bus(room=3)
    for number in range(5):
        session.frame(encode_frame(number, Frame(0x100 + number, b"")))
    session.condition(CALM._replace(tec=8))
    session.condition(CALM)
    assert answers(session) == [Lost(2), CALM, *(Carried(number, Frame(0x100 + number, b"")) for number in (2, 3, 4))]
    session.frame(encode_frame(5, Frame(0x105, b"")))
    assert answers(session) == [Carried(5, Frame(0x105, b""))]
    assert session.lost == 2


TALK = (
    encode(Hello(1, "tool"))
    + encode(Open("chassis", True))
    + encode(Carried(0, Frame(0x123, b"12345678")))
    + encode(Carried(0, Frame(FD | 0x124, bytes(64))))
    + encode(Bye())
)


@given(st.integers())
def test_a_damaged_conversation_ends_with_a_reason_or_is_understood(seed: int) -> None:
    chance = random.Random(seed)
    session = Session(WELCOME)
    for piece in in_pieces(damaged(TALK, chance), chance):
        session.receive(piece)
        while (request := session.next()) is not None:
            if isinstance(request, Open):
                session.opened("tool-1", CALM)
    session.closed()
    answers(session)
    assert session.over or session.failure is None


@given(st.lists(frames, max_size=20), st.integers())
def test_all_frames_of_a_client_are_taken_in_order(sent: list[Frame], seed: int) -> None:
    session = on_bus("chassis")
    taken = []
    for piece in in_pieces(b"".join(encode(Carried(0, frame)) for frame in sent), random.Random(seed)):
        session.receive(piece)
        while (request := session.next()) is not None:
            assert isinstance(request, Carried)
            taken.append(request.frame)
    assert taken == sent
