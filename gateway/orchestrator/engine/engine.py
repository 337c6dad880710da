"""The engine of one node: its units, its queue of jobs, and what follows when a state changes (systemd's manager).

All happens in callbacks of the kernel, in the order of asking: the same requests give the same run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from gateway.errors import nearest
from gateway.orchestrator.engine.job import Job, JobMode, JobResult, JobState, JobType, merged
from gateway.orchestrator.engine.program import Runner
from gateway.orchestrator.engine.relations import Relations
from gateway.orchestrator.engine.service import Service
from gateway.orchestrator.engine.states import COMING, DOWN, GOING, UP, Active
from gateway.orchestrator.engine.transaction import STOPS, Transaction, collapsed
from gateway.orchestrator.engine.unit import Answer, Unit
from gateway.orchestrator.errors import (
    DestructiveError,
    JobError,
    NoSuchUnitError,
    OrchestratorError,
    WrongArgumentError,
)
from gateway.orchestrator.units import LoadState, UnitFiles, UnitSpec
from gateway.orchestrator.units.names import looks_like_unit
from gateway.sim import Kernel

_MOST_MESSAGES: Final = 1000
_RUNAWAY: Final = 16
"""So often in an interval a unit is stopped or started again because of others; then it is left alone."""
_RUNAWAY_NS: Final = 10_000_000_000


class Observer(Protocol):
    """Who is told about an engine's units and jobs. States are told as they change, without gaps."""

    def unit_new(self, unit: Unit) -> None: ...
    def unit_removed(self, unit: Unit) -> None: ...
    def state_changed(self, unit: Unit, before: Active) -> None: ...
    def properties_changed(self, unit: Unit, interface: str, values: Mapping[str, object]) -> None: ...
    def job_running(self, job: Job) -> None: ...
    def job_removed(self, job: Job, result: JobResult) -> None: ...


