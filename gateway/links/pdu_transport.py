"""AUTOSAR's PDU transport: I-PDUs of CAN over UDP and TCP, each behind a header (SWS_SocketAdaptor, 7.3: long header).

A PDU is its identifier (4 bytes), the length of its data (4 bytes), both big-endian, and its data; any number of them
stand in a datagram, or follow one another in a stream. What an identifier means is agreed on outside: `PduMap`.
Knows no socket.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.can.frame import ERROR, EXTENDED, FD, ID_MASK, KEY_MASK, LENGTHS, REMOTE, Frame, padded_length
from gateway.links.errors import LinkError, RecordError

HEAD: Final = struct.Struct(">II")
LARGEST: Final = 1472
"""Bytes of UDP in an Ethernet frame of 1500."""
LONGEST: Final = 65535
"""Data of one PDU in a stream; a longer one is a stream that is out of step."""
_IDENTIFIERS: Final = 1 << 32
_FD_LENGTHS: Final = frozenset(LENGTHS)
_STANDARD_MASK: Final = 0x7FF


class Pdu(NamedTuple):
    """One PDU."""

    identifier: int
    data: bytes


def encode(pdu: Pdu) -> bytes:
    """A PDU as it stands in a datagram."""
    return HEAD.pack(pdu.identifier, len(pdu.data)) + pdu.data


def decode(data: bytes) -> Iterator[Pdu]:
    """The PDUs of a datagram. Raises `RecordError` for one that is not whole, before the first is yielded."""
    found = []
    at = 0
    while at < len(data):
        if at + HEAD.size > len(data):
            raise RecordError("a datagram that ends in the header of a PDU")
        identifier, length = HEAD.unpack_from(data, at)
        at += HEAD.size
        if length > len(data) - at:
            raise RecordError(f"a PDU of {length} bytes where there are {len(data) - at}")
        found.append(Pdu(identifier, data[at : at + length]))
        at += length
    return iter(found)


class PduStream:
    """PDUs out of a stream of bytes, in whatever pieces they come."""

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def partial(self) -> bool:
        """Half a PDU is here."""
        return bool(self._data)

    def feed(self, data: bytes) -> None:
        """Bytes from the peer."""
        self._data += data

    def next(self) -> Pdu | None:
        """The next PDU; None until one is there whole. Raises `RecordError` for what is none: the stream is lost then."""
        data = self._data
        if len(data) < HEAD.size:
            return None
        identifier, length = HEAD.unpack_from(data)
        if length > LONGEST:
            raise RecordError(f"a PDU of {length} bytes; {LONGEST} at most")
        end = HEAD.size + length
        if len(data) < end:
            return None
        pdu = Pdu(identifier, bytes(data[HEAD.size : end]))
        del data[:end]
        return pdu


class PduMap:
    """Which PDU carries which CAN frame. Without a map the identifiers are those of CAN, 29-bit ones with bit 31 set.

    `pdus`: PDU identifiers by header of the frame (SocketCAN's identifier word, CAN FD flags above it). `flexible`: the
    flags of a frame whose data needs CAN FD where nothing else is known: a PDU does not say. LinkError for an
    identifier that stands for two frames, or does not fit.
    """

    def __init__(self, pdus: Mapping[int, int] | None = None, flexible: int = FD) -> None:
        self._flexible: Final = flexible
        self._pdus: Final = None if not pdus else {header & KEY_MASK: pdu for header, pdu in pdus.items()}
        self._headers: Final[dict[int, int]] = {}
        for header, pdu in (pdus or {}).items():
            if not 0 <= pdu < _IDENTIFIERS:
                raise LinkError(f"PDU identifier {pdu:#x} has more than 32 bits")
            if pdu in self._headers:
                raise LinkError(f"PDU identifier {pdu:#x} stands for two frames")
            self._headers[pdu] = header

    def pdu(self, frame: Frame) -> Pdu | None:
        """What carries a frame; None for one that has no PDU (remote and error frames have none)."""
        header = frame.header
        if header & (REMOTE | ERROR):
            return None
        if self._pdus is None:
            return Pdu(header & (EXTENDED | ID_MASK), frame.data)
        identifier = self._pdus.get(header & KEY_MASK)
        return None if identifier is None else Pdu(identifier, frame.data)

    def frame(self, pdu: Pdu) -> Frame | None:
        """What a PDU carries; None for an identifier that is not in the map. `RecordError` for what no frame can carry."""
        header = self._header(pdu.identifier)
        if header is None:
            return None
        data = pdu.data
        if len(data) > 64:
            raise RecordError(f"PDU {pdu.identifier:#x} of {len(data)} bytes, which no CAN frame carries")
        if len(data) > 8 and not header & FD:
            header |= self._flexible
        if header & FD and len(data) not in _FD_LENGTHS:
            data = data.ljust(padded_length(len(data)), b"\0")
        return Frame(header, data)

    def _header(self, identifier: int) -> int | None:
        if self._pdus is not None:
            return self._headers.get(identifier)
        if identifier & EXTENDED:
            return identifier if not identifier & (REMOTE | ERROR) else None
        return identifier if identifier <= _STANDARD_MASK else None


class PduCarrier:
    """The frames of one bus as PDUs. Counted: `unmapped` frames and PDUs, `unfit`: PDUs that no frame carries."""

    def __init__(self, pdus: PduMap) -> None:
        self.unmapped = self.unfit = 0
        self._map: Final = pdus

    def encode(self, frame: Frame) -> bytes | None:
        """Its part of a datagram; None for what is not carried."""
        pdu = self._map.pdu(frame)
        if pdu is None:
            self.unmapped += 1
            return None
        return encode(pdu)

    def pack(self, parts: Sequence[bytes]) -> bytes:
        """The next datagram."""
        return b"".join(parts)

    def unpack(self, data: bytes) -> Iterable[Frame]:
        """The frames of a datagram. Raises `RecordError`."""
        return self.frames(decode(data))

    def frames(self, pdus: Iterable[Pdu]) -> list[Frame]:
        """The frames of PDUs; others are counted."""
        frames = []
        for pdu in pdus:
            try:
                frame = self._map.frame(pdu)
            except RecordError:
                self.unfit += 1
                continue
            if frame is None:
                self.unmapped += 1
            else:
                frames.append(frame)
        return frames
