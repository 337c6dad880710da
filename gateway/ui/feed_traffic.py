"""What is on the buses, by identifier: counted, timed, and the latest frame of each.

The buses note each good frame in a list, as they do for a recording; that costs a frame a tuple. The list is emptied
into the counts several times a second, and nothing is decoded here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from heapq import merge
from operator import attrgetter, itemgetter
from typing import Final

from gateway.can import EXTENDED, ID_MASK, KEY_MASK, Bus, Controller, Frame
from gateway.com import header_of
from gateway.database import Message
from gateway.ui.feed_about import MessageAbout, SignalAbout
from gateway.vehicle import Vehicle

Noted = tuple[int, int, Frame, Controller, int, int]
"""As `gateway.can.Passage`: end, index of the bus, frame, sender, request, start."""
KEPT: Final = 4096
"""Frames of a bus that are remembered for stories: some seconds of a busy one."""
MOST_MESSAGES: Final = 4096
"""Identifiers that are told apart; frames of more are counted as lost."""
_SMOOTH: Final = 16
"""Period and jitter are means in which each gap counts a sixteenth (as RFC 3550, 6.4.1, does for jitter)."""
_TIME: Final = itemgetter(0)
_FRAME: Final = itemgetter(2)
_HEADER: Final = attrgetter("header")
_PAUSE: Final = 8
"""A gap of so many periods is a pause of the sender, and none of its periods."""
_PAUSES: Final = 2
"""After so many pauses in a row the next one is the period: the first gap was an odd one."""


class Entry:
    """One identifier of one bus so far."""

    __slots__ = ("about", "count", "frame", "jitter_ns", "message", "pauses", "period_ns", "sender", "time_ns")

    def __init__(self, about: MessageAbout, message: Message | None) -> None:
        self.about: Final = about
        self.message: Final = message
        self.count: int = 0
        self.time_ns: int = 0
        self.period_ns: int = 0
        self.jitter_ns: int = 0
        self.pauses: int = 0
        self.frame: Frame | None = None
        self.sender: Controller | None = None

    def take(self, frames: int, first_ns: int, last: Noted) -> None:
        """So many more frames, the first at that time. Of them all the mean period is known, of one gap the jitter."""
        time_ns = last[0]
        period = self.period_ns
        if period:
            gap = first_ns - self.time_ns
            if gap < period * _PAUSE:
                off = (time_ns - self.time_ns) // frames - period
                self.period_ns = period + (off * min(frames, _SMOOTH)) // _SMOOTH
                off = gap - period
                self.jitter_ns += ((off if off > 0 else -off) - self.jitter_ns) // (_SMOOTH // 2)
                self.pauses = 0
            elif self.pauses == _PAUSES:
                self.period_ns, self.jitter_ns, self.pauses = gap, 0, 0
            else:
                self.pauses += 1
        elif self.count:
            self.period_ns = (time_ns - self.time_ns) // frames
        elif frames > 1:
            self.period_ns = (time_ns - first_ns) // (frames - 1)
        self.count += frames
        self.time_ns = time_ns
        self.frame = last[2]
        self.sender = last[3]


class _Wire:
    """What one bus has noted."""

    __slots__ = ("batches", "bus", "kept", "known", "noted", "recording")

    def __init__(self, bus: Bus) -> None:
        self.bus: Final = bus
        self.noted: list[Noted] = []
        self.known: Final[dict[int, Entry]] = {}
        """By header, CAN FD flags included."""
        self.batches: Final[deque[list[Noted]]] = deque()
        self.kept: int = 0
        self.recording: bool = False

    def attach(self) -> None:
        self.recording = self.bus.record is None
        if self.recording:
            self.bus.record = self.noted
        else:  # a recording has it already
            self.bus.taps.append(self._tapped)

    def detach(self) -> None:
        if not self.recording:
            self.bus.taps.remove(self._tapped)
        elif self.bus.record is self.noted:
            self.bus.record = None

    def begin_batch(self) -> None:
        """Remember what was noted, as the list that it is, and let the bus note into a new one."""
        noted = self.noted
        self.batches.append(noted)
        self.kept += len(noted)
        while self.kept > KEPT and len(self.batches) > 1:
            self.kept -= len(self.batches.popleft())
        self.noted = []
        if self.bus.record is noted:
            self.bus.record = self.noted

    def backwards(self) -> Iterator[Noted]:
        for batch in (self.noted, *reversed(self.batches)):
            yield from reversed(batch)

    def forget(self) -> None:
        self.batches.clear()
        self.kept = 0

    def _tapped(self, time_ns: int, frame: Frame, sender: Controller) -> None:
        self.noted.append((time_ns, self.bus.index, frame, sender, time_ns, time_ns))


class Traffic:
    """All identifiers of a vehicle's buses. `attach` begins, `detach` ends it and leaves nothing on the buses."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.entries: Final[list[Entry]] = []
        self.lost: int = 0
        self._wires: Final = [_Wire(bus) for bus in vehicle.buses.values()]
        self._known: dict[tuple[str, int], Entry] = {}
        for bus in vehicle.buses.values():
            for message in vehicle.databases[bus.name].messages:
                self._add(bus, header_of(message) & KEY_MASK, message)

    def attach(self) -> None:
        for wire in self._wires:
            wire.attach()

    def detach(self) -> None:
        self.drain()
        for wire in self._wires:
            wire.detach()

    def find(self, bus: str, key: int) -> Entry | None:
        return self._known.get((bus, key & KEY_MASK))

    def drain(self) -> None:
        """Take what the buses have noted since the last time.

        Frames are sorted out by their identifier all at once, because a step of Python for each frame is what watching
        would cost; of each identifier the first and the last frame are looked at, and their number.
        """
        for wire in self._wires:
            noted = wire.noted
            if not noted:
                continue
            headers = list(map(_HEADER, map(_FRAME, noted)))
            latest = dict(zip(headers, noted, strict=True))
            firsts = dict(zip(reversed(headers), reversed(noted), strict=True))
            known = wire.known
            for header, frames in Counter(headers).items():
                entry = known.get(header) or self._entry(wire, header)
                if entry is None:
                    self.lost += frames
                else:
                    entry.take(frames, firsts[header][0], latest[header])
            wire.begin_batch()

    def backwards(self) -> Iterator[Noted]:
        """The frames that are remembered, the latest first."""
        return merge(*(wire.backwards() for wire in self._wires), key=_TIME, reverse=True)

    def forget(self) -> None:
        """Begin all counts and times anew; numbers stay."""
        self.drain()
        for wire in self._wires:
            wire.forget()
        for entry in self.entries:
            entry.count = entry.time_ns = entry.period_ns = entry.jitter_ns = entry.pauses = 0
            entry.frame = entry.sender = None

    def _entry(self, wire: _Wire, header: int) -> Entry | None:
        """The entry of a header that is new; None when there is no room for another identifier."""
        key = header & KEY_MASK
        entry = self._known.get((wire.bus.name, key))
        if entry is None:
            if len(self.entries) >= MOST_MESSAGES:
                return None
            entry = self._add(wire.bus, key, None)
        wire.known[header] = entry
        return entry

    def _add(self, bus: Bus, key: int, message: Message | None) -> Entry:
        entry = self._known.get((bus.name, key))
        if entry is None:
            about = message_about(len(self.entries), bus.name, key, message)
            entry = self._known[bus.name, key] = Entry(about, message)
            self.entries.append(entry)
        return entry


def message_about(number: int, bus: str, key: int, message: Message | None) -> MessageAbout:
    """What there is to say about an identifier, by its database where one knows it."""
    digits = 8 if key & EXTENDED else 3
    identifier = f"0x{key & ID_MASK:0{digits}X}"
    if message is None:
        return MessageAbout(number, bus, key, identifier, "", (), (), 0, None, ())
    receivers = dict.fromkeys(name for signal in message.signals for name in signal.receivers)
    signals = []
    for signal in message.signals:
        choices: Mapping[int, str] = signal.choices or {}
        labels = tuple((float(signal.to_physical(raw)), label) for raw, label in choices.items())
        signals.append(SignalAbout(signal.name, signal.unit, signal.minimum, signal.maximum, labels, signal.comment))
    return MessageAbout(
        number,
        bus,
        key,
        identifier,
        message.name,
        message.senders,
        tuple(receivers),
        message.length,
        message.cycle_ns,
        tuple(signals),
        message.comment,
    )
