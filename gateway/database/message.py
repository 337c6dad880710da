"""A message: the payload of one identifier as named signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from gateway.database import codegen
from gateway.database.errors import DatabaseError
from gateway.database.expressions import View
from gateway.database.payload import Encoder
from gateway.database.signal import Attributes, Signal
from gateway.errors import nearest

Values = dict[str, int | float]
Labels = dict[str, int | float | str]


class SendType(Enum):
    """When a sender sends a message (attribute GenMsgSendType, as Vector's interaction layer has it)."""

    CYCLIC = "cyclic"
    ON_CHANGE = "on change"
    ON_WRITE = "on write"
    IF_ACTIVE = "if active"
    CYCLIC_ON_CHANGE = "cyclic and on change"
    CYCLIC_IF_ACTIVE = "cyclic if active"
    ON_REQUEST = "on request"
    NONE = "none"


_VIEWS = {"decode": View.PHYSICAL, "decode_raw": View.RAW, "labels": View.LABELS}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Message:
    """One message. Immutable; compared by identity.

    `length` is of the payload in bytes. Times are in nanoseconds: `cycle_ns` (None: not cyclic), `fast_cycle_ns` (while
    active, or for the repetitions after an event), `start_delay_ns` (from the start to the first frame), `delay_ns`
    (the least time between two frames); `repetitions` after an event.

    The three decoders take any bytes and never raise: what does not reach into a short payload is left out, what a long
    one has more is ignored, and of multiplexed signals the active ones are there. They are generated at first use.
    """

    name: str
    arbitration_id: int
    extended: bool = False
    fd: bool = False
    brs: bool = False
    length: int = 8
    senders: tuple[str, ...] = ()
    cycle_ns: int | None = None
    fast_cycle_ns: int | None = None
    send_type: SendType = SendType.NONE
    start_delay_ns: int = 0
    delay_ns: int = 0
    repetitions: int = 0
    signals: tuple[Signal, ...] = field(default=(), repr=False)
    comment: str = ""
    attributes: Attributes = field(default_factory=dict, repr=False)
    line: int | None = None
    decode: Callable[[bytes], Values] = field(init=False, repr=False)
    """Physical values of all signals in a payload."""
    decode_raw: Callable[[bytes], Values] = field(init=False, repr=False)
    """Raw values of all signals in a payload."""
    labels: Callable[[bytes], Labels] = field(init=False, repr=False)
    """As `decode`, with the name from the value table where there is one."""
    by_name: Mapping[str, Signal] = field(init=False, repr=False)
    encoder: Encoder = field(init=False, repr=False)
    initial: bytes = field(init=False, repr=False)
    """The payload in which every signal has its start value."""

    def __post_init__(self) -> None:
        for signal in self.signals:
            object.__setattr__(signal, "message", self)

    if not TYPE_CHECKING:  # otherwise every misspelt name would pass

        def __getattr__(self, name: str) -> Any:
            """What costs time to make is made when first asked for; from then on it is an attribute like any other."""
            if name in _VIEWS:
                made: object = codegen.message_decoder(self, _VIEWS[name])
            elif name == "by_name":
                made = {signal.name: signal for signal in self.signals}
            elif name == "encoder":
                made = Encoder(self)
            elif name == "initial":
                made = self.encoder.encode({})
            else:
                raise AttributeError(f"a message has no {name!r}")
            object.__setattr__(self, name, made)
            return made

    def signal(self, name: str) -> Signal:
        """The signal of that name; DatabaseError with the nearest name where there is none."""
        found = self.by_name.get(name)
        if found is None:
            raise DatabaseError(f"message {self.name} has no signal {name!r}{nearest(name, list(self.by_name))}")
        return found

    def encode(self, values: Mapping[str, int | float | str]) -> bytes:
        """The payload for physical values or labels; signals that are not given have their start value.

        EncodeError for an unknown signal, one that is not active, an unknown label, a value out of range.
        """
        return self.encoder.encode(values)

    def encode_raw(self, values: Mapping[str, int | float]) -> bytes:
        """The payload for raw values; only the width of a signal limits them. EncodeError as `encode`."""
        return self.encoder.encode_raw(values)

    @property
    def source(self) -> str:
        """The Python source of `decode`, for the curious."""
        return codegen.message_source(self, View.PHYSICAL)

    def __str__(self) -> str:
        return self.name
