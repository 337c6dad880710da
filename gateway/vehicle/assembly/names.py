"""The names that a vehicle file uses for messages and signals, resolved against buses and databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.can import EXTENDED, ID_MASK, KEY_MASK
from gateway.com import header_of
from gateway.database import Database, Message, Signal
from gateway.ecu import senders
from gateway.errors import nearest
from gateway.vehicle.errors import VehicleFileError


class End(NamedTuple):
    """One end of a route. `message` is None for a whole bus and for a bare identifier; `key` None for a whole bus."""

    bus: str
    message: Message | None = None
    key: int | None = None
    signal: Signal | None = None

    def __str__(self) -> str:
        if self.message is not None:
            return f"{self.bus}.{self.message.name}" + (f".{self.signal.name}" if self.signal else "")
        if self.key is None:
            return self.bus
        return f"{self.bus}.0x{self.key & ID_MASK:X}" + ("x" if self.key & EXTENDED else "")


def resolve(text: str, databases: Mapping[str, Database]) -> End:
    """`bus`, `bus.*`, `bus.Message`, `bus.0xID` (29 bits with an `x` behind) or `bus.Message.Signal`.

    VehicleFileError with the nearest name for what is not there.
    """
    bus, _, rest = text.partition(".")
    if bus not in databases:
        raise VehicleFileError(f"there is no bus {bus!r}{nearest(bus, list(databases))}")
    if rest == "*" or text == bus:
        return End(bus)
    if not rest:
        raise VehicleFileError(f"{text!r} names nothing: write bus, bus.*, bus.Message, bus.0xID or bus.Message.Signal")
    if "0" <= rest[0] <= "9":
        return End(bus, *_identifier(rest, databases[bus]))
    message_name, _, signal_name = rest.partition(".")
    database = databases[bus]
    found = [message for message in database.messages if message.name == message_name]
    if not found:
        known = [message.name for message in database.messages]
        raise VehicleFileError(f"there is no message {message_name!r} on {bus}{nearest(message_name, known)}")
    message = found[0]
    key = key_of(message)
    if not signal_name:
        return End(bus, message, key)
    if signal_name not in message.by_name:
        near = nearest(signal_name, list(message.by_name))
        raise VehicleFileError(f"message {bus}.{message.name} has no signal {signal_name!r}{near}")
    return End(bus, message, key, message.by_name[signal_name])


def key_of(message: Message) -> int:
    """The identifier as frames carry it, without CAN FD flags."""
    return header_of(message) & KEY_MASK


def _identifier(text: str, database: Database) -> tuple[Message | None, int]:
    digits = text.lower()
    extended = digits.endswith("x")
    try:
        identifier = int(digits.removesuffix("x"), 0)
    except ValueError:
        raise VehicleFileError(
            f"{text!r} is not an identifier: write it like 0x3A0, or 0x18DAF110x for 29 bits"
        ) from None
    limit = ID_MASK if extended else 0x7FF
    if identifier > limit:
        hint = "" if extended or identifier > ID_MASK else f"; 29 bits are written 0x{identifier:X}x"
        raise VehicleFileError(f"{text} is above {limit:#x}{hint}")
    return database.by_id(identifier, extended), identifier | (EXTENDED if extended else 0)


def nodes_of(database: Database) -> list[str]:
    """The nodes of a database, those that only its messages name included."""
    return list(dict.fromkeys([*database.nodes, *senders(database)]))
