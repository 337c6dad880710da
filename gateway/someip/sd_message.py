"""Messages of the service discovery as bytes (AUTOSAR PRS_SOMEIPServiceDiscoveryProtocol, 5.1).

Flags and three reserved bytes, the entries with their length, the options with theirs. An entry has 16 bytes and names
two runs of options by index and number. Reserved bits and bytes may be anything; unknown options are kept as they are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from gateway.someip.errors import SdError
from gateway.someip.message import Message, MessageType
from gateway.someip.sd_options import Option, UnknownOption, build_option, parse_options

SD_SERVICE: Final = 0xFFFF
SD_METHOD: Final = 0x8100
ANY_INSTANCE: Final = 0xFFFF
ANY_MAJOR: Final = 0xFF
ANY_MINOR: Final = 0xFFFFFFFF
FOREVER_TTL: Final = 0xFFFFFF
"""A TTL, in seconds, that does not end before the next reboot."""
ENTRY: Final = 16
_RUN_LIMIT: Final = 15
_COMMON = struct.Struct(">BBBBHHI")
_UINT = struct.Struct(">I")
_PAIR = struct.Struct(">HH")
_REBOOT: Final = 0x80
_UNICAST: Final = 0x40
_INITIAL_DATA: Final = 0x80


class EntryType(IntEnum):
    """What an entry says; with TTL 0 an offer, a subscription or an acknowledgement is taken back or refused."""

    FIND = 0x00
    OFFER = 0x01
    SUBSCRIBE = 0x06
    ACK = 0x07


class Entry(NamedTuple):
    """One entry. `minor`: of FIND and OFFER; `eventgroup` and `counter`: of SUBSCRIBE and ACK.

    `type` is a plain number: entries of unknown types are kept.
    """

    type: int
    service: int
    instance: int
    major: int = ANY_MAJOR
    ttl: int = 0
    minor: int = 0
    eventgroup: int = 0
    counter: int = 0
    initial_data: int = 0
    options: tuple[Option, ...] = ()

    @property
    def of_eventgroup(self) -> bool:
        return 4 <= self.type <= 7

    def __str__(self) -> str:
        try:
            name = EntryType(self.type).name
        except ValueError:
            name = f"entry 0x{self.type:02X}"
        if self.ttl == 0 and self.type:
            name = "NACK" if self.type == EntryType.ACK else f"STOP {name}"
        group = f" eventgroup {self.eventgroup:04X}" if self.of_eventgroup else ""
        return f"{name} {self.service:04X}.{self.instance:04X}{group}"


@dataclass(frozen=True, slots=True)
class SdMessage:
    """The payload of a message of the service discovery.

    `faulty`: entries whose options are damaged or not there, with as many of them as there are.
    """

    entries: tuple[Entry, ...]
    reboot: bool = True
    unicast: bool = True
    faulty: tuple[Entry, ...] = field(default=())

    def build(self) -> bytes:
        """The payload. SdError for an entry with more options than one can name."""
        options: list[Option] = []
        entries = b"".join(_build_entry(entry, options) for entry in self.entries)
        body = b"".join(build_option(option) for option in options)
        flags = (_REBOOT if self.reboot else 0) | (_UNICAST if self.unicast else 0)
        return bytes([flags, 0, 0, 0]) + _UINT.pack(len(entries)) + entries + _UINT.pack(len(body)) + body


def sd_message(payload: bytes, session: int) -> Message:
    """The SOME/IP message around an SD payload."""
    return Message(SD_SERVICE, SD_METHOD, payload, MessageType.NOTIFICATION, 0, session)


def parse_sd(payload: bytes) -> SdMessage:
    """Read an SD payload. SdError when its lengths cannot be."""
    size = len(payload)
    if size < 12:
        raise SdError(f"{size} bytes are too short for an SD message; the least is 12")
    flags = payload[0]
    length = _UINT.unpack_from(payload, 4)[0]
    end = 8 + length
    if length % ENTRY or end + 4 > size:
        raise SdError(f"an SD message claims {length} bytes of entries; {size - 12} bytes follow, an entry has {ENTRY}")
    options_length = _UINT.unpack_from(payload, end)[0]
    if end + 4 + options_length > size:
        raise SdError(f"an SD message claims {options_length} bytes of options, and {size - end - 4} follow")
    options = parse_options(payload[end + 4 : end + 4 + options_length])
    good: list[Entry] = []
    faulty: list[Entry] = []
    for position in range(8, end, ENTRY):
        entry, whole = _parse_entry(payload, position, options)
        (good if whole else faulty).append(entry)
    return SdMessage(tuple(good), bool(flags & _REBOOT), bool(flags & _UNICAST), tuple(faulty))


def _parse_entry(data: bytes, position: int, options: list[Option]) -> tuple[Entry, bool]:
    kind, first, second, numbers, service, instance, versions = _COMMON.unpack_from(data, position)
    runs = ((first, numbers >> 4), (second, numbers & 0xF))
    chosen = [option for index, number in runs for option in options[index : index + number]]
    whole = len(chosen) == (numbers >> 4) + (numbers & 0xF)
    whole = whole and not any(option.__class__ is UnknownOption and option.damaged for option in chosen)
    major, ttl = versions >> 24, versions & 0xFFFFFF
    if 4 <= kind <= 7:
        bits, eventgroup = _PAIR.unpack_from(data, position + 12)
        initial = bits >> 8 & _INITIAL_DATA
        return (
            Entry(kind, service, instance, major, ttl, 0, eventgroup, bits & 0xF, int(initial != 0), tuple(chosen)),
            whole,
        )
    minor = _UINT.unpack_from(data, position + 12)[0]
    return Entry(kind, service, instance, major, ttl, minor, options=tuple(chosen)), whole


def _build_entry(entry: Entry, options: list[Option]) -> bytes:
    index, number = _place(entry.options, options)
    head = _COMMON.pack(entry.type, index, 0, number << 4, entry.service, entry.instance, entry.major << 24 | entry.ttl)
    if entry.of_eventgroup:
        bits = (_INITIAL_DATA << 8 if entry.initial_data else 0) | entry.counter
        return head + _PAIR.pack(bits, entry.eventgroup)
    return head + _UINT.pack(entry.minor)


def _place(run: tuple[Option, ...], options: list[Option]) -> tuple[int, int]:
    """Where a run of options stands in the message; it is put in where it does not."""
    if not run:
        return 0, 0
    if len(run) > _RUN_LIMIT:
        raise SdError(f"an entry can have {_RUN_LIMIT} options in a run, not {len(run)}")
    for index in range(len(options) - len(run) + 1):
        if tuple(options[index : index + len(run)]) == run:
            return index, len(run)
    options.extend(run)
    if len(options) > 256:
        raise SdError("an SD message can have 256 options")
    return len(options) - len(run), len(run)
