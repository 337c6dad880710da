"""A stream of bytes as D-Bus messages (D-Bus specification, message format)."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Final

from dbus_fast import MessageType
from dbus_fast._private.unmarshaller import Unmarshaller

from gateway.orchestrator.dbus.convert import DBusMessage
from gateway.orchestrator.errors import OrchestratorError

_HEAD: Final = 16
LARGEST: Final = 16 << 20
"""Larger messages are refused; D-Bus itself would allow 128 MB."""


class FramingError(OrchestratorError):
    """Bytes that are no D-Bus message."""


class Framing:
    """Feed it with bytes; it gives whole messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[DBusMessage]:
        """FramingError: the stream cannot go on."""
        self._data += data
        while len(self._data) >= _HEAD:
            length = message_length(bytes(self._data[:_HEAD]))
            if len(self._data) < length:
                return
            raw = bytes(self._data[:length])
            del self._data[:length]
            yield unmarshal(raw)


def message_length(head: bytes) -> int:
    """The whole length of the message that begins with these 16 bytes."""
    order = {ord("l"): "<", ord("B"): ">"}.get(head[0])
    if order is None or head[3] != 1 or not 1 <= head[1] <= 4:
        raise FramingError(f"{head.hex(' ')} is no head of a D-Bus message")
    body, _serial, fields = struct.unpack_from(f"{order}III", head, 4)
    length = _HEAD + (int(fields) + 7) // 8 * 8 + int(body)
    if length > LARGEST:
        raise FramingError(f"a message of {length} bytes is refused: the limit is {LARGEST}")
    return length


def unmarshal(raw: bytes) -> DBusMessage:
    """One message. FramingError for what is none."""
    try:
        message = Unmarshaller(io.BytesIO(raw)).unmarshall()  # type: ignore[arg-type]  # all that it does is to read
    except Exception as error:  # noqa: BLE001 - whatever foreign bytes lead the library to
        raise FramingError(f"a message cannot be read: {type(error).__name__}: {error}") from None
    if message is None:
        raise FramingError("a message is cut short")
    if not _complete(message):
        raise FramingError(f"a {message.message_type.name.lower()} lacks fields that it must have")
    return message


def _complete(message: DBusMessage) -> bool:
    """It has the header fields that its type needs."""
    if message.message_type is MessageType.METHOD_CALL:
        return bool(message.path and message.member and message.serial)
    if message.message_type is MessageType.SIGNAL:
        return bool(message.path and message.interface and message.member)
    return bool(message.reply_serial)
