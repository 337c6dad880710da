"""pcapng, written: sections, interfaces and packets (draft-ietf-opsawg-pcapng).

A file is a sequence of blocks: type, total length, body, total length again, all padded to 32 bits. The section header
comes first; each interface has a description block; packets name their interface by its index. We write little-endian
on every machine, nanoseconds, and nothing about the date or the machine, so that the same run gives the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import BinaryIO, Final

from gateway.trace.errors import TraceError
from gateway.trace.files import Output
from gateway.trace.record import Direction
from gateway.version import __version__

SECTION_HEADER: Final = 0x0A0D0D0A
INTERFACE_DESCRIPTION: Final = 1
OBSOLETE_PACKET: Final = 2
SIMPLE_PACKET: Final = 3
ENHANCED_PACKET: Final = 6

BYTE_ORDER: Final = 0x1A2B3C4D

OPT_END: Final = 0
OPT_COMMENT: Final = 1
SHB_USERAPPL: Final = 4
IF_NAME: Final = 2
IF_DESCRIPTION: Final = 3
IF_TSRESOL: Final = 9
IF_TSOFFSET: Final = 14
EPB_FLAGS: Final = 2

OPTION_MAX: Final = 0xFFFF
CHUNK: Final = 1 << 20


class LinkType(IntEnum):
    """Link types (tcpdump.org/linktypes.html) that a vehicle's recording has."""

    ETHERNET = 1
    LIN = 212
    CAN_SOCKETCAN = 227
    WIRESHARK_UPPER_PDU = 252


class Flush(Enum):
    """When a writer hands its bytes to the stream: in large pieces, or after each packet for a live pipe."""

    CHUNKS = "chunks"
    EACH_PACKET = "each packet"


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of a capture. `description` is for people."""

    name: str
    link_type: int = LinkType.CAN_SOCKETCAN
    description: str = ""


def option(code: int, value: bytes) -> bytes:
    """One option, padded to 32 bits (section 3.5)."""
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def text_option(code: int, text: str) -> bytes:
    """A UTF-8 option; nothing for an empty text. A text above 65,535 bytes is cut at a character."""
    value = text.encode("utf-8", "replace")
    if len(value) > OPTION_MAX:
        value = value[:OPTION_MAX].decode("utf-8", "ignore").encode()
    return option(code, value) if value else b""


def packet_options(comment: str, direction: int) -> bytes:
    """The options of an enhanced packet block: opt_comment, epb_flags; nothing when there is nothing to say."""
    options = text_option(OPT_COMMENT, comment)
    if direction:
        options += option(EPB_FLAGS, struct.pack("<I", direction))
    return options + option(OPT_END, b"") if options else b""


def block(kind: int, body: bytes) -> bytes:
    """A whole block around a body that is padded already."""
    total = len(body) + 12
    return struct.pack("<II", kind, total) + body + struct.pack("<I", total)


def section_header(comment: str) -> bytes:
    """The block a file starts with (section 4.1); its length is told as unknown, so that it can be streamed."""
    options = text_option(OPT_COMMENT, comment)
    options += text_option(SHB_USERAPPL, f"vehicle-gateway {__version__}") + option(OPT_END, b"")
    return block(SECTION_HEADER, struct.pack("<IHHq", BYTE_ORDER, 1, 0, -1) + options)


def interface_description(interface: Interface) -> bytes:
    """An interface (section 4.2) with nanosecond resolution and no limit on the packets' length."""
    options = text_option(IF_NAME, interface.name) + text_option(IF_DESCRIPTION, interface.description)
    options += option(IF_TSRESOL, b"\x09") + option(OPT_END, b"")
    return block(INTERFACE_DESCRIPTION, struct.pack("<HHI", interface.link_type, 0, 0) + options)


class PcapngWriter:
    """Writes packets of any link type. TraceError when the stream refuses."""

    def __init__(
        self,
        stream: BinaryIO,
        interfaces: Sequence[Interface] = (),
        comment: str = "",
        flush: Flush = Flush.CHUNKS,
    ) -> None:
        self.interfaces: list[Interface] = []
        self._output = Output(stream, CHUNK if flush is Flush.CHUNKS else 0)
        self.append = self._output.append
        """Take one whole block, already encoded."""
        self.append(section_header(comment))
        for interface in interfaces:
            self.add_interface(interface)

    def add_interface(self, interface: Interface) -> int:
        """Describe one more interface; gives the index by which packets name it."""
        self.append(interface_description(interface))
        self.interfaces.append(interface)
        return len(self.interfaces) - 1

    def packet(
        self,
        interface: int,
        time_ns: int,
        data: bytes,
        comment: str = "",
        direction: Direction = Direction.UNKNOWN,
    ) -> None:
        """An enhanced packet block (section 4.3). IndexError for an unknown interface, TraceError below time 0."""
        if not 0 <= interface < len(self.interfaces):
            raise IndexError(f"there is no interface {interface}")
        if not 0 <= time_ns < 1 << 64:
            raise TraceError(f"pcapng holds times from 0 to 2^64-1 ns, not {time_ns}")
        length = len(data)
        head = struct.pack("<IIIII", interface, time_ns >> 32, time_ns & 0xFFFFFFFF, length, length)
        options = packet_options(comment, direction)
        self.append(block(ENHANCED_PACKET, head + data + bytes(-length % 4) + options))

    def flush(self) -> None:
        self._output.flush()

    def close(self) -> None:
        self._output.close()
