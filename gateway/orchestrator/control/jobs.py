"""The controller's jobs: one request for one unit of one node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.orchestrator.engine import JobState

JOB_TYPES: Final = {
    "StartUnit": "start",
    "StopUnit": "stop",
    "ReloadUnit": "reload",
    "RestartUnit": "restart",
    "StartTransientUnit": "start",
}


@dataclass(slots=True, eq=False)
class UnitJob:
    """A job, from its acceptance by the agent to its result."""

    id: int
    node: str
    unit: str
    method: str
    state: JobState
    asked_ns: int

    @property
    def type(self) -> str:
        return JOB_TYPES[self.method]
