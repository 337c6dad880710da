"""A signal: a field of bits in a message, and how its number becomes a physical value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.database import codegen, encoding

if TYPE_CHECKING:
    from gateway.database.message import Message

Attributes = Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Signal:
    """One signal of one message. Immutable; compared by identity.

    `start` is numbered as in DBC files: for little endian the position of the least significant bit, for big endian
    that of the most significant one, both in sawtooth numbering (bit 0 is the lowest of byte 0). Physical value =
    raw * `scale` + `offset`; `minimum`, `maximum` and `unit` are physical, None where the file gives no limit.
    `choices` names raw values. A multiplexed signal is there while `multiplexer_signal` has one of `multiplexer_ids`.
    """

    name: str
    start: int
    length: int
    big_endian: bool = False
    signed: bool = False
    is_float: bool = False
    scale: int | float = 1
    offset: int | float = 0
    minimum: int | float | None = None
    maximum: int | float | None = None
    unit: str = ""
    choices: Mapping[int, str] | None = None
    initial_raw: int | float = 0
    is_multiplexer: bool = False
    multiplexer_signal: str | None = None
    multiplexer_ids: tuple[int, ...] = ()
    receivers: tuple[str, ...] = ()
    comment: str = ""
    line: int | None = None
    attributes: Attributes = field(default_factory=dict, repr=False)
    message: Message | None = field(default=None, init=False, repr=False)
    """The message that it is a signal of; set by that message."""
    decode: Callable[[bytes], int | float | None] = field(init=False, repr=False)
    """This signal alone from a payload, physical; None when the payload is too short or selects other signals."""

    if not TYPE_CHECKING:  # otherwise every misspelt name would pass

        def __getattr__(self, name: str) -> Callable[[bytes], int | float | None]:
            """The decoder is generated when it is first asked for; from then on it is an attribute like any other."""
            if name != "decode":
                raise AttributeError(f"a signal has no {name!r}")
            decode = codegen.signal_decoder(self)
            object.__setattr__(self, "decode", decode)
            return decode

    @property
    def first_bit(self) -> int:
        """Position of the field in transmission order: of its first bit, for big endian the most significant."""
        return 8 * (self.start // 8) + 7 - self.start % 8 if self.big_endian else self.start

    @property
    def end_bit(self) -> int:
        """The first position after the field: it needs a payload of at least so many bits."""
        return self.first_bit + self.length

    @property
    def raw_limits(self) -> tuple[int, int]:
        """The least and the greatest raw value that the bits of an integer signal can hold."""
        if self.signed:
            return -(1 << (self.length - 1)), (1 << (self.length - 1)) - 1
        return 0, (1 << self.length) - 1

    def to_raw(self, value: int | float | str) -> int | float:
        """The raw value for a physical value or a label; EncodeError when it is out of range or no such label."""
        return encoding.to_raw(self, value)

    def to_physical(self, raw: int | float) -> int | float:
        """The physical value of a raw value; an int only where raw, scale and offset are all whole."""
        return encoding.to_physical(self, raw)

    def label(self, raw: int | float) -> str | None:
        """The name of a raw value in the signal's value table; None where it has none."""
        return encoding.label(self, raw)

    def insert(self, data: bytes, raw: int | float) -> bytes:
        """The payload with this signal's bits replaced; EncodeError when raw or payload are too small for it."""
        return encoding.insert(self, data, raw)

    def __str__(self) -> str:
        return self.name if self.message is None else f"{self.message.name}.{self.name}"
