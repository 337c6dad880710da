"""What is on the buses, by identifier: counted, timed, and the latest frame of each.

The buses note each good frame in a list, as they do for a recording; that costs a frame a tuple. The list is emptied
into the counts several times a second, and nothing is decoded here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from gateway.can import EXTENDED, ID_MASK, KEY_MASK, Bus, Controller, Frame
from gateway.com import header_of
from gateway.database import Message
from gateway.ui.feed_about import MessageAbout, SignalAbout
from gateway.vehicle import Vehicle

Noted = tuple[int, int, Frame, Controller, int, int]
"""As `gateway.can.Passage`: end, index of the bus, frame, sender, request, start."""
KEPT: Final = 8192
"""Frames that are remembered for stories: about a second of a busy vehicle."""
MOST_MESSAGES: Final = 4096
"""Identifiers that are told apart; frames of more are counted as lost."""
_SMOOTH: Final = 16
"""Period and jitter are means in which each gap counts a sixteenth (as RFC 3550, 6.4.1, does for jitter)."""
_BUS_SHIFT: Final = 40
"""Above all bits of a frame's header."""
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


class Traffic:
    """All identifiers of a vehicle's buses. `attach` begins, `detach` ends it and leaves nothing on the buses."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.entries: Final[list[Entry]] = []
        self.kept: Final[deque[Noted]] = deque(maxlen=KEPT)
        self.lost: int = 0
        self._vehicle = vehicle
        self._noted: list[Noted] = []
        self._known: dict[tuple[str, int], Entry] = {}
        self._by_header: dict[int, Entry] = {}
        """By index of the bus and header, as `drain` puts them together."""
        self._undo: list[Callable[[], object]] = []
        for bus in vehicle.buses.values():
            for message in vehicle.databases[bus.name].messages:
                self._add(bus, header_of(message) & KEY_MASK, message)

    def attach(self) -> None:
        for bus in self._vehicle.buses.values():
            if bus.record is None:
                bus.record = self._noted
                self._undo.append(partial(_forget, bus, self._noted))
            else:  # a recording has it already
                tap = partial(self._tapped, bus.index)
                bus.taps.append(tap)
                self._undo.append(partial(bus.taps.remove, tap))

    def detach(self) -> None:
        self.drain()
        for undo in self._undo:
            undo()
        self._undo.clear()

    def find(self, bus: str, key: int) -> Entry | None:
        return self._known.get((bus, key & KEY_MASK))

    def drain(self) -> None:
        """Take what the buses have noted since the last time.

        Frames are sorted out by their identifier all at once, because a step of Python for each frame is what watching
        would cost; of each identifier the first and the last frame are looked at, and their number.
        """
        noted = self._noted
        if not noted:
            return
        keys = [one[1] << _BUS_SHIFT | one[2].header for one in noted]
        latest = dict(zip(keys, noted, strict=True))
        firsts = dict(zip(reversed(keys), reversed(noted), strict=True))
        known = self._by_header
        for key, frames in Counter(keys).items():
            last = latest[key]
            entry = known.get(key) or self._entry(key, last)
            if entry is None:
                self.lost += frames
            else:
                entry.take(frames, firsts[key][0], last)
        self.kept.extend(noted)
        noted.clear()

    def forget(self) -> None:
        """Begin all counts and times anew; numbers stay."""
        self.drain()
        self.kept.clear()
        for entry in self.entries:
            entry.count = entry.time_ns = entry.period_ns = entry.jitter_ns = entry.pauses = 0
            entry.frame = entry.sender = None

    def _tapped(self, bus: int, time_ns: int, frame: Frame, sender: Controller) -> None:
        self._noted.append((time_ns, bus, frame, sender, time_ns, time_ns))

    def _entry(self, place: int, noted: Noted) -> Entry | None:
        """The entry of a header that is new; None when there is no room for another identifier."""
        _, index, frame, _, _, _ = noted
        bus = next(bus for bus in self._vehicle.buses.values() if bus.index == index)
        key = frame.header & KEY_MASK
        entry = self._known.get((bus.name, key))
        if entry is None:
            if len(self.entries) >= MOST_MESSAGES:
                return None
            entry = self._add(bus, key, None)
        self._by_header[place] = entry
        return entry

    def _add(self, bus: Bus, key: int, message: Message | None) -> Entry:
        entry = self._known.get((bus.name, key))
        if entry is None:
            about = message_about(len(self.entries), bus.name, key, message)
            entry = self._known[bus.name, key] = Entry(about, message)
            self.entries.append(entry)
        return entry


def _forget(bus: Bus, noted: list[Noted]) -> None:
    if bus.record is noted:
        bus.record = None


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
