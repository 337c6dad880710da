"""Calls: what a server answers to requests that can and cannot be served, and how a client gets its answers."""

from __future__ import annotations

import pytest

from gateway.someip import (
    Answer,
    CallError,
    Calls,
    Instance,
    Message,
    MessageType,
    PayloadError,
    ReturnCode,
    Served,
    Server,
)

REQUEST = Message(0x1234, 0x0001, b"\x05", MessageType.REQUEST, 0x10, 0x20, 1)


def double(payload: bytes) -> bytes:
    if len(payload) != 1:
        raise PayloadError("one byte, please")
    if payload == b"\xff":
        raise CallError("not that one", 0x21)
    return bytes([2 * payload[0]])


@pytest.fixture
def server() -> Server:
    server = Server()
    server.add(Served(Instance(0x1234, 1), 1, {0x0001: double}))
    return server


def test_a_request_is_answered(server: Server) -> None:
    assert server.receive(REQUEST) == REQUEST._replace(type=MessageType.RESPONSE, payload=b"\x0a")
    assert server.counts == {ReturnCode.OK: 1}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"protocol_version": 2}, ReturnCode.WRONG_PROTOCOL_VERSION),
        ({"service": 0x4321}, ReturnCode.UNKNOWN_SERVICE),
        ({"interface_version": 2}, ReturnCode.WRONG_INTERFACE_VERSION),
        ({"method": 0x0002}, ReturnCode.UNKNOWN_METHOD),
        ({"type": 0x44}, ReturnCode.WRONG_MESSAGE_TYPE),
        ({"payload": b""}, ReturnCode.MALFORMED_MESSAGE),
        ({"payload": b"\xff"}, 0x21),
    ],
)
def test_a_request_that_cannot_be_served_gets_its_return_code(
    server: Server, changed: dict[str, object], code: int
) -> None:
    answer = server.receive(REQUEST._replace(**changed))  # type: ignore[arg-type]
    assert answer is not None
    assert (answer.type, answer.return_code, answer.payload) == (MessageType.ERROR, code, b"")
    assert (answer.client, answer.session) == (0x10, 0x20)
    assert sum(server.counts.values()) == 1


def test_who_wants_no_answer_gets_none(server: Server) -> None:
    assert server.receive(REQUEST._replace(type=MessageType.REQUEST_NO_RETURN)) is None
    assert server.receive(REQUEST._replace(type=MessageType.REQUEST_NO_RETURN, method=9)) is None
    assert server.counts == {ReturnCode.OK: 1, ReturnCode.UNKNOWN_METHOD: 1}


@pytest.mark.parametrize("kind", [MessageType.NOTIFICATION, MessageType.RESPONSE, MessageType.ERROR])
def test_answers_and_events_are_never_answered(server: Server, kind: MessageType) -> None:
    assert server.receive(REQUEST._replace(type=kind)) is None


def test_a_client_gets_the_answer_to_its_own_call() -> None:
    calls, got = Calls(0x10), []
    first = calls.request(0x1234, 1, b"", 1, 100, lambda answer: got.append(("first", answer)))
    second = calls.request(0x1234, 1, b"", 1, 100, lambda answer: got.append(("second", answer)))
    assert first is not None and second is not None
    assert (first.session, second.session) == (1, 2)
    assert calls.receive(second._replace(type=MessageType.RESPONSE, payload=b"x"))
    assert got == [("second", Answer(ReturnCode.OK, b"x"))]
    assert not calls.receive(second._replace(type=MessageType.RESPONSE))
    assert calls.receive(first._replace(type=MessageType.ERROR))
    assert got[1] == ("first", Answer(ReturnCode.NOT_OK))


def test_a_call_without_an_answer_is_given_up() -> None:
    calls, got = Calls(0x10), []
    calls.request(0x1234, 1, b"", 1, 100, got.append)
    assert calls.deadline == 100
    calls.wake(99)
    assert got == []
    calls.wake(100)
    assert got == [Answer(ReturnCode.TIMEOUT)]
    assert calls.deadline is None
