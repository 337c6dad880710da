"""Which frames a test means: a message of a bus, with conditions on its signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.can import EXTENDED, ID_MASK, KEY_MASK, Frame
from gateway.com import header_of, label_of
from gateway.database import Database, Message
from gateway.errors import nearest
from gateway.hil.errors import HilError
from gateway.hil.values import Wanted, wanted_of_signal

MessageName = str | int | Message
"""The name of a message, its identifier (above 0x7FF with 29 bits), or the message itself."""


class Pattern:
    """Frames of one message on one bus whose signals are as wanted. HilError for names and values that cannot be."""

    def __init__(self, bus: str, database: Database, message: MessageName, signals: Mapping[str, Any]) -> None:
        self.bus: Final = bus
        self.message, self.key = find_message(bus, database, message)
        self.wanted: Final[Mapping[str, Wanted]] = {
            name: wanted_of_signal(self._signal(name), expected) for name, expected in signals.items()
        }
        self._decoders: Final = [(self._signal(name).decode, wanted.holds) for name, wanted in self.wanted.items()]

    @property
    def name(self) -> str:
        return self.message.name if self.message is not None else f"0x{self.key & ID_MASK:X}"

    def _signal(self, name: str) -> Any:
        if self.message is None:
            raise HilError(f"no database of {self.bus} knows {self.name}, so it has no signal {name!r}")
        if name not in self.message.by_name:
            near = nearest(name, list(self.message.by_name))
            raise HilError(f"message {self.bus}.{self.message.name} has no signal {name!r}{near}")
        return self.message.by_name[name]

    def matches(self, frame: Frame) -> bool:
        """Whether a frame of this identifier is as wanted."""
        data = frame.data
        for decode, holds in self._decoders:
            value = decode(data)
            if value is None or not holds(value):
                return False
        return True

    def misses(self, frame: Frame) -> list[str]:
        """What in a frame is not as wanted: `Left is Off, not On`."""
        found = []
        for name, wanted in self.wanted.items():
            signal = self._signal(name)
            value = signal.decode(frame.data)
            if value is None:
                found.append(f"{name} is not in it (wanted: {wanted.text})")
            elif not wanted.holds(value):
                found.append(f"{name} is {label_of(signal, value) or format(value, '.6g')}, not {wanted.text}")
        return found

    def __str__(self) -> str:
        if not self.wanted:
            return f"{self.bus}.{self.name}"
        conditions = ", ".join(f"{name}={wanted.text}" for name, wanted in self.wanted.items())
        return f"{self.bus}.{self.name} with {conditions}"


def find_message(bus: str, database: Database, message: MessageName) -> tuple[Message | None, int]:
    """A message and its key (the identifier as frames carry it, without CAN FD flags)."""
    if isinstance(message, Message):
        return message, header_of(message) & KEY_MASK
    if isinstance(message, int):
        if not 0 <= message <= ID_MASK:
            raise HilError(f"{message:#x} is no identifier: 29 bits are the most")
        extended = message > 0x7FF
        return database.by_id(message, extended), message | (EXTENDED if extended else 0)
    found = next((known for known in database.messages if known.name == message), None)
    if found is None:
        near = nearest(message, [known.name for known in database.messages])
        raise HilError(f"there is no message {message!r} on {bus}{near}")
    return found, header_of(found) & KEY_MASK
