"""Text events in a capture, as Wireshark's "exported PDU" (link type 252) of a syslog message.

Tags of type and length (16 bits each, big-endian) with padded values come first, then the message (wireshark
epan/exported_pdu.h). The message is `<PRI>text` (RFC 3164, 4.1.1) of facility local0, so that Wireshark shows severity
and text, and a filter such as `syslog.level <= 4` works.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from gateway.trace.record import Event, Severity

TAG_END: Final = 0
TAG_DISSECTOR_NAME: Final = 12
FACILITY_LOCAL0: Final = 16

_NAME: Final = b"syslog"
_HEAD: Final = struct.pack(">HH", TAG_DISSECTOR_NAME, 8) + _NAME.ljust(8, b"\0") + struct.pack(">HH", TAG_END, 0)
_PRI: Final = re.compile(rb"<(\d{1,3})>")


def to_packet(text: str, severity: Severity) -> bytes:
    """The packet of an event."""
    return _HEAD + f"<{FACILITY_LOCAL0 * 8 + severity}>{text}".encode("utf-8", "replace")


def from_packet(time_ns: int, packet: bytes) -> Event | None:
    """The event of a packet; None when it is another protocol's."""
    position = 0
    name = b""
    while position + 4 <= len(packet):
        tag, length = struct.unpack_from(">HH", packet, position)
        position += 4
        if tag == TAG_END:
            return _event(time_ns, packet[position:]) if name == _NAME else None
        if tag == TAG_DISSECTOR_NAME:
            name = packet[position : position + length].rstrip(b"\0")
        position += length
    return None


def _event(time_ns: int, message: bytes) -> Event:
    found = _PRI.match(message)
    if found is None:
        return Event(time_ns, message.decode("utf-8", "replace"))
    text = message[found.end() :].decode("utf-8", "replace")
    return Event(time_ns, text, Severity(int(found[1]) & 7))
