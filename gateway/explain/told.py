"""What buses, ECUs and signals have told in a recording besides frames. The other end is `vehicle.notes`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.can import BusEventKind

_TOLD: Final = re.compile(
    r"(?P<place>[\w.-]+): (?P<kind>[^:]+?): (?P<who>[^:]+?)(?: (?P<frame>[0-9A-F]+#\S*))?: (?P<text>.*)", re.DOTALL
)
_FAILED: Final = re.compile(r"(?P<ecu>[^:]+): failed: (?P<place>[^:]+:\d+): (?P<error>.*)", re.DOTALL)
_TARGET: Final = re.compile(r"(?P<path>[\w.]+): target refused: (?P<why>.*)", re.DOTALL)
_SERVICE: Final = re.compile(
    r"(?P<path>[\w.]+): (?P<what>request refused|held back): (?P<by>[^:]+): (?P<why>.*)", re.DOTALL
)
_QUALITY: Final = re.compile(r"(?P<path>[\w.]+): (?P<quality>stale|good)")

OFF: Final = "off"
ON: Final = "on"
BUS_OFF: Final = BusEventKind.BUS_OFF.value
RECOVERED: Final = BusEventKind.RECOVERED.value
REFUSED: Final = BusEventKind.REFUSED.value
LINK_DOWN: Final = BusEventKind.LINK_DOWN.value
LINK_UP: Final = BusEventKind.LINK_UP.value
ERRORS: Final = frozenset({BusEventKind.ERROR.value, BusEventKind.COLLISION.value, BusEventKind.NO_ACK.value})
LIN_FAULTS: Final = frozenset(
    {BusEventKind.NO_RESPONSE.value, BusEventKind.CHECKSUM.value, BusEventKind.LATE_RESPONSE.value}
)


class Told(NamedTuple):
    """An event of a bus: `who` is a controller, `frame` as can-utils write it."""

    time_ns: int
    bus: str
    kind: str
    who: str
    frame: str
    text: str


class Failed(NamedTuple):
    """An ECU's behaviour raised an error."""

    time_ns: int
    ecu: str
    place: str
    error: str


class TargetRefused(NamedTuple):
    """A target value that was not sent down."""

    time_ns: int
    path: str
    why: str


class QualityChanged(NamedTuple):
    """A signal has become stale, or good again."""

    time_ns: int
    path: str
    quality: str


class NotServed(NamedTuple):
    """A request for a signal that the service bus refused, or a value that its policy held back. `by`: `MQTT`."""

    time_ns: int
    path: str
    refused: bool
    by: str
    why: str


AnyTold = Told | Failed | TargetRefused | QualityChanged | NotServed


def told_in(time_ns: int, text: str) -> AnyTold | None:
    """What an event says; None for those of routes, and for other programs' events."""
    found = _FAILED.fullmatch(text)
    if found is not None:
        return Failed(time_ns, found["ecu"], found["place"], found["error"])
    found = _TARGET.fullmatch(text)
    if found is not None:
        return TargetRefused(time_ns, found["path"], found["why"])
    found = _SERVICE.fullmatch(text)
    if found is not None:
        return NotServed(time_ns, found["path"], found["what"] == "request refused", found["by"], found["why"])
    found = _TOLD.fullmatch(text)
    if found is not None:
        return Told(time_ns, found["place"], found["kind"], found["who"], found["frame"] or "", found["text"])
    found = _QUALITY.fullmatch(text)
    return None if found is None else QualityChanged(time_ns, found["path"], found["quality"])
