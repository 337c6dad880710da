"""End-to-end protection of SOME/IP events: AUTOSAR's E2E header in the payload, and what a receiver makes of it.

Protected is all that follows the length field (PRS_SOMEIPProtocol R22-11, 4.1.2; SWS_E2ETransformer): request id, versions,
type and return code, eight bytes, then payload and E2E header. The header's offset counts from the request id, so 8 (64 bits
there) is the first byte of the payload. A long message is protected as a whole, before it is cut into segments.
"""

from __future__ import annotations

from typing import Final

from gateway.com.e2e import GOOD, E2EChecker, E2EProtector, E2EStateKind, E2EStatus, E2EWindow
from gateway.com.e2e_profiles import E2EConfig
from gateway.someip import Message

OFFSET: Final = 8
"""The least offset, and the usual one: the header of SOME/IP cannot be moved."""
_BEFORE: Final = 8
"""Bytes of a message that are not protected: its id and its length."""


class EventProtector:
    """The sender of one event."""

    def __init__(self, config: E2EConfig) -> None:
        self._sender: Final = E2EProtector(config)
        self._place: Final = config.offset - OFFSET
        self._room: Final = bytes(config.shortest - config.offset)
        self._begun = False

    def protect(self, message: Message) -> Message:
        """The event with its header and the next counter. ComError when the payload ends before the header's place."""
        self._begun = True
        self._sender.advance()
        return self._sealed(message)

    def again(self, message: Message) -> Message:
        """What a new subscriber gets: the counter stays, so that the others do not miss one.

        AUTOSAR's service discovery sends the latest PDU again, which comes to the same.
        """
        return self._sealed(message) if self._begun else self.protect(message)

    def _sealed(self, message: Message) -> Message:
        payload, place = message.payload, self._place
        whole = message._replace(payload=payload[:place] + self._room + payload[place:]).build()
        return message._replace(payload=self._sender.protected(whole[_BEFORE:])[OFFSET:])


class EventCheck:
    """The receiver of one event. A value is taken when its message is right, unless too many lately were not.

    `lost`: the sender cannot be relied on, and what it told is not fresh: the state machine says INVALID, or nothing was
    right for a whole window (which INIT does not mind).
    """

    def __init__(self, config: E2EConfig) -> None:
        self._config: Final = config
        self._place: Final = config.offset - OFFSET
        self._after: Final = config.shortest - OFFSET
        self._window: Final = E2EWindow()
        self.restart()

    def restart(self) -> None:
        """The sender is gone; another counter begins."""
        self._checker = E2EChecker(self._config, self._window)
        self._wrong = 0

    @property
    def status(self) -> E2EStatus:
        return self._checker.status

    @property
    def state(self) -> E2EStateKind:
        return self._checker.state.kind

    @property
    def lost(self) -> bool:
        return self.state is E2EStateKind.INVALID or self._wrong >= self._window.size

    def take(self, message: Message) -> bytes | None:
        """The payload without its header; None for one that may not be used."""
        if not self._judge(message.build()[_BEFORE:]) or self.lost:
            return None
        payload = message.payload
        return payload[: self._place] + payload[self._after :]

    def missed(self) -> None:
        """A cycle has passed without the event."""
        self._judge(None)

    def _judge(self, data: bytes | None) -> bool:
        good = self._checker.check(data) in GOOD
        self._wrong = 0 if good else self._wrong + 1
        return good
