"""The simulation's side of the conversation with one CAN tool. Knows no socket and no bus.

Feed it with `receive`; take one request after another with `next` (not more than the bus has room for: what is not
taken stays here as bytes); send what `outgoing` gives. Frames for the client wait here when they cannot be sent; there
is room for a fixed number of them, then the oldest is thrown away and the client is told how many are lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from enum import Enum
from typing import Final

from gateway.can.frame import ERROR, FD
from gateway.links.errors import RecordError
from gateway.links.record_stream import RecordStream
from gateway.links.records import (
    VERSION,
    Bye,
    Carried,
    Condition,
    Failure,
    Format,
    Hello,
    Lost,
    Open,
    Opened,
    Stream,
    Welcome,
)
from gateway.links.wire import LIN_MASK, encode

ROOM: Final = 8192
"""Frames that wait for a client which does not read."""

Request = Open | Stream | Carried | Bye


class SessionState(Enum):
    """How far the conversation is."""

    NEW = "nothing said yet"
    GREETED = "versions agreed"
    OPEN = "on a bus"
    STREAMING = "a stream"
    ENDED = "over"


class Session:
    """One client. `lost`: frames thrown away so far; `failure`: why the conversation was broken off, if it was.

    `streams`: the names of what can be asked for instead of a bus.
    """

    def __init__(self, welcome: Welcome, room: int = ROOM, streams: Collection[str] = ()) -> None:
        self.state = SessionState.NEW
        self.name = ""
        self.lost = 0
        self.failure: str | None = None
        self._welcome = welcome
        self._formats = {channel.name: channel.format for channel in welcome.channels}
        self._streams = streams
        self._fd = False
        self._lin = False
        self._stream = RecordStream()
        self._first: list[bytes] = []
        """Answers: few, and never thrown away."""
        self._condition = b""
        self._frames: deque[bytes] = deque()
        self._room = room
        self._last_words = b""
        self._untold = 0

    @property
    def over(self) -> bool:
        return self.state is SessionState.ENDED

    def receive(self, data: bytes) -> None:
        """Bytes from the client."""
        if self.state is not SessionState.ENDED:
            self._stream.feed(data)

    def closed(self) -> None:
        """The client sends nothing more: half a record is a fault then."""
        if self.state is not SessionState.ENDED and self._stream.partial:
            self._fail("the connection ended in the middle of a record")

    def next(self) -> Request | None:
        """What the client asks for next; None when there is nothing more, or the conversation is over."""
        while self.state is not SessionState.ENDED:
            try:
                record = self._stream.next()
                if record is None:
                    return None
                request = self._take(record)
            except RecordError as error:
                self._fail(error.sentence)
                return None
            if request is not None:
                return request
        return None

    def opened(self, name: str, condition: Condition) -> None:
        """The client has become the controller `name`."""
        self._first += [encode(Opened(name)), encode(condition)]

    def streaming(self, name: str) -> None:
        """The client gets the stream that it asked for; there are no records after this."""
        self._first.append(encode(Opened(name)))

    def condition(self, condition: Condition) -> None:
        """The state of the client's controller has changed; a client that does not read gets the last state only."""
        self._condition = encode(condition)

    def frame(self, data: bytes) -> None:
        """An encoded frame for the client."""
        frames = self._frames
        if len(frames) >= self._room:
            frames.popleft()
            self.lost += 1
            self._untold += 1
        frames.append(data)

    def end(self, reason: str | None = None) -> None:
        """The conversation is over; with a reason, the client is told it."""
        if reason is not None:
            self._fail(reason)
        else:
            self.state = SessionState.ENDED

    def outgoing(self) -> bytes:
        """All that is to be sent now."""
        parts = self._first
        self._first = []
        if self._untold:
            parts.append(encode(Lost(self._untold)))
            self._untold = 0
        parts.append(self._condition)
        self._condition = b""
        parts.extend(self._frames)
        self._frames.clear()
        if self.failure is not None and self.state is SessionState.ENDED:
            parts.append(self._last_words)
            self._last_words = b""
        return b"".join(parts)

    def _fail(self, reason: str) -> None:
        self.state = SessionState.ENDED
        self.failure = reason
        self._last_words = encode(Failure(reason))

    def _take(self, record: object) -> Request | None:
        match record:
            case Hello() if self.state is SessionState.NEW:
                self._greet(record)
                return None
            case Open() if self.state is SessionState.GREETED:
                self._check_open(record)
                return record
            case Stream() if self.state is SessionState.GREETED:
                self._check_stream(record)
                return record
            case Carried() if self.state is SessionState.OPEN:
                self._check_frame(record)
                return record
            case Bye() if self.state is not SessionState.NEW:
                self.state = SessionState.ENDED
                return record
        raise RecordError(f"a record {type(record).__name__} at the wrong moment ({self.state.value})")

    def _greet(self, hello: Hello) -> None:
        if hello.version != VERSION:
            raise RecordError(f"this simulation speaks version {VERSION} of the protocol, not {hello.version}")
        self.name = hello.name
        self.state = SessionState.GREETED
        self._first.append(encode(self._welcome))

    def _check_open(self, request: Open) -> None:
        bus_format = self._formats.get(request.channel)
        if bus_format is None:
            names = ", ".join(self._formats)
            raise RecordError(f"there is no bus {request.channel!r} in {self._welcome.vehicle}; there are: {names}")
        self._lin = bus_format is Format.LIN
        self._fd = bus_format is Format.CAN_FD
        self.state = SessionState.OPEN

    def _check_stream(self, request: Stream) -> None:
        if request.stream not in self._streams:
            there = f"there are: {', '.join(self._streams)}" if self._streams else "it offers none"
            raise RecordError(f"there is no stream {request.stream!r} in {self._welcome.vehicle}; {there}")
        self.state = SessionState.STREAMING

    def _check_frame(self, request: Carried) -> None:
        header = request.frame.header
        if header & ERROR:
            raise RecordError("a simulated bus makes its error frames itself; they cannot be sent")
        if self._lin and (header > LIN_MASK or not 1 <= len(request.frame.data) <= 8):
            raise RecordError("a LIN frame has an identifier up to 3F and 1 to 8 bytes")
        if header & FD and not self._fd:
            raise RecordError("a CAN FD frame on a classic bus")
