"""Why a signal or a message does not arrive: one cause, and what is known of the way up to it, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple


class Fault(Enum):
    """What keeps something from arriving."""

    NONE = "nothing is wrong"
    # At the sender
    ECU_LEFT_OUT = "ECU left out"
    ECU_OFF = "ECU off"
    UNIT_STOPPED = "unit stopped"
    ECU_FAILED = "behaviour failed"
    ECU_SILENT = "ECU silent"
    MESSAGE_SILENT = "message not sent"
    BUS_OFF = "bus-off"
    NO_SENDER = "no sender"
    NOT_ASKED = "nobody asked for it"
    NO_RESPONSE = "no response"
    # On the bus
    LOST_ARBITRATION = "lost arbitration"
    BUS_DISTURBED = "bus disturbed"
    BUS_SILENT = "bus silent"
    LINK_SILENT = "nothing over the link"
    LINK_DOWN = "link down"
    WRONG_BUS = "wrong bus"
    WRONG_ID_KIND = "wrong kind of identifier"
    WRONG_CHECKSUM = "wrong checksum"
    COUNTER_STUCK = "counter stuck"
    E2E_REFUSED = "end-to-end check failed"
    # In the gateway
    GATEWAY_LEFT_OUT = "gateway left out"
    GATEWAY_OFF = "gateway off"
    GATEWAY_DEAF = "gateway does not receive"
    OWN_FRAME = "the gateway's own frame"
    CONDITION = "filtered by when"
    CONDITION_UNDECIDED = "condition cannot be told"
    RATE_LIMIT = "filtered by every"
    UNCHANGED = "filtered: unchanged"
    QUEUE_FULL = "queue full"
    NEEDS_FD = "needs CAN FD"
    DROPPED = "dropped"
    # In the value
    OUT_OF_RANGE = "value out of range"
    NOT_MAPPED = "value not in the map"
    NO_RESULT = "no result of the expression"
    WRONG_TYPE = "not a value of the leaf"
    WRONG_LENGTH = "wrong length"
    MULTIPLEXED_OUT = "multiplexed out"
    # Above
    NOT_FED = "mapping missing"
    TARGET_REFUSED = "target refused"


class Place(NamedTuple):
    """Where a rule stands."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Cause:
    """One fault. `text` goes on where the subject was named: `Motor is bus-off since 1.200 s`."""

    fault: Fault
    text: str
    place: Place | None = None
    time_ns: int | None = None
    """Since when, or when last."""

    def __str__(self) -> str:
        return f"{self.text} ({self.place})" if self.place is not None else self.text


class Stage(NamedTuple):
    """One station on the way, from the sender up: when last, and what happened there."""

    time_ns: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is the matter with a signal or a message. `state` is what is to be explained, `way` from the CAN frame up."""

    subject: str
    state: str
    cause: Cause
    way: tuple[Stage, ...]
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The first line: what, and why."""
        return f"{self.subject} {self.state}: {self.cause}"

    def as_json(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        cause = self.cause
        return {
            "subject": self.subject,
            "state": self.state,
            "cause": cause.fault.value,
            "text": cause.text,
            "file": None if cause.place is None else cause.place.file,
            "line": None if cause.place is None else cause.place.line,
            "time_ns": cause.time_ns,
            "way": [{"time_ns": stage.time_ns, "text": stage.text} for stage in self.way],
            "notes": list(self.notes),
        }
