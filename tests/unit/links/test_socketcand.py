"""socketcand's protocol, after github.com/linux-can/socketcand, doc/protocol.md and src/state_raw.c, state_bcm.c."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_frames import damaged, in_pieces

from gateway.can import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, Frame
from gateway.links.errors import RecordError
from gateway.links.socketcand import OpenBus, Request, SocketcandSession
from gateway.links.socketcand_elements import Elements

EPOCH_NS = 1_417_687_245_000_000_000
MS = 1_000_000
S = 1_000 * MS


def said(session: SocketcandSession, text: str, now: int = 0) -> list[Request]:
    """What is to be done when the client says this."""
    session.now = now
    session.receive(text.encode())
    requests = []
    while (request := session.next()) is not None:
        requests.append(request)
    return requests


def on_bus(bus: str = "body", room: int = 100) -> SocketcandSession:
    session = SocketcandSession({"body": False, "chassis": True}, EPOCH_NS, room)
    assert session.outgoing() == b"< hi >"
    assert said(session, f"< open {bus} >") == [OpenBus(bus)]
    assert session.outgoing() == b"< ok >"
    return session


def raw(bus: str = "body", room: int = 100) -> SocketcandSession:
    session = on_bus(bus, room)
    assert said(session, "< rawmode >") == []
    assert session.outgoing() == b"< ok >"
    session.wake(S)
    return session


def test_a_client_that_asks_for_an_unknown_bus_is_told_and_left() -> None:
    session = SocketcandSession({"body": False, "chassis": True}, EPOCH_NS)
    assert said(session, "< open can0 >") == []
    assert session.outgoing() == b"< hi >< error could not open bus can0; there are: body, chassis >"
    assert session.over


@pytest.mark.parametrize(
    ("command", "frame"),
    [
        ("< send 123 0 >", Frame(0x123, b"")),
        ("< send 1AAAAAAA 2 1 F1 >", Frame(EXTENDED | 0x1AAAAAAA, b"\x01\xf1")),
        ("< send 00000001 1 a >", Frame(EXTENDED | 1, b"\x0a")),
        ("< sendrtr 123 0 >", Frame(REMOTE | 0x123, b"")),
        ("< sendrtr 1AAAAAAA 2 >", Frame(REMOTE | EXTENDED | 0x1AAAAAAA, b"")),
        ("< fdsend 123 1 2 AA BB >", Frame(FD | BRS | 0x123, b"\xaa\xbb")),
        ("< fdsend 123 2 9 1 2 3 4 5 6 7 8 9 >", Frame(FD | ESI | 0x123, bytes(range(1, 10)) + bytes(3))),
    ],
)
def test_commands_that_send(command: str, frame: Frame) -> None:
    session = raw("chassis")
    assert said(session, command) == [frame]
    assert session.outgoing() == b""


@pytest.mark.parametrize(
    ("frame", "element"),
    [
        (Frame(0x123, b"\x11\x22\x33\x44"), b"< frame 123 1417687268.424242 11223344 >"),
        (Frame(0x123, b""), b"< frame 123 1417687268.424242  >"),
        (Frame(EXTENDED | 0x123, b"\x01"), b"< frame 00000123 1417687268.424242 01 >"),
        (Frame(FD | BRS | ESI | 0x7, bytes(12)), b"< fdframe 007 03 1417687268.424242 " + b"00" * 12 + b" >"),
        (Frame(REMOTE | 0x123, b""), b"< rtr 123 1417687268.424242 0 >"),
        (Frame(ERROR | 0x40, bytes(8)), b"< error 040 1417687268.424242 >"),
    ],
)
def test_frames_in_raw_mode(frame: Frame, element: bytes) -> None:
    session = raw("chassis")
    session.heard(frame, 23_424_242_999)
    assert session.outgoing() == element


def test_no_frame_stands_directly_behind_the_answer_to_rawmode() -> None:
    session = on_bus()
    said(session, "< rawmode >", now=10 * MS)
    session.heard(Frame(0x100, b""), 11 * MS)
    assert session.outgoing() == b"< ok >"
    assert session.deadline == 60 * MS
    session.wake(60 * MS)
    assert session.outgoing().startswith(b"< frame 100 ")
    assert session.deadline is None


def test_a_client_that_does_not_read_is_told_of_the_overflow() -> None:
    session = raw(room=2)
    for number in range(4):
        session.heard(Frame(0x100 + number, b""), S)
    assert session.lost == 2
    assert [element.split()[:2] for element in session.outgoing().decode().split("<")[1:]] == [
        ["error", "004"],
        ["frame", "102"],
        ["frame", "103"],
    ]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("< send 800 0 >", "800 is not a number that may stand here"),
        ("< send 20000000 0 >", "20000000 is not a number"),
        ("< send 123 9 1 2 3 4 5 6 7 8 9 >", "9 is not a number that may stand here"),
        ("< send 123 2 1 >", "says that it has 2 bytes, and has 1"),
        ("< send 123 1 100 >", "100 is not a number"),
        ("< send 123 1 -1 >", "-1 is not a number"),
        ("< send >", "needs an identifier and a length"),
        ("< send 123 ٣ >", "is not a number"),
        ("< fdsend 123 1 2 AA BB >", "bus body is classic CAN"),
        ("< isotpmode >", "unknown command isotpmode in rawmode"),
        ("< statistics 100 >", "unknown command statistics in rawmode"),
    ],
)
def test_wrong_commands_are_answered_and_the_connection_stays(command: str, answer: str) -> None:
    session = raw()
    assert said(session, command) == []
    text = session.outgoing().decode()
    assert text.startswith("< error ")
    assert answer in text
    assert said(session, "< echo >") == []
    assert session.outgoing() == b"< echo >"


def test_before_open_nothing_else_is_understood() -> None:
    session = SocketcandSession({"body": False}, 0)
    assert said(session, "< send 123 0 >") == []
    assert b"< error unknown command" in session.outgoing()


def test_a_job_sends_at_once_and_then_at_its_interval() -> None:
    session = on_bus()
    assert said(session, "< add 0 20000 123 4 42 42 42 42 >", now=5 * MS) == [Frame(0x123, b"BBBB")]
    assert session.deadline == 25 * MS
    session.wake(25 * MS)
    assert session.next() == Frame(0x123, b"BBBB")
    assert said(session, "< update 123 3 11 22 33 >", now=30 * MS) == []
    assert session.deadline == 45 * MS
    session.wake(46 * MS)
    assert session.next() == Frame(0x123, b"\x11\x22\x33")
    assert session.deadline == 65 * MS
    assert said(session, "< delete 123 >") == []
    assert session.deadline is None
    assert session.outgoing() == b""


def test_a_job_whose_times_were_missed_sends_once() -> None:
    session = on_bus()
    said(session, "< add 0 1000 123 0 >")
    session.wake(100 * MS + 1)
    assert session.next() == Frame(0x123, b"")
    assert session.next() is None
    assert session.deadline == 101 * MS


def test_a_job_without_interval_sends_once() -> None:
    session = on_bus()
    assert said(session, "< add 0 0 123 0 >") == [Frame(0x123, b"")]
    assert session.deadline is None


@pytest.mark.parametrize("command", ["< delete 123 >", "< update 123 0 >", "< unsubscribe 123 >"])
def test_what_is_not_there_cannot_be_changed(command: str) -> None:
    session = on_bus()
    said(session, command)
    assert b"< error there is no s" in session.outgoing()


def test_in_bcm_mode_only_what_is_subscribed_is_passed() -> None:
    session = on_bus()
    said(session, "< subscribe 0 0 123 >< subscribe 0 0 00000123 >")
    for header in (0x123, 0x124, EXTENDED | 0x123, REMOTE | 0x123, ERROR | 0x123):
        session.heard(Frame(header, b""), 0)
    assert session.outgoing() == b"< frame 123 1417687245.000000 >< frame 00000123 1417687245.000000 >"
    said(session, "< unsubscribe 123 >")
    session.heard(Frame(0x123, b""), 0)
    assert session.outgoing() == b""


def test_bytes_are_words_of_their_own_in_bcm_mode() -> None:
    session = on_bus()
    said(session, "< subscribe 0 0 123 >")
    session.heard(Frame(0x123, b"\x11\x22"), 23_424_242_000)
    assert session.outgoing() == b"< frame 123 1417687268.424242 11 22 >"


def test_a_filter_passes_the_first_frame_and_those_whose_masked_content_is_new() -> None:
    session = on_bus()
    said(session, "< filter 0 0 123 2 FF 0F >")
    passed = []
    for data in (b"\x01\x00", b"\x01\xf0", b"\x01\xf1", b"\x01\xf1\xff", b"\x02\xf1"):
        session.heard(Frame(0x123, data), 0)
        passed.append(len(session.outgoing()) > 0)
    assert passed == [True, False, True, False, True]


def test_a_throttled_subscription_passes_the_last_frame_at_the_end_of_its_interval() -> None:
    session = on_bus()
    said(session, "< subscribe 0 100000 123 >")
    session.heard(Frame(0x123, b"\1"), 0)
    assert b" 01 >" in session.outgoing()
    session.heard(Frame(0x123, b"\2"), 10 * MS)
    session.heard(Frame(0x123, b"\3"), 20 * MS)
    assert session.outgoing() == b""
    assert session.deadline == 100 * MS
    session.wake(100 * MS)
    assert session.outgoing() == b"< frame 123 1417687245.100000 03 >"
    assert session.deadline is None
    session.heard(Frame(0x123, b"\4"), 150 * MS)
    assert session.deadline == 200 * MS


def test_a_change_of_mode_ends_jobs_and_subscriptions() -> None:
    session = on_bus()
    said(session, "< add 0 1000 123 0 >< subscribe 0 0 123 >< rawmode >< bcmmode >")
    assert session.outgoing() == b"< ok >< ok >"
    session.heard(Frame(0x123, b""), 0)
    assert session.outgoing() == b""
    assert session.deadline is None


TALK = (
    "< open chassis >< add 1 0 123 8 11 22 33 44 55 66 77 88 >< subscribe 0 0 123 >< filter 0 0 123 1 FF >"
    "< rawmode >< send 1AAAAAAA 2 1 F1 >< fdsend 123 1 2 AA BB >< sendrtr 123 0 >< echo >< bcmmode >< delete 123 >"
)


@given(st.integers())
def test_a_damaged_conversation_is_understood_or_answered(seed: int) -> None:
    chance = random.Random(seed)
    session = SocketcandSession({"chassis": True}, 0)
    for now, piece in enumerate(in_pieces(damaged(TALK.encode(), chance), chance)):
        session.receive(piece)
        session.now = now * MS
        while session.next() is not None:
            pass
        session.heard(Frame(0x123, b"\1\2"), now * MS)
        session.wake(now * MS)
        assert session.outgoing().isascii()
    session.closed()


@given(st.lists(st.text(st.sampled_from("abc019<> ")), max_size=5), st.integers())
def test_elements_are_the_same_in_whatever_pieces(texts: list[str], seed: int) -> None:
    data = "".join(f"< {text} >" for text in texts).encode()
    whole, pieces = Elements(), Elements()
    whole.feed(data)
    expected, found = [], []
    while (words := whole.next()) is not None:
        expected.append(words)
    for piece in in_pieces(data, random.Random(seed)):
        pieces.feed(piece)
        while (words := pieces.next()) is not None:
            found.append(words)
    assert found == expected


def test_an_element_without_end_ends_the_connection() -> None:
    session = raw()
    with contextlib.suppress(RecordError):
        said(session, "<" + "A" * 2000)
    assert session.over
    assert "more than 1024 characters" in (session.failure or "")
