"""SOME/IP messages as bytes (AUTOSAR PRS_SOMEIPProtocol, 4.1).

A header of 16 bytes, big-endian: service, method; length from the client id on; client, session; protocol version,
interface version, message type, return code. A datagram or a TCP stream may hold several messages.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from gateway.someip.errors import MessageError

HEADER: Final = 16
PROTOCOL_VERSION: Final = 1
TP_FLAG: Final = 0x20
"""In the message type: the message is a segment of a longer one."""
EVENT_FLAG: Final = 0x8000
"""In the method id: it is an event."""
_HEAD = struct.Struct(">HHIHHBBBB")
_unpack = _HEAD.unpack_from


class MessageType(IntEnum):
    """What a message is (PRS_SOMEIP_00055)."""

    REQUEST = 0x00
    REQUEST_NO_RETURN = 0x01
    NOTIFICATION = 0x02
    RESPONSE = 0x80
    ERROR = 0x81


class ReturnCode(IntEnum):
    """How a call went (PRS_SOMEIP_00191). 0x20 to 0x5E are a service's own."""

    OK = 0x00
    NOT_OK = 0x01
    UNKNOWN_SERVICE = 0x02
    UNKNOWN_METHOD = 0x03
    NOT_READY = 0x04
    NOT_REACHABLE = 0x05
    TIMEOUT = 0x06
    WRONG_PROTOCOL_VERSION = 0x07
    WRONG_INTERFACE_VERSION = 0x08
    MALFORMED_MESSAGE = 0x09
    WRONG_MESSAGE_TYPE = 0x0A
    E2E_REPEATED = 0x0B
    E2E_WRONG_SEQUENCE = 0x0C
    E2E = 0x0D
    E2E_NOT_AVAILABLE = 0x0E
    E2E_NO_NEW_DATA = 0x0F


def code_text(code: int) -> str:
    """`E_UNKNOWN_METHOD (0x03)`, as the specification writes it."""
    try:
        return f"E_{ReturnCode(code).name} (0x{code:02X})"
    except ValueError:
        return f"0x{code:02X}"


class Message(NamedTuple):
    """One message. `type` is one of MessageType, with TP_FLAG where it is a segment; `return_code` mostly of ReturnCode.

    Both are kept as they came, also where they are of no known kind: a server has to answer those.
    """

    service: int
    method: int
    payload: bytes = b""
    type: int = MessageType.REQUEST
    client: int = 0
    session: int = 0
    interface_version: int = 1
    return_code: int = ReturnCode.OK
    protocol_version: int = PROTOCOL_VERSION

    def build(self) -> bytes:
        """The message as bytes."""
        service, method, payload, kind, client, session, interface_version, return_code, version = self
        return (
            _HEAD.pack(
                service, method, len(payload) + 8, client, session, version, interface_version, kind, return_code
            )
            + payload
        )

    @property
    def is_event(self) -> bool:
        return bool(self.method & EVENT_FLAG)

    def __str__(self) -> str:
        return f"{self.service:04X}.{self.method:04X} {type_text(self.type)} of {len(self.payload)} bytes"


def type_text(kind: int) -> str:
    """`NOTIFICATION`, `TP_NOTIFICATION`, or the number of an unknown type."""
    try:
        return f"{'TP_' if kind & TP_FLAG else ''}{MessageType(kind & ~TP_FLAG).name}"
    except ValueError:
        return f"type 0x{kind:02X}"


_make = tuple.__new__


def parse(data: bytes) -> Message:
    """The one message that `data` is. MessageError when it is none, or more than one."""
    size = len(data)
    if size < HEADER:
        raise MessageError(f"{size} bytes are too short for a SOME/IP message, whose header has {HEADER}")
    service, method, length, client, session, version, interface_version, kind, return_code = _unpack(data)
    if length + 8 != size:
        raise MessageError(_wrong_length(length, size))
    return _make(Message, (service, method, data[16:], kind, client, session, interface_version, return_code, version))


def messages(data: bytes) -> Iterator[Message]:
    """The messages of a datagram, one after the other. MessageError, after those that are whole, for the rest."""
    size = len(data)
    position = 0
    while position < size:
        if size - position < HEADER:
            raise MessageError(
                f"{size - position} bytes are too short for a SOME/IP message, whose header has {HEADER}"
            )
        service, method, length, client, session, version, interface_version, kind, return_code = _unpack(
            data, position
        )
        end = position + 8 + length
        if length < 8 or end > size:
            raise MessageError(_wrong_length(length, size - position))
        payload = data[position + 16 : end]
        yield _make(Message, (service, method, payload, kind, client, session, interface_version, return_code, version))
        position = end


def _wrong_length(length: int, size: int) -> str:
    if length < 8:
        return f"a SOME/IP message claims a length of {length}; the least is 8"
    return f"a SOME/IP message claims a length of {length}, and {size - 8} bytes follow"
