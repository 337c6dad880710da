"""What goes between a vehicle and the process of its web page: requests and commands up, answers down.

Upwards lines of JSON. Downwards messages of a head in JSON and of frames in columns, because packing a list of frames is
what watching costs the vehicle: five calls for all of them, and no step of Python for each. The first message is the
picture of the vehicle; each further one answers one request, or one command.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Any, Final, NamedTuple

from gateway.can import Frame
from gateway.database import Message, Signal
from gateway.ui.feed_ledger import Noted, Sender
from gateway.ui.feed_rows import Part
from gateway.ui.feed_wire import plain

STREAM: Final = "page"
LARGEST: Final = 1 << 26
_HEAD: Final = struct.Struct("<II")
_ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode
_HEADER: Final = attrgetter("header")
_DATA: Final = attrgetter("data")
Json = dict[str, Any]


class Journeys(NamedTuple):
    """Which recent frames are asked for: of these messages (as places), through these routes; None for all."""

    frames_of: frozenset[int] | None
    routes_of: frozenset[int] | None


class Request(NamedTuple):
    """What the page wants to know now, besides all frames since the last time.

    `paths`: VSS signals whose rows are due; None for all of them. Rows come when they are others than before.
    `stories`: numbers of frames of which it is to be told how far they have got.
    """

    parts: frozenset[Part]
    paths: frozenset[int] | None
    journeys: tuple[Journeys, ...]
    stories: tuple[int, ...]


def place_of(bus: int, key: int) -> int:
    """A message by one number, for both sides: index of its bus and key."""
    return bus << 32 | key


def request_line(request: Request) -> bytes:
    return _line({"ask": plain(request)})


def command_line(number: int, command: Json) -> bytes:
    return _line({"id": number, "do": command})


def _line(document: Json) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def request_of(value: Any) -> Request:
    """ValueError for what is none."""
    try:
        parts, paths, journeys, stories = value
        return Request(
            frozenset(map(Part, parts)),
            _numbers(paths),
            tuple(Journeys(_numbers(frames), _numbers(routes)) for frames, routes in journeys),
            tuple(_numbers(stories) or ()),
        )
    except TypeError as error:
        raise ValueError(f"this is no request: {error}") from None


def _numbers(value: Any) -> frozenset[int] | None:
    if value is None:
        return None
    if not all(isinstance(each, int) and each >= 0 for each in value):
        raise TypeError("numbers of rows are whole")
    return frozenset(value)


def message(head: Json, frames: bytes = b"") -> bytes:
    """One message downwards."""
    text = _ENCODE(head).encode()
    return b"".join((_HEAD.pack(len(text), len(frames)), text, frames))


class Messages:
    """Messages out of a stream of bytes."""

    def __init__(self) -> None:
        self._unread = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Json, bytes]]:
        """Those that are whole now: head and frames. ValueError for what is none."""
        unread = self._unread
        unread += data
        while len(unread) >= _HEAD.size:
            head, frames = _HEAD.unpack_from(unread)
            if head + frames > LARGEST:
                raise ValueError("a message too long")
            begin, end = _HEAD.size + head, _HEAD.size + head + frames
            if len(unread) < end:
                return
            found = json.loads(bytes(unread[_HEAD.size : begin])), bytes(unread[begin:end])
            del unread[:end]
            yield found


def pack_frames(noted: Sequence[Noted], sender: Callable[[object], int]) -> bytes:
    """Frames in columns: end, request, start, header, bus, length, sender, data. `sender`: number of who has sent one."""
    if not noted:
        return b""
    count = len(noted)
    ends, buses, frames, senders, requests, starts = zip(*noted, strict=True)
    payloads = list(map(_DATA, frames))
    columns = struct.pack(
        f"<I{3 * count}q{count}Q{2 * count}B{count}H",
        count,
        *ends,
        *requests,
        *starts,
        *map(_HEADER, frames),
        *buses,
        *map(len, payloads),
        *map(sender, senders),
    )
    return columns + b"".join(payloads)


def unpack_frames(data: bytes, senders: Sequence[Sender]) -> list[Noted]:
    """The frames of a message. ValueError for what are none."""
    if not data:
        return []
    try:
        (count,) = struct.unpack_from("<I", data)
        columns = struct.Struct(f"<I{3 * count}q{count}Q{2 * count}B{count}H")
        _, *values = columns.unpack_from(data)
        ends, requests, starts, headers, buses, lengths, numbers = (
            values[place * count : (place + 1) * count] for place in range(7)
        )
        cuts = list(accumulate(lengths, initial=columns.size))
        if cuts[-1] != len(data):
            raise ValueError("payloads that end elsewhere")
        frames = map(Frame, headers, [data[begin:end] for begin, end in pairwise(cuts)])
        return list(zip(ends, buses, frames, map(senders.__getitem__, numbers), requests, starts, strict=True))
    except (struct.error, IndexError) as error:
        raise ValueError(f"these are no frames: {error}") from None


# Messages of the databases: what is needed to decode them in another process

_MESSAGE_FIELDS: Final = [field.name for field in dataclasses.fields(Message) if field.init]
_SIGNAL_FIELDS: Final = [field.name for field in dataclasses.fields(Signal) if field.init]
_LEFT_OUT: Final = frozenset({"attributes", "send_type", "signals"})


def message_json(message: Message) -> Json:
    """A message of a database; what says nothing is left out."""
    found = {name: value for name in _MESSAGE_FIELDS if name not in _LEFT_OUT and (value := getattr(message, name))}
    return {**found, "signals": [_signal(signal) for signal in message.signals]}


def _signal(signal: Signal) -> Json:
    found: Json = {
        name: value
        for name in _SIGNAL_FIELDS
        if name not in _LEFT_OUT and (value := getattr(signal, name)) not in (None, "", (), False)
    }
    found["scale"], found["offset"], found["start"] = signal.scale, signal.offset, signal.start
    for limit in ("minimum", "maximum"):
        if getattr(signal, limit) is not None:
            found[limit] = getattr(signal, limit)
    if signal.choices:
        found["choices"] = list(signal.choices.items())
    return found


def message_of(value: Json) -> Message:
    """The message that `message_json` was given. ValueError for what is none."""
    try:
        signals = tuple(_signal_of(each) for each in value["signals"])
        rest = {name: _tuple(each) for name, each in value.items() if name != "signals"}
        return Message(**rest, signals=signals)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"this is no message: {error}") from None


def _signal_of(value: Json) -> Signal:
    found = {name: _tuple(each) for name, each in value.items() if name != "choices"}
    return Signal(**found, choices=dict(value["choices"]) if "choices" in value else None)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
