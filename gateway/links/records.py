"""The bytes between a simulation and its CAN tools: records over a stream, as docs/links.md describes them.

A record is its length (2 bytes, of what follows), its kind (1 byte) and the fields of the kind; all numbers are
big-endian, a text is its length (1 byte) and UTF-8. The client begins:

    HELLO -> WELCOME (with the channels), OPEN -> OPENED; then FRAME both ways, LOST and STATE from the simulation.

Instead of OPEN a client may ask for a STREAM -> OPENED; what follows is the stream's own, both ways, and no records.
BYE from the client asks to take all frames before it and to close then; ERROR says why the simulation closes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from gateway.can.frame import Frame

MAGIC: Final = b"VGCAN"
VERSION: Final = 1
MAX_RECORD: Final = 16384
"""Bytes of a record after its length."""


class Kind(IntEnum):
    """What a record is."""

    HELLO = 0x01
    OPEN = 0x02
    BYE = 0x03
    STREAM = 0x04
    WELCOME = 0x11
    OPENED = 0x12
    LOST = 0x13
    STATE = 0x14
    ERROR = 0x1F
    FRAME = 0x20


class Format(IntEnum):
    """The format of a frame on the wire, and the kind of a channel.

    A client of a LIN channel is a responder: what it sends is held, and answers each header of that identifier.
    """

    CAN = 0
    CAN_FD = 1
    LIN = 2


class State(IntEnum):
    """The error state of a client's controller."""

    ERROR_ACTIVE = 0
    ERROR_PASSIVE = 1
    BUS_OFF = 2
    OFF = 3


class Channel(NamedTuple):
    """A bus that can be opened; rates in bit/s."""

    name: str
    format: Format
    bitrate: int
    data_bitrate: int


class Hello(NamedTuple):
    """The client's first words: the version it speaks, and how its controller shall be called."""

    version: int
    name: str


class Welcome(NamedTuple):
    """The answer. `epoch_ns`: nanoseconds since 1970 at the simulation's time zero."""

    version: int
    epoch_ns: int
    vehicle: str
    channels: tuple[Channel, ...]


class Open(NamedTuple):
    """Take part in a channel. `echo`: the client wants its own frames back when they are through."""

    channel: str
    echo: bool


class Stream(NamedTuple):
    """Take no part in a bus, but give me the stream of this name; what it is says who offers it."""

    stream: str


class Opened(NamedTuple):
    """The client is on the bus; `name` is its controller's, as it stands in recordings. Or a stream's: it begins."""

    name: str


class Carried(NamedTuple):
    """A frame. From the simulation with the time of its end in nanoseconds since the start; to it, the time is 0."""

    time_ns: int
    frame: Frame
    echo: bool = False


class Lost(NamedTuple):
    """So many frames were thrown away here, because the client did not read them in time."""

    frames: int


class Condition(NamedTuple):
    """The error state and counters of the client's controller, when the state changes."""

    state: State
    tec: int
    rec: int


class Bye(NamedTuple):
    """The client has sent all it wanted to."""


class Failure(NamedTuple):
    """Why the simulation closes the connection."""

    reason: str


Record = Hello | Welcome | Open | Stream | Opened | Carried | Lost | Condition | Bye | Failure
