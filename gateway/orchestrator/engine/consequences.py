"""What follows from a unit's new state: its job ends, other units are pulled up or taken down (systemd's unit_notify)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from gateway.orchestrator.engine.job import JobResult, JobState, JobType
from gateway.orchestrator.engine.service import Service
from gateway.orchestrator.engine.states import COMING, DOWN, GOING, UP, Active
from gateway.orchestrator.engine.transaction import STOPS
from gateway.orchestrator.engine.unit import Unit
from gateway.orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from gateway.orchestrator.engine.engine import Engine

_RUNAWAY: Final = 16
"""So often in an interval a unit is stopped or started again because of others; then it is left alone."""
_RUNAWAY_NS: Final = 10_000_000_000


class Consequences:
    """Of one engine. `pending`: units to look after once the queue of jobs is empty."""

    def __init__(self, engine: Engine) -> None:
        self.pending: dict[str, None] = {}
        self._engine = engine
        self._steady: dict[str, deque[int]] = {}

    def notify(self, unit: Unit, before: Active, *, restarts: bool = False) -> None:
        """A unit's state has changed: end its job, pull others along, tell the observers."""
        unexpected = self._job_told(unit)
        for observer in self._engine.observers:
            observer.state_changed(unit, before)
        active = unit.active
        if unexpected and before in GOING and active in COMING:
            self._follow_up(unit)
        elif unexpected and before in COMING and active in GOING:
            self._follow_down(unit)
        if active is Active.FAILED and before is not active and not restarts:
            self._begin(unit, "OnFailure")
        elif active is Active.INACTIVE and before in {Active.ACTIVE, Active.DEACTIVATING} and not restarts:
            self._begin(unit, "OnSuccess")
        if active is not before:
            self.look_later(unit)

    def _job_told(self, unit: Unit) -> bool:
        """End the unit's job when its state says so; True when the change came without one."""
        job, active = unit.job, unit.active
        if job is None:
            return True
        running = job.state is JobState.RUNNING
        unexpected = False
        if job.type in {JobType.START, JobType.VERIFY}:
            if active in UP:
                self._engine.queue.finish(job, JobResult.DONE)
            elif running and active is not Active.ACTIVATING:
                unexpected = True
                if active in DOWN:
                    self._engine.queue.finish(job, JobResult.FAILED if active is Active.FAILED else JobResult.DONE)
            elif not running and active in DOWN:
                self._engine.queue.put(job)
        elif job.type is JobType.RELOAD and running:
            if active is Active.ACTIVE:
                failed = isinstance(unit, Service) and unit.reload_failed
                self._engine.queue.finish(job, JobResult.FAILED if failed else JobResult.DONE)
            elif active not in {Active.ACTIVATING, Active.RELOADING}:
                unexpected = True
                if active in DOWN:
                    self._engine.queue.finish(job, JobResult.FAILED)
        elif job.type in STOPS:
            if active in DOWN:
                self._engine.queue.finish(job, JobResult.DONE)
            elif running and active is not Active.DEACTIVATING:
                unexpected = True
                self._engine.queue.finish(job, JobResult.FAILED)
        return unexpected

    def _follow_up(self, unit: Unit) -> None:
        for relation in ("Requires", "BindsTo", "Wants", "Upholds"):
            for name in unit.related(relation):
                ordered = relation in {"Wants", "Upholds"} or name not in unit.related("After")
                if ordered and self._engine.units[name].active not in COMING:
                    self._submit_quietly(JobType.START, name)
        for relation in ("Conflicts", "ConflictedBy"):
            for name in unit.related(relation):
                if self._engine.units[name].active not in GOING:
                    self._submit_quietly(JobType.STOP, name)

    def _follow_down(self, unit: Unit) -> None:
        for name in unit.related("BoundBy"):
            if self._engine.units[name].active not in GOING:
                self._submit_quietly(JobType.STOP, name)

    def _begin(self, unit: Unit, relation: str) -> None:
        for name in unit.related(relation):
            self._submit_quietly(JobType.START, name)

    def _submit_quietly(self, kind: JobType, name: str) -> None:
        try:
            self._engine.submit(kind, name)
        except OrchestratorError as error:
            self._engine.report(name, f"cannot be {kind}ed because of another unit: {error}")

    def look_later(self, unit: Unit) -> None:
        self.pending[unit.name] = None
        for relation in ("Requires", "Wants", "BindsTo", "Upholds", "Requisite", "BoundBy", "UpheldBy"):
            for name in unit.related(relation):
                self.pending[name] = None
        self._engine.queue.wake()

    def look(self) -> None:
        """Look after what is pending."""
        names, self.pending = self.pending, {}
        for name in names:
            if name in self._engine.units:
                self._look_after(self._engine.units[name])

    def _look_after(self, unit: Unit) -> None:
        """StopWhenUnneeded, BindsTo and Upholds, when nothing is queued for the unit."""
        if unit.job is not None:
            return
        if unit.active in UP:
            if unit.spec.stop_when_unneeded and not self._needed(unit) and self._patience(unit):
                self._submit_quietly(JobType.STOP, unit.name)
                return
            for name in unit.related("BindsTo"):
                other = self._engine.units[name]
                if other.active in DOWN and other.job is None and self._patience(unit):
                    self._submit_quietly(JobType.STOP, unit.name)
                    return
        elif unit.active in DOWN:
            for name in unit.related("UpheldBy"):
                if self._engine.units[name].active in UP and self._patience(unit):
                    self._submit_quietly(JobType.START, unit.name)
                    return

    def _needed(self, unit: Unit) -> bool:
        for relation in ("RequiredBy", "RequisiteOf", "WantedBy", "BoundBy", "UpheldBy"):
            for name in unit.related(relation):
                other = self._engine.units[name]
                if other.job is not None or other.active not in DOWN:
                    return True
        return False

    def _patience(self, unit: Unit) -> bool:
        """Not again and again, as systemd's auto_start_stop_ratelimit."""
        times = self._steady.setdefault(unit.name, deque())
        while times and times[0] <= self._engine.now - _RUNAWAY_NS:
            times.popleft()
        if len(times) >= _RUNAWAY:
            self._engine.report(unit.name, "is started and stopped because of others again and again: it is left alone")
            return False
        times.append(self._engine.now)
        return True