class Engine:
    """The units of a node. `messages`: what a journal would say; `cycles`: ordering cycles that were broken."""

    def __init__(self, kernel: Kernel, node: str, files: UnitFiles, runner: Runner) -> None:
        self.kernel: Final = kernel
        self.node: Final = node
        self.files: Final = files
        self.runner: Final = runner
        self.relations: Final = Relations()
        self.units: dict[str, Unit] = {}
        self.jobs: dict[int, Job] = {}
        self.observers: list[Observer] = []
        self.messages: deque[tuple[int, str, str]] = deque(maxlen=_MOST_MESSAGES)
        self.cycles: list[tuple[str, ...]] = []
        self._next_job = 1
        self._queue: deque[Job] = deque()
        self._check: dict[str, None] = {}
        self._draining = False
        self._steady: dict[str, deque[int]] = {}
        self.load_all()

    @property
    def now(self) -> int:
        return self.kernel.now

    def report(self, unit: str, text: str) -> None:
        """A line of the journal."""
        self.messages.append((self.now, unit, text))

    # Units

    def load_all(self) -> None:
        """Load every unit that has a file, and those that these mention."""
        for name in self.files.names():
            self.unit(name)

    def unit(self, name: str) -> Unit:
        """The unit, loaded now if it was not. WrongArgumentError for what is no name of a unit."""
        found = self.units.get(name)
        if found is not None:
            return found
        if not looks_like_unit(name):
            raise WrongArgumentError(f"Unit name {name} is not valid.")
        spec = self.files.load(name)
        unit = (Service if spec.service is not None or name.endswith(".service") else Unit)(self, spec)
        self.units[name] = unit
        self._relate(spec)
        for observer in self.observers:
            observer.unit_new(unit)
        return unit

    def _relate(self, spec: UnitSpec) -> None:
        for note in spec.notes:
            self.report(spec.name, str(note))
        for mentioned in self.relations.add(spec):
            self.unit(mentioned)

    def known(self, name: str) -> Unit:
        """A unit that there is. NoSuchUnitError, with the nearest name."""
        unit = self.units.get(name)
        if unit is None and self.files.has(name):
            unit = self.unit(name)
        if unit is None or (unit.spec.load_state is LoadState.NOT_FOUND and unit.active in DOWN):
            near = nearest(
                name, [known for known, one in self.units.items() if one.spec.load_state is LoadState.LOADED]
            )
            raise NoSuchUnitError(f"Unit {name} not found.{near}")
        return unit

    def reload(self) -> None:
        """Read all unit files again (daemon-reload); what runs goes on."""
        self.files.reload()
        self.relations.clear()
        for name, unit in list(self.units.items()):
            spec = self.files.load(name)
            idle = unit.active in DOWN and unit.job is None
            if spec.load_state is LoadState.NOT_FOUND and idle:
                del self.units[name]
                for observer in self.observers:
                    observer.unit_removed(unit)
            else:
                unit.spec = spec
        for unit in list(self.units.values()):
            self._relate(unit.spec)
        self.load_all()

    # Jobs

    def submit(self, kind: JobType, name: str, mode: JobMode = JobMode.REPLACE, *, manual: bool = False) -> Job:
        """Put a job and all that it pulls in into the queue.

        Raises OrchestratorError: no such unit, contradicting jobs, an ordering cycle, a job in the way with mode
        `fail`. Nothing is queued then.
        """
        unit = self.unit(name)
        if mode is JobMode.ISOLATE and kind is not JobType.START:
            raise WrongArgumentError("Isolate is only valid for start.")
        if manual and (
            (unit.spec.refuse_manual_start and kind is not JobType.STOP)
            or (unit.spec.refuse_manual_stop and kind in STOPS)
        ):
            raise JobError(f"Operation refused, unit {name} may be requested by dependency only.")
        if kind is JobType.STOP and unit.spec.load_state is LoadState.NOT_FOUND and unit.active in DOWN:
            raise NoSuchUnitError(f"Unit {name} not loaded.")
        transaction = Transaction(self, mode)
        transaction.ask(unit, kind)
        if mode is JobMode.ISOLATE:
            transaction.stop_others(unit)
        transaction.settle()
        if mode is JobMode.FAIL:
            self._refuse_destruction(transaction)
        installed = [self._install(wish.unit, wish.type) for wish in transaction.jobs]
        if mode is JobMode.IGNORE_DEPENDENCIES:
            for job in installed:
                job.ignore_order = True
        assert unit.job is not None
        return unit.job

    def _refuse_destruction(self, transaction: Transaction) -> None:
        for wish in transaction.jobs:
            job = wish.unit.job
            if job is not None and merged(job.type, wish.type) is None:
                raise DestructiveError(
                    f"Transaction for {wish.unit.name}/{wish.type} is destructive: it has a {job.type} job queued"
                )

    def _install(self, unit: Unit, kind: JobType) -> Job:
        job = unit.job
        if job is not None:
            both = merged(job.type, kind)
            if both is not None and not (job.state is JobState.RUNNING and both is not job.type):
                job.type = collapsed(both, unit) or both
                self._queue_job(job)
                return job
            self.finish(job, JobResult.CANCELED, spread=False)
        job = Job(self._next_job, unit, kind, asked_ns=self.now, asked=kind)
        self._next_job += 1
        unit.job = job
        self.jobs[job.id] = job
        self._queue_job(job)
        return job

    def cancel(self, job: Job) -> None:
        """Take a job out of the queue; what has begun goes on without it."""
        if self.jobs.get(job.id) is job:
            self.finish(job, JobResult.CANCELED)

    def _queue_job(self, job: Job) -> None:
        self._queue.append(job)
        self._wake()

    def _wake(self) -> None:
        if not self._draining:
            self._draining = True
            self.kernel.at(self.now, self._drain)

    def _drain(self) -> None:
        """Run what can run; then look after units that others have left or bound."""
        self._draining = False
        while self._queue or self._check:
            while self._queue:
                job = self._queue.popleft()
                if self.jobs.get(job.id) is job and job.state is JobState.WAITING and self._may_run(job):
                    self._perform(job)
            checks, self._check = self._check, {}
            for name in checks:
                if name in self.units:
                    self._look_after(self.units[name])

    def _may_run(self, job: Job) -> bool:
        """job_compare: a stop goes first, whatever the order; else what is before goes first."""
        if job.ignore_order:
            return True
        if job.type not in STOPS:
            for name in job.unit.related("After"):
                other = self.units[name].job
                if other is not None and not other.ignore_order:
                    return False
        for name in job.unit.related("Before"):
            other = self.units[name].job
            if other is not None and other.type in STOPS and not other.ignore_order:
                return False
        return True

    def _perform(self, job: Job) -> None:
        unit = job.unit
        job.state = JobState.RUNNING
        for observer in self.observers:
            observer.job_running(job)
        match job.type:
            case JobType.START if not self._needs_are_met(unit):
                self.finish(job, JobResult.DEPENDENCY)
                return
            case JobType.START:
                answer = unit.start()
            case JobType.STOP | JobType.RESTART:
                answer = unit.stop()
            case JobType.RELOAD:
                answer = unit.reload()
            case _:
                answer = self._verify(unit)
        if self.jobs.get(job.id) is not job:
            return
        if answer is Answer.LATER:
            job.state = JobState.WAITING
        elif answer is Answer.REFUSED:
            self.finish(job, JobResult.FAILED)
        elif answer is Answer.NOT_APPLICABLE:
            self.finish(job, JobResult.SKIPPED if job.type is JobType.VERIFY else JobResult.INVALID)
        elif answer is Answer.ALREADY:
            self.finish(job, JobResult.DONE)

    @staticmethod
    def _verify(unit: Unit) -> Answer:
        if unit.active in UP:
            return Answer.ALREADY
        return Answer.LATER if unit.active is Active.ACTIVATING else Answer.NOT_APPLICABLE

    def _needs_are_met(self, unit: Unit) -> bool:
        """What must be active before: BindsTo and Requisite with an order."""
        after = unit.related("After")
        for relation in ("BindsTo", "Requisite"):
            for name in unit.related(relation):
                if name in after and self.units[name].active not in UP:
                    return False
        return True

    def finish(self, job: Job, result: JobResult, *, spread: bool = True) -> None:
        """Take a job out of the queue with its result; those that cannot do without it end as well."""
        unit = job.unit
        if result is JobResult.DONE and job.type is JobType.RESTART:
            job.type, job.state = JobType.START, JobState.WAITING
            self._queue_job(job)
            self._requeue_around(unit)
            return
        del self.jobs[job.id]
        unit.job = None
        for observer in self.observers:
            observer.job_removed(job, result)
        if result is not JobResult.DONE and spread:
            if job.type in {JobType.START, JobType.VERIFY}:
                self._fail_dependants(unit, ("RequiredBy", "RequisiteOf", "BoundBy"))
            elif job.type is JobType.STOP:
                self._fail_dependants(unit, ("ConflictedBy",))
        self._check_later(unit)
        self._requeue_around(unit)

    def _fail_dependants(self, unit: Unit, relations: tuple[str, ...]) -> None:
        for relation in relations:
            for name in unit.related(relation):
                job = self.units[name].job
                if job is not None and job.type in {JobType.START, JobType.VERIFY}:
                    self.report(name, f"Dependency failed for {self.units[name].spec.description}: {unit.name}")
                    self.finish(job, JobResult.DEPENDENCY)

    def _requeue_around(self, unit: Unit) -> None:
        for relation in ("After", "Before"):
            for name in unit.related(relation):
                job = self.units[name].job
                if job is not None and job.state is JobState.WAITING:
                    self._queue_job(job)

    def restart_automatically(self, unit: Unit) -> None:
        """Restart= has its time."""
        try:
            self.submit(JobType.RESTART, unit.name)
        except OrchestratorError as error:
            self.report(unit.name, f"cannot be restarted: {error}")
            unit.stop()

    # What follows from a state

    def notify(self, unit: Unit, before: Active, *, restarts: bool = False) -> None:
        """A unit's state has changed: end its job, pull others along, tell the observers."""
        unexpected = self._job_told(unit)
        for observer in self.observers:
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
            self._check_later(unit)

    def _job_told(self, unit: Unit) -> bool:
        """End the unit's job when its state says so; True when the change came without one."""
        job, active = unit.job, unit.active
        if job is None:
            return True
        running = job.state is JobState.RUNNING
        unexpected = False
        if job.type in {JobType.START, JobType.VERIFY}:
            if active in UP:
                self.finish(job, JobResult.DONE)
            elif running and active is not Active.ACTIVATING:
                unexpected = True
                if active in DOWN:
                    self.finish(job, JobResult.FAILED if active is Active.FAILED else JobResult.DONE)
            elif not running and active in DOWN:
                self._queue_job(job)
        elif job.type is JobType.RELOAD and running:
            if active is Active.ACTIVE:
                failed = isinstance(unit, Service) and unit.reload_failed
                self.finish(job, JobResult.FAILED if failed else JobResult.DONE)
            elif active not in {Active.ACTIVATING, Active.RELOADING}:
                unexpected = True
                if active in DOWN:
                    self.finish(job, JobResult.FAILED)
        elif job.type in STOPS:
            if active in DOWN:
                self.finish(job, JobResult.DONE)
            elif running and active is not Active.DEACTIVATING:
                unexpected = True
                self.finish(job, JobResult.FAILED)
        return unexpected

    def _follow_up(self, unit: Unit) -> None:
        for relation in ("Requires", "BindsTo", "Wants", "Upholds"):
            for name in unit.related(relation):
                ordered = relation in {"Wants", "Upholds"} or name not in unit.related("After")
                if ordered and self.units[name].active not in COMING:
                    self._submit_quietly(JobType.START, name)
        for relation in ("Conflicts", "ConflictedBy"):
            for name in unit.related(relation):
                if self.units[name].active not in GOING:
                    self._submit_quietly(JobType.STOP, name)

    def _follow_down(self, unit: Unit) -> None:
        for name in unit.related("BoundBy"):
            if self.units[name].active not in GOING:
                self._submit_quietly(JobType.STOP, name)

    def _begin(self, unit: Unit, relation: str) -> None:
        for name in unit.related(relation):
            self._submit_quietly(JobType.START, name)

    def _submit_quietly(self, kind: JobType, name: str) -> None:
        try:
            self.submit(kind, name)
        except OrchestratorError as error:
            self.report(name, f"cannot be {kind}ed because of another unit: {error}")

    def _check_later(self, unit: Unit) -> None:
        self._check[unit.name] = None
        for relation in ("Requires", "Wants", "BindsTo", "Upholds", "Requisite", "BoundBy", "UpheldBy"):
            for name in unit.related(relation):
                self._check[name] = None
        self._wake()

    def _look_after(self, unit: Unit) -> None:
        """StopWhenUnneeded, BindsTo and Upholds, when nothing is queued for the unit."""
        if unit.job is not None:
            return
        if unit.active in UP:
            if unit.spec.stop_when_unneeded and not self._needed(unit) and self._patience(unit):
                self._submit_quietly(JobType.STOP, unit.name)
                return
            for name in unit.related("BindsTo"):
                other = self.units[name]
                if other.active in DOWN and other.job is None and self._patience(unit):
                    self._submit_quietly(JobType.STOP, unit.name)
                    return
        elif unit.active in DOWN:
            for name in unit.related("UpheldBy"):
                if self.units[name].active in UP and self._patience(unit):
                    self._submit_quietly(JobType.START, unit.name)
                    return

    def _needed(self, unit: Unit) -> bool:
        for relation in ("RequiredBy", "RequisiteOf", "WantedBy", "BoundBy", "UpheldBy"):
            for name in unit.related(relation):
                other = self.units[name]
                if other.job is not None or other.active not in DOWN:
                    return True
        return False

    def _patience(self, unit: Unit) -> bool:
        """Not again and again, as systemd's auto_start_stop_ratelimit."""
        times = self._steady.setdefault(unit.name, deque())
        while times and times[0] <= self.now - _RUNAWAY_NS:
            times.popleft()
        if len(times) >= _RUNAWAY:
            self.report(unit.name, "is started and stopped because of others again and again: it is left alone")
            return False
        times.append(self.now)
        return True

    # For observers and tests

    def changed(self, unit: Unit, interface: str, values: Mapping[str, object]) -> None:
        """Properties of a unit have changed."""
        for observer in self.observers:
            observer.properties_changed(unit, interface, values)

    def loaded(self) -> Iterator[Unit]:
        """All units in the order of their names."""
        return (self.units[name] for name in sorted(self.units))

    def power_off(self) -> None:
        """All is gone at once: no stop commands, no jobs."""
        for unit in self.units.values():
            unit.give_up()
        self.jobs.clear()
        self._queue.clear()
        self._check.clear()

    def when_idle(self, callback: Callable[[], object]) -> None:
        """Call back once no job is queued; looks after each event of the kernel at this time."""
        if not self.jobs:
            callback()
        else:
            self.kernel.after(1_000_000, lambda: self.when_idle(callback))
