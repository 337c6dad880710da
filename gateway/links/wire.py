"""Records to bytes and back, strictly: what is not exactly a record is refused with a reason."""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final, TypeVar

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, LENGTHS, REMOTE, WORD_MASK, Frame
from gateway.links.errors import RecordError
from gateway.links.records import (
    MAGIC,
    MAX_RECORD,
    VERSION,
    Bye,
    Carried,
    Channel,
    Condition,
    Failure,
    Format,
    Hello,
    Kind,
    Lost,
    Open,
    Opened,
    Record,
    State,
    Stream,
    Welcome,
)

HEAD: Final = 2
"""Bytes of the length."""
STANDARD_MASK: Final = 0x7FF
LIN_MASK: Final = 0x3F

E = TypeVar("E", bound=IntEnum)
_FRAME: Final = struct.Struct(">HBQBBIB")
_FRAME_BODY: Final = struct.Struct(">QBBIB")
_FRAME_FIELDS: Final = _FRAME.size - HEAD
_FLAG_ECHO: Final = 0x01
_FLAG_BRS: Final = 0x02
_FLAG_ESI: Final = 0x04
_FD_LENGTHS: Final = frozenset(LENGTHS)


def encode(record: Record) -> bytes:
    """The bytes of a record. ValueError when a text is longer than 255 bytes, or the record than `MAX_RECORD`."""
    if isinstance(record, Carried):
        return encode_frame(record.time_ns, record.frame, record.echo)
    kind, body = _fields(record)
    if 1 + len(body) > MAX_RECORD:
        raise ValueError(f"a record of {len(body)} bytes is too long")
    return struct.pack(">HB", 1 + len(body), kind) + body


def encode_frame(time_ns: int, frame: Frame, echo: bool = False) -> bytes:
    """The bytes of `Carried`, without making one."""
    header, data = frame.header, frame.data
    fd = header & FD != 0
    flags = (_FLAG_ECHO if echo else 0) | (_FLAG_BRS if header & BRS else 0) | (_FLAG_ESI if header & ESI else 0)
    head = _FRAME.pack(_FRAME_FIELDS + len(data), Kind.FRAME, time_ns, fd, flags, header & WORD_MASK, len(data))
    return head + data


def encode_lin_frame(time_ns: int, frame: Frame, echo: bool = False) -> bytes:
    """As `encode_frame`, for a frame of a LIN bus: its identifier has 6 bits."""
    flags = _FLAG_ECHO if echo else 0
    identifier, data = frame.header & LIN_MASK, frame.data
    return _FRAME.pack(_FRAME_FIELDS + len(data), Kind.FRAME, time_ns, Format.LIN, flags, identifier, len(data)) + data


def _fields(record: Record) -> tuple[Kind, bytes]:
    match record:
        case Hello(version, name):
            return Kind.HELLO, MAGIC + bytes([version]) + _text(name)
        case Open(channel, echo):
            return Kind.OPEN, bytes([_FLAG_ECHO if echo else 0]) + _text(channel)
        case Stream(stream):
            return Kind.STREAM, _text(stream)
        case Bye():
            return Kind.BYE, b""
        case Welcome(version, epoch_ns, vehicle, channels):
            head = MAGIC + struct.pack(">BQ", version, epoch_ns) + _text(vehicle) + bytes([len(channels)])
            return Kind.WELCOME, head + b"".join(_channel(channel) for channel in channels)
        case Opened(name):
            return Kind.OPENED, _text(name)
        case Lost(frames):
            return Kind.LOST, struct.pack(">I", min(frames, WORD_MASK))
        case Condition(state, tec, rec):
            return Kind.STATE, struct.pack(">BHH", state, tec, rec)
        case Failure(reason):
            return Kind.ERROR, reason.encode()[: MAX_RECORD - 1]
        case _:
            raise TypeError(f"{record!r} is encoded by encode_frame")


def _channel(channel: Channel) -> bytes:
    return struct.pack(">BII", channel.format, channel.bitrate, channel.data_bitrate) + _text(channel.name)


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise ValueError(f"a name of {len(data)} bytes is too long")
    return bytes([len(data)]) + data


