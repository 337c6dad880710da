"""What a viewer can do to a vehicle: put faults in and take them out, hold time, move through a recording.

Everything that comes from outside goes this one way: `Desk.do` takes one command at a time, checks it, and answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol

from gateway.ui.errors import UiError

MOST_FAULTS: Final = 32
"""Faults that are in at the same time."""


class Takes(Enum):
    """What a fault is put into, or what else it can be told."""

    ECU = "ecu"
    BUS = "bus"
    FRAMES = "frames"
    """A message as `bus.Message`, or a whole bus."""
    PROTECTED = "protected"
    """A message that has a counter or a checksum."""
    ECU_ON_BUS = "ecu on bus"
    """`ECU`, or empty for everybody."""
    SHARE = "share"
    """A probability above 0, 1 at most."""
    TIME = "time"
    """A duration, like 20ms."""
    NUMBER = "number"


class Argument(NamedTuple):
    """One thing that a fault has to be told; `default` empty when there is none."""

    name: str
    takes: Takes
    default: str
    text: str


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault: its name, what it does in a few words, what it needs to know (its target first)."""

    name: str
    group: str
    text: str
    arguments: tuple[Argument, ...]


class FaultRow(NamedTuple):
    """A fault that is at work. `until_ns` None: until somebody takes it out."""

    number: int
    kind: str
    text: str
    began_ns: int
    until_ns: int | None


class FaultDesk(Protocol):
    """Puts faults into one vehicle."""

    @property
    def kinds(self) -> tuple[FaultKind, ...]: ...

    @property
    def active(self) -> tuple[FaultRow, ...]: ...

    def begin(self, kind: str, arguments: Mapping[str, str], lasting: str) -> FaultRow:
        """GatewayError for what the vehicle does not have. `lasting`: a duration, or empty."""

    def undo(self, number: int) -> None:
        """Take it out; nothing happens when it is out already."""


class PlaybackRow(NamedTuple):
    """Where time is. `length_ns` None for a vehicle that drives on and on; with it, `position_ns` can be chosen."""

    position_ns: int
    length_ns: int | None
    paused: bool
    speed: float


class Playback(Protocol):
    """Time as a viewer can hold and move it."""

    def row(self) -> PlaybackRow: ...

    def pause(self) -> None: ...

    def go_on(self, speed: float | None) -> None: ...

    def seek(self, position_ns: int) -> None:
        """UiError where there is nothing to move through."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that can be done; what is None cannot be."""

    faults: FaultDesk | None = None
    playback: Playback | None = None

    def do(self, command: Mapping[str, Any]) -> None:
        """Carry out one command: GatewayError, with the sentence for the viewer, when it cannot be.

        `{"fault": KIND, "arguments": {NAME: TEXT}, "lasting": TIME}`, `{"undo": NUMBER}`, `{"pause": true}`,
        `{"go_on": true, "speed": X}`, `{"seek": NANOSECONDS}`.
        """
        if "fault" in command:
            self._begin(command)
        elif "undo" in command:
            self._faults.undo(_whole(command["undo"], "undo"))
        elif "pause" in command:
            self._playback.pause()
        elif "go_on" in command:
            self._playback.go_on(_speed(command.get("speed")))
        elif "seek" in command:
            self._playback.seek(_whole(command["seek"], "seek"))
        else:
            raise UiError("the command is none of fault, undo, pause, go_on and seek")

    def _begin(self, command: Mapping[str, Any]) -> None:
        kind, arguments, lasting = command["fault"], command.get("arguments", {}), command.get("lasting", "")
        if not (isinstance(kind, str) and isinstance(arguments, dict) and isinstance(lasting, str)):
            raise UiError("a fault is a kind, arguments by name, and how long it lasts")
        if len(self._faults.active) >= MOST_FAULTS:
            raise UiError(f"{MOST_FAULTS} faults are in already: take one out first")
        self._faults.begin(kind, {str(name): str(value)[:200] for name, value in arguments.items()}, lasting)

    @property
    def _faults(self) -> FaultDesk:
        if self.faults is None:
            raise UiError("no faults can be put in here: what is shown is a recording or a real bus")
        return self.faults

    @property
    def _playback(self) -> Playback:
        if self.playback is None:
            raise UiError("time cannot be held here: a real bus does not wait")
        return self.playback


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 62:
        raise UiError(f"{name} needs a number, 0 or above")
    return int(value)


def _speed(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.01 <= value <= 100:
        raise UiError("a speed is between 0.01 and 100")
    return float(value)
