"""Node configuration and identification (LIN 2.2A, 4.2): what a responder does with the services 0xB0 to 0xB7.

Requests and answers are the payloads of the transport layer. A request that is not for this node, or that it does not
support, has no answer, as the specification wants it for all but ReadByIdentifier.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final

from gateway.database.lin import ProductId, Responder
from gateway.lin.transport import BROADCAST_NAD, TransportMessage

ANY_SUPPLIER: Final = 0x7FFF
ANY_FUNCTION: Final = 0xFFFF
UNASSIGN: Final = 0x00
LEAVE: Final = 0xFF
_POSITIVE: Final = 0x40
_NEGATIVE: Final = 0x7F
_NOT_SUPPORTED: Final = 0x12


class Service(IntEnum):
    """Service identifiers (4.2.3)."""

    ASSIGN_NAD = 0xB0
    ASSIGN_FRAME_ID = 0xB1
    READ_BY_IDENTIFIER = 0xB2
    CONDITIONAL_CHANGE_NAD = 0xB3
    DATA_DUMP = 0xB4
    SAVE_CONFIGURATION = 0xB6
    ASSIGN_FRAME_ID_RANGE = 0xB7


class Configuration:
    """What of a responder can be configured. `assign` is called with the index of a configurable frame and its new
    protected identifier, or None to take it away."""

    def __init__(self, responder: Responder, assign: Callable[[int, int | None], object]) -> None:
        self.responder: Final = responder
        self.nad: int = responder.nad
        self.serial: int = 0
        self.identification: dict[int, bytes] = {}
        """Answers to ReadByIdentifier for the identifiers 32 to 63, which the maker of a node defines."""
        self._assign = assign

    def addressed(self, nad: int) -> bool:
        return nad in {self.nad, BROADCAST_NAD}

    def handle(self, request: TransportMessage) -> TransportMessage | None:
        """The answer to a request; None for none."""
        service, data = request.payload[0], request.payload[1:]
        if service == Service.ASSIGN_NAD:
            return self._assign_nad(request.nad, data)
        if not self.addressed(request.nad):
            return None
        match service:
            case Service.ASSIGN_FRAME_ID_RANGE:
                return self._assign_range(data)
            case Service.ASSIGN_FRAME_ID:
                return self._assign_one(data)
            case Service.READ_BY_IDENTIFIER:
                return self._read(data)
            case Service.CONDITIONAL_CHANGE_NAD:
                return self._change_nad(data)
            case Service.SAVE_CONFIGURATION:
                return self._answer(service)
        return None

    @property
    def product(self) -> ProductId:
        return self.responder.product

    def _answer(self, service: int, data: bytes = b"") -> TransportMessage:
        return TransportMessage(self.nad, bytes((service | _POSITIVE,)) + data)

    def _is_me(self, supplier: int, function: int) -> bool:
        mine = self.product
        return supplier in {ANY_SUPPLIER, mine.supplier} and function in {ANY_FUNCTION, mine.function}

    def _assign_nad(self, nad: int, data: bytes) -> TransportMessage | None:
        """To the initial address; the answer comes from there as well."""
        if len(data) != 5 or nad not in {self.responder.initial_nad, BROADCAST_NAD}:
            return None
        supplier, function = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
        if not self._is_me(supplier, function):
            return None
        self.nad = data[4]
        return TransportMessage(self.responder.initial_nad, bytes((Service.ASSIGN_NAD | _POSITIVE,)))

    def _assign_range(self, data: bytes) -> TransportMessage | None:
        """Up to four frames from an index on: 0 takes the identifier away, 0xFF leaves it as it is."""
        if len(data) != 5:
            return None
        start, pids = data[0], data[1:]
        known = len(self.responder.configurable)
        if any(pid != LEAVE and start + place >= known for place, pid in enumerate(pids)):
            return None
        for place, pid in enumerate(pids):
            if pid != LEAVE:
                self._assign(start + place, None if pid == UNASSIGN else pid)
        return self._answer(Service.ASSIGN_FRAME_ID_RANGE)

    def _assign_one(self, data: bytes) -> TransportMessage | None:
        """LIN 2.0: by the message id that the LDF gives; 0x40 takes the identifier away."""
        if len(data) != 5 or not self._is_me(int.from_bytes(data[:2], "little"), ANY_FUNCTION):
            return None
        message_id = int.from_bytes(data[2:4], "little")
        for index, (_, known) in enumerate(self.responder.configurable):
            if known == message_id:
                self._assign(index, None if data[4] == 0x40 else data[4])
                return self._answer(Service.ASSIGN_FRAME_ID)
        return None

    def _read(self, data: bytes) -> TransportMessage | None:
        if len(data) != 5 or not self._is_me(int.from_bytes(data[1:3], "little"), int.from_bytes(data[3:5], "little")):
            return None
        product = self.product
        if data[0] == 0:
            found: bytes | None = (
                product.supplier.to_bytes(2, "little")
                + product.function.to_bytes(2, "little")
                + bytes((product.variant,))
            )
        elif data[0] == 1:
            found = self.serial.to_bytes(4, "little")
        else:
            found = self.identification.get(data[0])
        if found is None:
            refusal = bytes((_NEGATIVE, Service.READ_BY_IDENTIFIER, _NOT_SUPPORTED))
            return TransportMessage(self.nad, refusal)
        return self._answer(Service.READ_BY_IDENTIFIER, found[:5])

    def _change_nad(self, data: bytes) -> TransportMessage | None:
        """If a byte of an identification, inverted and masked, is zero."""
        if len(data) != 5:
            return None
        identifier, byte, mask, invert, nad = data
        answer = self._read(bytes((identifier,)) + ANY_SUPPLIER.to_bytes(2, "little") + b"\xff\xff")
        if answer is None or answer.payload[0] == _NEGATIVE or not 1 <= byte < len(answer.payload):
            return None
        if (answer.payload[byte] ^ invert) & mask:
            return None
        self.nad = nad
        return self._answer(Service.CONDITIONAL_CHANGE_NAD)
