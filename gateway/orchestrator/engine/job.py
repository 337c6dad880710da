"""Jobs: what is to be done to a unit, and which two of them can be one (systemd's job.c)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.orchestrator.engine.unit import Unit


class JobType(StrEnum):
    """What to do."""

    START = "start"
    VERIFY = "verify-active"
    STOP = "stop"
    RELOAD = "reload"
    RESTART = "restart"
    TRY_RESTART = "try-restart"
    RELOAD_OR_START = "reload-or-start"


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"


class JobMode(StrEnum):
    """What happens to other jobs."""

    REPLACE = "replace"
    FAIL = "fail"
    ISOLATE = "isolate"
    IGNORE_DEPENDENCIES = "ignore-dependencies"
    IGNORE_REQUIREMENTS = "ignore-requirements"


class JobResult(StrEnum):
    """How a job ended."""

    DONE = "done"
    CANCELED = "canceled"
    TIMEOUT = "timeout"
    FAILED = "failed"
    DEPENDENCY = "dependency"
    SKIPPED = "skipped"
    INVALID = "invalid"


_MERGED: Final = {
    frozenset({JobType.START, JobType.VERIFY}): JobType.START,
    frozenset({JobType.START, JobType.RELOAD}): JobType.RELOAD_OR_START,
    frozenset({JobType.START, JobType.RESTART}): JobType.RESTART,
    frozenset({JobType.VERIFY, JobType.RELOAD}): JobType.RELOAD,
    frozenset({JobType.VERIFY, JobType.RESTART}): JobType.RESTART,
    frozenset({JobType.RELOAD, JobType.RESTART}): JobType.RESTART,
    frozenset({JobType.RELOAD_OR_START, JobType.START}): JobType.RELOAD_OR_START,
    frozenset({JobType.RELOAD_OR_START, JobType.VERIFY}): JobType.RELOAD_OR_START,
    frozenset({JobType.RELOAD_OR_START, JobType.RELOAD}): JobType.RELOAD_OR_START,
    frozenset({JobType.RELOAD_OR_START, JobType.RESTART}): JobType.RESTART,
}


def merged(one: JobType, other: JobType) -> JobType | None:
    """The one job that does both; None when they contradict each other."""
    return one if one is other else _MERGED.get(frozenset({one, other}))


@dataclass(slots=True, eq=False)
class Job:
    """A job in the queue of an engine."""

    id: int
    unit: Unit
    type: JobType
    state: JobState = JobState.WAITING
    ignore_order: bool = False
    asked_ns: int = 0
    asked: JobType | None = field(default=None)
    """What was asked for, when a restart has become a start."""

    @property
    def shown_type(self) -> JobType:
        return self.type
