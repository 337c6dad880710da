"""LIN's transport layer (LIN 2.2A, 3.2): messages of up to 4095 bytes in the 8 bytes of identifiers 0x3C and 0x3D.

A PDU is node address, protocol control information (PCI) and data, filled up with 0xFF. The PCI's upper half tells the
kind: 0 a single frame (its lower half the length, 1 to 6), 1 a first frame (the length's upper 4 bits; the next byte the
lower 8; then 5 bytes), 2 a consecutive frame (a counter from 1, modulo 16; 6 bytes). There is no flow control: the
schedule is the pace.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from gateway.database.lin import PDU
from gateway.lin.errors import LinError

BROADCAST_NAD: Final = 0x7F
FUNCTIONAL_NAD: Final = 0x7E
LONGEST: Final = 0xFFF
SINGLE: Final = 6
_FIRST: Final = 5
_FILL: Final = b"\xff"
_KIND_SINGLE, _KIND_FIRST, _KIND_CONSECUTIVE = 0, 1, 2


class TransportMessage(NamedTuple):
    """A whole message; `nad` is the address of the responder, whichever way it goes."""

    nad: int
    payload: bytes


class TransportFault(Enum):
    """Why a message that had begun was given up."""

    TIMEOUT = "the next frame did not come in time"
    SEQUENCE = "a frame is missing"
    RESTARTED = "another message began"


def segments(message: TransportMessage) -> Iterator[bytes]:
    """The PDUs of a message. LinError for an empty one, and for more than 4095 bytes."""
    nad, payload = message
    if not 1 <= len(payload) <= LONGEST:
        raise LinError(f"a message of LIN's transport layer has 1 to {LONGEST} bytes, not {len(payload)}")
    if not 0 <= nad <= 0xFF:
        raise LinError(f"{nad:#x} is no node address")
    if len(payload) <= SINGLE:
        yield (bytes((nad, len(payload))) + payload).ljust(PDU, _FILL)
        return
    yield bytes((nad, _KIND_FIRST << 4 | len(payload) >> 8, len(payload) & 0xFF)) + payload[:_FIRST]
    for number, at in enumerate(range(_FIRST, len(payload), SINGLE), 1):
        pci = _KIND_CONSECUTIVE << 4 | number & 0xF
        yield (bytes((nad, pci)) + payload[at : at + SINGLE]).ljust(PDU, _FILL)


class Reassembly:
    """Puts messages together again. Feed it with `receive`; each call tells what has come of it.

    A consecutive frame must come within `timeout_ns` (N_Cr); what does not belong to a message is ignored, as the
    specification wants it. `faults` counts what was given up, by reason.
    """

    def __init__(self, timeout_ns: int) -> None:
        self.timeout_ns: Final = timeout_ns
        self.faults: dict[TransportFault, int] = {}
        self._nad = 0
        self._length = 0
        self._parts = b""
        self._next = 0
        self._due_ns = 0

    @property
    def busy(self) -> bool:
        """A message has begun and is not complete."""
        return self._length > 0

    def receive(self, pdu: bytes, now_ns: int) -> TransportMessage | None:
        """The message that this PDU completes, if it does. Takes any bytes."""
        if len(pdu) != PDU:
            return None
        if self.busy and now_ns > self._due_ns:
            self._give_up(TransportFault.TIMEOUT)
        nad, pci = pdu[0], pdu[1]
        kind, low = pci >> 4, pci & 0xF
        if kind == _KIND_SINGLE and 1 <= low <= SINGLE:
            self._begin()
            return TransportMessage(nad, pdu[2 : 2 + low])
        if kind == _KIND_FIRST and low << 8 | pdu[2] > SINGLE:
            self._begin()
            self._nad, self._length, self._parts, self._next = nad, low << 8 | pdu[2], pdu[3:], 1
            self._due_ns = now_ns + self.timeout_ns
        elif kind == _KIND_CONSECUTIVE and self.busy and nad == self._nad:
            return self._continue(low, pdu[2:], now_ns)
        return None

    def _begin(self) -> None:
        if self.busy:
            self._give_up(TransportFault.RESTARTED)

    def _continue(self, number: int, data: bytes, now_ns: int) -> TransportMessage | None:
        if number != self._next:
            self._give_up(TransportFault.SEQUENCE)
            return None
        self._parts += data
        self._next = (number + 1) & 0xF
        self._due_ns = now_ns + self.timeout_ns
        if len(self._parts) < self._length:
            return None
        message = TransportMessage(self._nad, self._parts[: self._length])
        self._length = 0
        return message

    def _give_up(self, fault: TransportFault) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1
        self._length = 0
