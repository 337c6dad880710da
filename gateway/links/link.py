"""The seam between a bus and what is outside of it: a kernel's interface, or an adapter.

A link takes frames and hands frames over; who may send when is decided out there. It tells its bus what came, which of
the bus's own frames went out, what was lost, and when the interface goes down and comes back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from gateway.can import BusEventKind, Frame
from gateway.links.errors import LinkError

SOCKETCAN: Final = "socketcan"
ACF: Final = "acf"
"""IEEE 1722 ACF-CAN, over UDP or raw Ethernet."""
PDU: Final = "pdu"
"""AUTOSAR PDU transport, over UDP or TCP."""
_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([kKM]?)")
_RATE_UNITS: Final = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000}
_INTERFACE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FORM: Final = "[INTERFACE:]CHANNEL[@BITRATE[/DATABITRATE]][,KEY=VALUE...]"


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """Where a bus is linked to. `interface`: socketcan, acf, pdu, or one of python-can's; bit rates in bit/s, None for the
    bus's; `pdus`: PDU identifiers by the frame's header (AUTOSAR PDU transport)."""

    interface: str
    channel: str
    bitrate: int | None = None
    data_bitrate: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    pdus: Mapping[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.channel if self.interface == SOCKETCAN else f"{self.interface}:{self.channel}"


@dataclass(frozen=True, slots=True)
class LinkRates:
    """What the bus of the vehicle file has: bit rates in bit/s, `data_bitrate` None for a bus without CAN FD."""

    bitrate: int
    data_bitrate: int | None


class LinkUser(Protocol):
    """What a bus offers to its link. All times are the kernel's, in nanoseconds; all calls come from the loop's thread."""

    def received(self, frame: Frame, time_ns: int) -> None:
        """Somebody outside sent a frame."""

    def confirmed(self, frame: Frame, time_ns: int) -> None:
        """A frame that the bus handed over is on the wire."""

    def rejected(self, frame: Frame, reason: str) -> None:
        """A frame that the bus handed over will never be on the wire."""

    def ready(self) -> None:
        """The link takes frames again, after it has answered False to one."""

    def lost(self, frames: int) -> None:
        """So many frames from outside were lost before anybody here could read them."""

    def trouble(self, kind: BusEventKind, text: str) -> None:
        """An error frame, or what else the interface reports."""

    def down(self, reason: str) -> None:
        """The interface is gone; the link tries to get it back."""

    def up(self) -> None:
        """The interface is back."""


class Arbiter(Enum):
    """Who decides when a frame goes out."""

    KERNEL = "kernel"
    ADAPTER = "adapter"


class Link(Protocol):
    """One bus's way out."""

    name: str
    """As people call it: vcan0, pcan:PCAN_USBBUS1."""
    arbiter: Arbiter

    def open(self, user: LinkUser) -> None:
        """Begin; a `SimulationLoop` in wall time must run. LinkError with the reason when that cannot be."""

    def close(self) -> None:
        """End; nothing is told to the user afterwards."""

    def drain(self) -> int:
        """Hand over some of what has come already, and say how many frames that was."""

    def send(self, frame: Frame) -> bool:
        """Take a frame. False while it cannot: `ready` is told when it can again."""

    def want(self, keys: frozenset[int] | None) -> None:
        """Take frames of these identifiers only (as headers without the CAN FD flags); None for all."""


LinkFactory = Callable[[LinkAddress, LinkRates], Link]


def parse_address(text: str) -> LinkAddress:
    """The address of `vcan0`, `pcan:PCAN_USBBUS1@125k`, `udp_multicast:239.74.163.2,port=43113` and so on."""
    place, *settings = text.strip().split(",")
    channel, at, rates = place.partition("@")
    interface, colon, rest = channel.partition(":")
    if not colon:
        interface, rest = SOCKETCAN, channel
    if not _INTERFACE.fullmatch(interface):
        raise LinkError(f"link {text!r}: {interface!r} is no interface's name; a link is {_FORM}")
    if not rest:
        raise LinkError(f"link {text!r} names no channel; a link is {_FORM}")
    bitrate, slash, data_bitrate = rates.partition("/")
    return LinkAddress(
        interface,
        rest,
        _bit_rate(text, bitrate) if at else None,
        _bit_rate(text, data_bitrate) if slash else None,
        dict(_setting(text, setting) for setting in settings),
    )


def _bit_rate(link: str, text: str) -> int:
    found = _RATE.fullmatch(text)
    if found is None:
        raise LinkError(f"link {link!r}: {text!r} is not a bit rate: write it like 500k, 2M or 125000")
    return round(float(found[1]) * _RATE_UNITS[found[2]])


def _setting(link: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip().isidentifier():
        raise LinkError(f"link {link!r}: {text!r} is no KEY=VALUE; a link is {_FORM}")
    return key.strip(), value.strip()
