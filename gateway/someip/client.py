"""The client's side of calls: each request gets a session, and its answer, or none in time, is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.sim import FOREVER
from gateway.someip.message import Message, MessageType, ReturnCode
from gateway.someip.sessions import SessionCounter

PENDING: Final = 1024
"""Calls that may wait for their answers at a time."""


class Answer(NamedTuple):
    """How a call went; `payload` of a response or of an error."""

    return_code: int
    payload: bytes = b""


class _Pending(NamedTuple):
    due: int
    done: Callable[[Answer], object]


_Key = tuple[int, int, int, int]


class Calls:
    """The calls of one client. After `receive` and `wake`, whoever asked has been told; call `wake` at `deadline`."""

    def __init__(self, client: int) -> None:
        self.client: Final = client
        self._sessions = SessionCounter()
        self._pending: dict[_Key, _Pending] = {}

    @property
    def deadline(self) -> int | None:
        due = min((pending.due for pending in self._pending.values()), default=FOREVER)
        return None if due == FOREVER else due

    def request(
        self, service: int, method: int, payload: bytes, major: int, due: int, done: Callable[[Answer], object]
    ) -> Message | None:
        """The message to send; `done` is called with the answer, or at `due` with TIMEOUT. None: too many wait."""
        if len(self._pending) >= PENDING:
            return None
        session = self._sessions.next((service, method)).number
        self._pending[service, method, self.client, session] = _Pending(due, done)
        return Message(service, method, payload, MessageType.REQUEST, self.client, session, major)

    def receive(self, message: Message) -> bool:
        """Take a response or an error; False when nobody waits for it."""
        key = (message.service, message.method, message.client, message.session)
        pending = self._pending.pop(key, None)
        if pending is None:
            return False
        code = message.return_code
        if message.type == MessageType.ERROR and code == ReturnCode.OK:
            code = ReturnCode.NOT_OK
        pending.done(Answer(code, message.payload))
        return True

    def wake(self, now: int) -> None:
        """Give up what has waited too long."""
        for key in [key for key, pending in self._pending.items() if pending.due <= now]:
            self._pending.pop(key).done(Answer(ReturnCode.TIMEOUT))
