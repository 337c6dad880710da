"""All identifiers that have come, counted and timed, with the latest frame of each. Knows no bus and no vehicle.

It is the same for who watches in the vehicle's process and for who gets the frames in another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Final, Protocol

from gateway.can import EXTENDED, ID_MASK, KEY_MASK, Frame
from gateway.database import Message
from gateway.ui.feed_about import MessageAbout, SignalAbout

MOST_MESSAGES: Final = 4096
"""Identifiers that are told apart; frames of more are counted as lost."""
_SMOOTH: Final = 16
"""Period and jitter are means in which each gap counts a sixteenth (as RFC 3550, 6.4.1, does for jitter)."""
_FRAME: Final = itemgetter(2)
_HEADER: Final = attrgetter("header")
_PAUSE: Final = 8
"""A gap of so many periods is a pause of the sender, and none of its periods."""
_PAUSES: Final = 2
"""After so many pauses in a row the next one is the period: the first gap was an odd one."""


class Sender(Protocol):
    """Who has sent a frame."""

    @property
    def name(self) -> str: ...


Noted = tuple[int, int, Frame, Sender, int, int]
"""As `gateway.can.Passage`: end, index of the bus, frame, sender, request, start."""


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
        self.sender: Sender | None = None

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


class Ledger:
    """Entries by their number, which is the order in which they were added; `lost`: frames that had no room here."""

    def __init__(self) -> None:
        self.entries: Final[list[Entry]] = []
        self.lost: int = 0
        self._known: Final[dict[tuple[str, int], Entry]] = {}

    def add(self, bus: str, key: int, message: Message | None) -> Entry:
        """The entry of an identifier, made when it is new."""
        entry = self._known.get((bus, key))
        if entry is None:
            about = message_about(len(self.entries), bus, key, message)
            entry = self._known[bus, key] = Entry(about, message)
            self.entries.append(entry)
        return entry

    def find(self, bus: str, key: int) -> Entry | None:
        return self._known.get((bus, key & KEY_MASK))

    def count(self, bus: str, known: dict[int, Entry], noted: Sequence[Noted]) -> None:
        """Take frames of one bus, in their order. `known`: entries by header, CAN FD flags included, kept by the caller.

        Frames are sorted out by their identifier all at once, because a step of Python for each frame is what watching
        would cost; of each identifier the first and the last frame are looked at, and their number.
        """
        headers = list(map(_HEADER, map(_FRAME, noted)))
        latest = dict(zip(headers, noted, strict=True))
        firsts = dict(zip(reversed(headers), reversed(noted), strict=True))
        for header, frames in Counter(headers).items():
            entry = known.get(header) or self._entry(bus, known, header)
            if entry is None:
                self.lost += frames
            else:
                entry.take(frames, firsts[header][0], latest[header])

    def forget(self) -> None:
        """Begin all counts and times anew; numbers stay."""
        for entry in self.entries:
            entry.count = entry.time_ns = entry.period_ns = entry.jitter_ns = entry.pauses = 0
            entry.frame = entry.sender = None

    def _entry(self, bus: str, known: dict[int, Entry], header: int) -> Entry | None:
        """The entry of a header that is new; None when there is no room for another identifier."""
        key = header & KEY_MASK
        entry = self._known.get((bus, key))
        if entry is None:
            if len(self.entries) >= MOST_MESSAGES:
                return None
            entry = self.add(bus, key, None)
        known[header] = entry
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
