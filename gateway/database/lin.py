"""What an LDF says besides messages and signals: bit rate, nodes, kinds of frames, schedule tables (LIN 2.2A, 9).

Lengths on the wire are LIN 2.2A, 2.3.2: a header has 34 bits at least (break 13, its delimiter 1, sync and protected
identifier 10 each), a response 10 bits for each byte and its checksum; a frame may take 1.4 times that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from gateway.database.lin_wire import ChecksumModel

HEADER_BITS: Final = 34
BYTE_BITS: Final = 10
PDU: Final = 8
"""Bytes of a diagnostic frame."""
_NS: Final = 1_000_000_000


def nominal_bits(length: int) -> int:
    """Bits of a frame of `length` data bytes: T_Frame_Nominal / T_Bit."""
    return HEADER_BITS + BYTE_BITS * (length + 1)


def longest_ns(length: int, bit_rate: int) -> int:
    """T_Frame_Maximum: 1.4 times the nominal length, rounded up."""
    return -(-nominal_bits(length) * 14 * _NS // (10 * bit_rate))


def nominal_ns(length: int, bit_rate: int) -> int:
    """T_Frame_Nominal, rounded up."""
    return -(-nominal_bits(length) * _NS // bit_rate)


@dataclass(frozen=True, slots=True)
class LinFrame:
    """An unconditional frame; all its signals are in the message of the same name."""

    name: str
    frame_id: int
    length: int
    publisher: str
    checksum: ChecksumModel = ChecksumModel.ENHANCED
    line: int | None = None


@dataclass(frozen=True, slots=True)
class EventTriggeredFrame:
    """One header for several frames: who has news answers. `table` resolves collisions; None: each frame in turn."""

    name: str
    frame_id: int
    frames: tuple[str, ...]
    table: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class SporadicFrame:
    """Several frames of the commander in one slot: the first that has news is sent."""

    name: str
    frames: tuple[str, ...]
    line: int | None = None


class SlotKind(Enum):
    """What the commander does in a slot."""

    FRAME = "frame"
    """The frame called `name`, of whatever kind."""
    REQUEST = "request"
    """The fixed bytes `data` with identifier 0x3C: node configuration, or free format."""
    MASTER_REQUEST = "MasterReq"
    """What diagnostics has to send with 0x3C, if it has."""
    SLAVE_RESPONSE = "SlaveResp"
    """The header 0x3D, when an answer is awaited."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An entry of a schedule table."""

    kind: SlotKind
    delay_ns: int
    name: str = ""
    data: bytes = b""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ScheduleTable:
    """Slots one after the other."""

    name: str
    slots: tuple[Slot, ...]
    line: int | None = None

    @property
    def duration_ns(self) -> int:
        return sum(slot.delay_ns for slot in self.slots)


@dataclass(frozen=True, slots=True)
class ProductId:
    """Who made a node, and what it is (LIN 2.2A, 4.2.1.1)."""

    supplier: int = 0x7FFF
    function: int = 0xFFFF
    variant: int = 0xFF


@dataclass(frozen=True, slots=True)
class Place:
    """One bit of a frame."""

    frame: str
    bit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """A responder. `configurable`: its frames in the order of AssignFrameIdRange, each with its LIN 2.0 message id."""

    name: str
    nad: int = 0x7F
    initial_nad: int = 0x7F
    product: ProductId = ProductId()
    response_error: Place | None = None
    configurable: tuple[tuple[str, int | None], ...] = ()
    p2_min_ns: int = 50_000_000
    st_min_ns: int = 0
    n_cr_ns: int = _NS
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinDescription:
    """A LIN bus as its LDF has it. Everything by name, in the file's order."""

    bit_rate: int
    commander: str
    time_base_ns: int = 0
    jitter_ns: int = 0
    responders: Mapping[str, Responder] = field(default_factory=dict)
    frames: Mapping[str, LinFrame] = field(default_factory=dict)
    events: Mapping[str, EventTriggeredFrame] = field(default_factory=dict)
    sporadics: Mapping[str, SporadicFrame] = field(default_factory=dict)
    tables: Mapping[str, ScheduleTable] = field(default_factory=dict)

    def cycle_ns(self, frame: str, table: str | None = None) -> int | None:
        """How often an unconditional frame comes in a table, by default the first one that has it; None for never."""
        chosen = [self.tables[table]] if table is not None and table in self.tables else list(self.tables.values())
        for candidate in chosen:
            times = sum(slot.kind is SlotKind.FRAME and slot.name == frame for slot in candidate.slots)
            if times:
                return candidate.duration_ns // times
        return None

    def longest_of(self, slot: Slot) -> int:
        """Data bytes of the longest frame that may be in a slot; 0 for an unknown one."""
        if slot.kind is not SlotKind.FRAME:
            return PDU
        if slot.name in self.frames:
            return self.frames[slot.name].length
        group = self.sporadics.get(slot.name) or self.events.get(slot.name)
        names = group.frames if group is not None else ()
        return max((self.frames[name].length for name in names if name in self.frames), default=0)
