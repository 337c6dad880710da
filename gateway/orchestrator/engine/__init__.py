"""systemd's job engine and units as protocol objects on the kernel's time. Knows unit files; no bus and no process."""

from gateway.orchestrator.engine.engine import Engine, Observer
from gateway.orchestrator.engine.job import Job, JobMode, JobResult, JobState, JobType
from gateway.orchestrator.engine.program import Exit, Process, ProcessEvents, Runner, Start
from gateway.orchestrator.engine.service import Service
from gateway.orchestrator.engine.states import Active, Freezer
from gateway.orchestrator.engine.unit import Unit

__all__ = [
    "Active",
    "Engine",
    "Exit",
    "Freezer",
    "Job",
    "JobMode",
    "JobResult",
    "JobState",
    "JobType",
    "Observer",
    "Process",
    "ProcessEvents",
    "Runner",
    "Service",
    "Start",
    "Unit",
]
