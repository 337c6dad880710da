"""Where the old and the new side of a function differed, frame by frame, and why it fell back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.sim import duration_text

Value = int | float | str


class Why(StrEnum):
    """Why a migration fell back to the ECU."""

    SILENT = "the service was silent"
    LATE = "the service was late"
    DIFFERS = "the service differed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A frame for which the two sides had different values: by signal, the ECU's and the service's."""

    time_ns: int
    frame: int
    values: Mapping[str, tuple[Value, Value]]
    sent: Mapping[str, Value]

    def __str__(self) -> str:
        signals = ", ".join(f"{name}: ECU {old}, service {new}" for name, (old, new) in self.values.items())
        return f"{duration_text(self.time_ns)}  frame {self.frame}  {signals}"


@dataclass(frozen=True, slots=True)
class FallBack:
    """When and why the ECU's output counts again."""

    time_ns: int
    why: Why
    text: str

    def __str__(self) -> str:
        return f"{duration_text(self.time_ns)}  fell back: {self.why}: {self.text}"


@dataclass(slots=True)
class MigrationReport:
    """`frames`: all frames of the message; `by_service`: those whose values were the service's."""

    message: str
    frames: int = 0
    by_service: int = 0
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)
    fall_backs: list[FallBack] = field(default_factory=list)

    def __str__(self) -> str:
        head = (
            f"{self.message}: {self.frames} frames, {self.by_service} of them the service's,"
            f" {self.differing} for which the two sides differed"
        )
        return "\n".join([head, *map(str, self.differences), *map(str, self.fall_backs)])