class _Fields:
    """Takes the fields of a body one after another."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise RecordError("a record ends in the middle of a field")
        taken = self._body[self._at : end]
        self._at = end
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def text(self) -> str:
        return _decoded(self.take(self.number(1)))

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._at)

    def end(self) -> None:
        if self._at != len(self._body):
            raise RecordError("a record is longer than its fields")


def decode(data: bytes) -> Record:
    """The record of its bytes after the length. Raises `RecordError`."""
    if not data:
        raise RecordError("a record has no kind")
    if data[0] == Kind.FRAME:
        return decode_frame(data)
    decoder = _DECODERS.get(data[0])
    if decoder is None:
        raise RecordError(f"there is no kind of record {data[0]:#04x}")
    fields = _Fields(data[1:])
    record = decoder(fields)
    fields.end()
    return record


def decode_frame(data: bytes) -> Carried:
    """As `decode`, for a FRAME."""
    if len(data) < _FRAME_FIELDS:
        raise RecordError("a frame's record is cut short")
    time_ns, frame_format, flags, word, length = _FRAME_BODY.unpack_from(data, 1)
    payload = data[_FRAME_FIELDS:]
    if len(payload) != length:
        raise RecordError(f"a frame says that it has {length} bytes, and has {len(payload)}")
    return Carried(time_ns, Frame(_header(frame_format, flags, word, length), payload), flags & _FLAG_ECHO != 0)


def _header(frame_format: int, flags: int, word: int, length: int) -> int:
    """The `Frame.header` of a frame's fields, which are checked here."""
    if flags & ~(_FLAG_ECHO | _FLAG_BRS | _FLAG_ESI):
        raise RecordError(f"a frame has the unknown flags {flags:#04x}")
    if not word & (EXTENDED | ERROR) and word & ID_MASK > STANDARD_MASK:
        raise RecordError(f"the identifier {word & ID_MASK:X} has more than 11 bits, and the frame is not extended")
    if frame_format == Format.CAN:
        if length > 8 or (length and word & REMOTE):
            raise RecordError(f"a {'remote' if word & REMOTE else 'classic'} frame of {length} bytes")
        if flags & (_FLAG_BRS | _FLAG_ESI):
            raise RecordError("a classic frame has the flags of CAN FD")
        return word
    if frame_format == Format.LIN:
        if flags & ~_FLAG_ECHO or word > LIN_MASK or not 1 <= length <= 8:
            raise RecordError("a LIN frame has an identifier up to 3F, 1 to 8 bytes, and no flags of CAN")
        return word
    if frame_format != Format.CAN_FD:
        raise RecordError(f"there is no frame format {frame_format} here")
    if length not in _FD_LENGTHS or word & (REMOTE | ERROR):
        raise RecordError("CAN FD has no remote frames, no error frames, and only the lengths of ISO 11898-1, table 5")
    return word | FD | (BRS if flags & _FLAG_BRS else 0) | (ESI if flags & _FLAG_ESI else 0)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RecordError("a text is not UTF-8") from None


def _member(kind: type[E], value: int) -> E:
    try:
        return kind(value)
    except ValueError:
        raise RecordError(f"there is no {kind.__name__.lower()} {value}") from None


def _magic(fields: _Fields) -> None:
    if fields.take(len(MAGIC)) != MAGIC:
        raise RecordError("this is not the protocol of vehicle-gateway's CAN tools")


def _hello(fields: _Fields) -> Hello:
    _magic(fields)
    version = fields.number(1)
    if version != VERSION:
        fields.rest()  # of another version nothing more is known
        return Hello(version, "")
    return Hello(version, fields.text())


def _welcome(fields: _Fields) -> Welcome:
    _magic(fields)
    version, epoch_ns, vehicle = fields.number(1), fields.number(8), fields.text()
    return Welcome(version, epoch_ns, vehicle, tuple(_read_channel(fields) for _ in range(fields.number(1))))


def _read_channel(fields: _Fields) -> Channel:
    channel_format = _member(Format, fields.number(1))
    bitrate, data_bitrate = fields.number(4), fields.number(4)
    return Channel(fields.text(), channel_format, bitrate, data_bitrate)


def _condition(fields: _Fields) -> Condition:
    return Condition(_member(State, fields.number(1)), fields.number(2), fields.number(2))


def _open(fields: _Fields) -> Open:
    flags = fields.number(1)
    if flags & ~_FLAG_ECHO:
        raise RecordError(f"OPEN has the unknown flags {flags:#04x}")
    return Open(fields.text(), flags & _FLAG_ECHO != 0)


_DECODERS: Final[dict[int, Callable[[_Fields], Record]]] = {
    Kind.HELLO: _hello,
    Kind.OPEN: _open,
    Kind.STREAM: lambda fields: Stream(fields.text()),
    Kind.BYE: lambda _fields: Bye(),
    Kind.WELCOME: _welcome,
    Kind.OPENED: lambda fields: Opened(fields.text()),
    Kind.LOST: lambda fields: Lost(fields.number(4)),
    Kind.STATE: _condition,
    Kind.ERROR: lambda fields: Failure(_decoded(fields.rest())),
}


def record_length(head: bytes | bytearray) -> int:
    """The length that the first two bytes of a record tell. Raises `RecordError` for one that cannot be."""
    length = head[0] << 8 | head[1]
    if not 0 < length <= MAX_RECORD:
        raise RecordError(f"a record of {length} bytes: this is not the protocol of vehicle-gateway's CAN tools")
    return length
