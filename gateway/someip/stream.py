"""SOME/IP over TCP: messages out of a stream of bytes (AUTOSAR PRS_SOMEIPProtocol, 4.2.1.3).

Magic cookies (messages of service 0xFFFF, method 0x0000 or 0x8000) are understood and passed over. A stream that is not
SOME/IP any more is found again at the next cookie; without one it stays lost, and whoever reads should close it.
"""

from __future__ import annotations

import struct
from typing import Final

from gateway.someip.message import HEADER, Message, messages

CLIENT_COOKIE: Final = bytes.fromhex("FFFF0000 00000008 DEADBEEF 01010100")
SERVER_COOKIE: Final = bytes.fromhex("FFFF8000 00000008 DEADBEEF 01010200")
LONGEST: Final = 1 << 20
"""Bytes of one message that are taken; a stream that claims more is out of step."""
_LENGTH = struct.Struct(">I").unpack_from


class MessageStream:
    """Gathers bytes of one connection. `lost`: bytes that were no message; `in_step`: what comes is understood."""

    def __init__(self, limit: int = LONGEST) -> None:
        self.lost = 0
        self.in_step = True
        self._limit = limit
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now."""
        self._held += data
        found: list[Message] = []
        while self.in_step or self._resynchronize():
            end = self._whole()
            if end == 0:
                break
            found += messages(bytes(self._held[:end]))
            del self._held[:end]
        return [message for message in found if message.service != 0xFFFF or message.method & 0x7FFF]

    def _whole(self) -> int:
        """Where the whole messages end that begin here."""
        held, position = self._held, 0
        while len(held) - position >= HEADER:
            length = _LENGTH(held, position + 4)[0]
            if not 8 <= length <= self._limit:
                self.in_step = False
                break
            if position + 8 + length > len(held):
                break
            position += 8 + length
        return position

    def _resynchronize(self) -> bool:
        """Drop what comes before a cookie; False while there is none."""
        held = self._held
        places = [place for cookie in (CLIENT_COOKIE, SERVER_COOKIE) if (place := held.find(cookie)) >= 0]
        self.in_step = bool(places)
        drop = min(places) if places else max(0, len(held) - len(CLIENT_COOKIE) + 1)
        self.lost += drop
        del held[:drop]
        return self.in_step
