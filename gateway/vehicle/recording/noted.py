"""What the recorder has written beside frames and as events, read back. The other end is `notes`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_WAITED: Final = re.compile(r"(.*), waited (\d+)\.(\d{1,3}) us")
_SOURCE: Final = re.compile(r"(r\d+) from (\S+) at (\d+)\.(\d{9})")
_DECIDED: Final = re.compile(
    r"(?P<rule>r\d+) (?P<source>\S+) -> (?P<target>\S+) (?P<decision>filtered|dropped): (?P<reason>[^;]*); "
    r"(?P<frame>[0-9A-F]+#\S*)(?: received at (?P<s>\d+)\.(?P<ns>\d{9}))?"
)


class SourceNote(NamedTuple):
    """A frame that a gateway's frame came from: by which route, from where, when it was received."""

    rule: str
    source: str
    received_ns: int


class FrameNote(NamedTuple):
    """Who sent a frame, how long it waited for the bus (None: not known), and what it came from."""

    sender: str = ""
    waited_ns: int | None = None
    sources: tuple[SourceNote, ...] = ()


class Decided(NamedTuple):
    """An event of a route: it did not forward a frame. `frame` is as can-utils write it."""

    rule: str
    source: str
    target: str
    decision: str
    reason: str
    frame: str
    received_ns: int | None
    """When the frame had come, where that is not the time of the event."""


def note_of(comment: str) -> FrameNote:
    """The note in a frame's comment; an empty one when there is none of ours."""
    head, *rest = comment.split("; ")
    sources = [_SOURCE.fullmatch(text) for text in rest]
    waited = _WAITED.fullmatch(head)
    sender = waited[1] if waited else head
    if not sender or any(found is None for found in sources):
        return FrameNote()
    waited_ns = int(waited[2]) * 1000 + int(waited[3].ljust(3, "0")) if waited else 0
    return FrameNote(
        sender, waited_ns, tuple(SourceNote(f[1], f[2], _time_ns(f[3], f[4])) for f in sources if f is not None)
    )


def decided_in(text: str) -> Decided | None:
    """The decision in an event's text; None for other events."""
    found = _DECIDED.fullmatch(text)
    if found is None:
        return None
    received = None if found["s"] is None else _time_ns(found["s"], found["ns"])
    return Decided(
        found["rule"], found["source"], found["target"], found["decision"], found["reason"], found["frame"], received
    )


def _time_ns(seconds: str, fraction: str) -> int:
    return int(seconds) * 1_000_000_000 + int(fraction)
