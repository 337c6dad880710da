"""SOME/IP-TP: messages longer than a datagram, in segments (AUTOSAR PRS_SOMEIPProtocol, 4.2.1.4).

A segment has TP_FLAG in its message type, and before its part of the payload four bytes: the offset, a multiple of 16,
and in the lowest bit whether more follow. All but the last have a multiple of 16 bytes.

Received segments may come in any order. What came before may come again; bytes that contradict it end the message, as
PRS_SOMEIP_00745 allows. A segment with another session begins a new message.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Hashable
from enum import Enum
from typing import Final

from gateway.someip.message import TP_FLAG, Message

SEGMENT: Final = 1392
"""Bytes of payload in a segment: the most that fits an Ethernet frame (PRS_SOMEIP_00730)."""
LONGEST: Final = 1 << 20
"""Bytes of a payload that are taken."""
BUFFERS: Final = 16
"""Messages of one receiver that may be incomplete at a time."""
TIMEOUT_NS: Final = 1_000_000_000
"""How long the next segment may take."""
_HEAD = struct.Struct(">I")
_MORE: Final = 1


class TpFault(Enum):
    """What was wrong with segments; each is counted."""

    SHORT = "a segment too short for its header"
    UNALIGNED = "a segment that is not the last and has no multiple of 16 bytes"
    TOO_LONG = "a message longer than is taken"
    DUPLICATE = "a segment that came before"
    OVERLAP = "a segment over bytes that came before, the same ones"
    CONTRADICTION = "a segment that contradicts what came before; its message was given up"
    PAST_END = "a segment past the end of its message; the message was given up"
    ABANDONED = "a message of which segments are missing"


def segments(message: Message, size: int = SEGMENT) -> list[Message]:
    """The message itself when it fits into `size` bytes of payload, otherwise its segments."""
    payload = message.payload
    if len(payload) <= size:
        return [message]
    size -= size % 16
    total = len(payload)
    kind = message.type | TP_FLAG
    return [
        message._replace(
            type=kind,
            payload=_HEAD.pack(offset | (_MORE if offset + size < total else 0)) + payload[offset : offset + size],
        )
        for offset in range(0, total, size)
    ]


class _Assembly:
    """The segments of one message so far: its bytes, and which of them are there, as spans in order."""

    __slots__ = ("end", "interval", "payload", "session", "touched_ns")

    def __init__(self, session: int) -> None:
        self.session = session
        self.payload = bytearray()
        self.interval: list[tuple[int, int]] = []
        self.end: int | None = None
        self.touched_ns = 0

    @property
    def whole(self) -> bool:
        return self.end is not None and self.interval == [(0, self.end)]

    def put(self, offset: int, data: bytes, more: bool) -> TpFault | None:
        """Put in a segment. CONTRADICTION and PAST_END mean that the message is spoilt."""
        end = offset + len(data)
        if not more and self.end not in (None, end):
            return TpFault.PAST_END
        if not more:
            self.end = end
        if self.end is not None and max(end, self.interval[-1][1] if self.interval else 0) > self.end:
            return TpFault.PAST_END
        if len(self.payload) < end:
            self.payload.extend(bytes(end - len(self.payload)))
        fault = self._known(offset, end, data)
        if fault is not TpFault.CONTRADICTION:
            self.payload[offset:end] = data
            self._add(offset, end)
        return fault

    def _known(self, offset: int, end: int, data: bytes) -> TpFault | None:
        """How the segment fits to the bytes that are there already."""
        fault = None
        for start, stop in self.interval:
            low, high = max(start, offset), min(stop, end)
            if low >= high:
                continue
            if self.payload[low:high] != data[low - offset : high - offset]:
                return TpFault.CONTRADICTION
            fault = TpFault.DUPLICATE if (low, high) == (offset, end) else TpFault.OVERLAP
        return fault

    def _add(self, start: int, end: int) -> None:
        if self.interval and self.interval[-1][1] == start:  # in order, as it mostly is
            self.interval[-1] = (self.interval[-1][0], end)
            return
        merged: list[tuple[int, int]] = []
        for low, high in sorted([*self.interval, (start, end)]):
            if merged and low <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], high))
            else:
                merged.append((low, high))
        self.interval = merged


class Reassembler:
    """Puts segments together. Feed it all segments of a socket; `faults` counts what was wrong with them."""

    def __init__(self, limit: int = LONGEST) -> None:
        self.faults: Counter[TpFault] = Counter()
        self._limit = limit
        self._assemblies: dict[tuple[Hashable, int, int, int, int, int], _Assembly] = {}

    def feed(self, message: Message, source: Hashable, now: int) -> Message | None:
        """The whole message when its last missing segment came; None before, and for what is wrong with it.

        `source`: who sent it; `now` in nanoseconds.
        """
        if len(message.payload) < _HEAD.size:
            self.faults[TpFault.SHORT] += 1
            return None
        word = _HEAD.unpack_from(message.payload)[0]
        offset, more = word & ~0xF, bool(word & _MORE)
        data = message.payload[_HEAD.size :]
        fault = self._refused(offset, data, more)
        if fault is not None:
            self.faults[fault] += 1
            return None
        key = (source, message.service, message.method, message.client, message.interface_version, message.type)
        assembly = self._assembly(key, message.session, now)
        fault = assembly.put(offset, data, more)
        if fault is not None:
            self.faults[fault] += 1
            if fault in (TpFault.CONTRADICTION, TpFault.PAST_END):
                del self._assemblies[key]
                return None
        if not assembly.whole:
            return None
        del self._assemblies[key]
        return message._replace(type=message.type & ~TP_FLAG, payload=bytes(assembly.payload))

    def _refused(self, offset: int, data: bytes, more: bool) -> TpFault | None:
        if offset + len(data) > self._limit:
            return TpFault.TOO_LONG
        if not data:
            return TpFault.SHORT
        return TpFault.UNALIGNED if more and len(data) % 16 else None

    def _assembly(self, key: tuple[Hashable, int, int, int, int, int], session: int, now: int) -> _Assembly:
        assembly = self._assemblies.get(key)
        if assembly is not None and (assembly.session != session or now - assembly.touched_ns > TIMEOUT_NS):
            self.faults[TpFault.ABANDONED] += 1
            assembly = None
        if assembly is None:
            if key not in self._assemblies and len(self._assemblies) >= BUFFERS:
                oldest = min(self._assemblies, key=lambda each: self._assemblies[each].touched_ns)
                del self._assemblies[oldest]
                self.faults[TpFault.ABANDONED] += 1
            assembly = self._assemblies[key] = _Assembly(session)
        assembly.touched_ns = now
        return assembly
