"""The queue of jobs of one engine: what may run when, what becomes of a job, and of others with it (systemd's job.c)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from gateway.orchestrator.engine.job import Job, JobMode, JobResult, JobState, JobType, merged
from gateway.orchestrator.engine.states import DOWN, UP, Active
from gateway.orchestrator.engine.transaction import STOPS, Transaction, collapsed
from gateway.orchestrator.engine.unit import Answer, Unit
from gateway.orchestrator.errors import DestructiveError, JobError, NoSuchUnitError, WrongArgumentError
from gateway.orchestrator.units import LoadState

if TYPE_CHECKING:
    from gateway.orchestrator.engine.consequences import Consequences
    from gateway.orchestrator.engine.engine import Engine


class JobQueue:
    """All jobs by their number. What is asked for runs in a callback of the kernel, in the order of asking."""

    def __init__(self, engine: Engine, consequences: Consequences) -> None:
        self.jobs: Final[dict[int, Job]] = {}
        self._engine = engine
        self._consequences = consequences
        self._next_job = 1
        self._queue: deque[Job] = deque()
        self._draining = False

    def submit(self, kind: JobType, name: str, mode: JobMode = JobMode.REPLACE, *, manual: bool = False) -> Job:
        """Put a job and all that it pulls in into the queue.

        Raises OrchestratorError: no such unit, contradicting jobs, an ordering cycle, a job in the way with mode
        `fail`. Nothing is queued then.
        """
        unit = self._engine.unit(name)
        if mode is JobMode.ISOLATE and kind is not JobType.START:
            raise WrongArgumentError("Isolate is only valid for start.")
        if manual and (
            (unit.spec.refuse_manual_start and kind is not JobType.STOP)
            or (unit.spec.refuse_manual_stop and kind in STOPS)
        ):
            raise JobError(f"Operation refused, unit {name} may be requested by dependency only.")
        if kind is JobType.STOP and unit.spec.load_state is LoadState.NOT_FOUND and unit.active in DOWN:
            raise NoSuchUnitError(f"Unit {name} not loaded.")
        transaction = Transaction(self._engine, mode)
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
                self.put(job)
                return job
            self.finish(job, JobResult.CANCELED, spread=False)
        job = Job(self._next_job, unit, kind, asked_ns=self._engine.now, asked=kind)
        self._next_job += 1
        unit.job = job
        self.jobs[job.id] = job
        self.put(job)
        return job

    def cancel(self, job: Job) -> None:
        """Take a job out of the queue; what has begun goes on without it."""
        if self.jobs.get(job.id) is job:
            self.finish(job, JobResult.CANCELED)

    def put(self, job: Job) -> None:
        self._queue.append(job)
        self.wake()

    def wake(self) -> None:
        if not self._draining:
            self._draining = True
            self._engine.kernel.at(self._engine.now, self._drain)

    def _drain(self) -> None:
        """Run what can run; then look after units that others have left or bound."""
        self._draining = False
        while self._queue or self._consequences.pending:
            while self._queue:
                job = self._queue.popleft()
                if self.jobs.get(job.id) is job and job.state is JobState.WAITING and self._may_run(job):
                    self._perform(job)
            self._consequences.look()

    def _may_run(self, job: Job) -> bool:
        """job_compare: a stop goes first, whatever the order; else what is before goes first."""
        if job.ignore_order:
            return True
        if job.type not in STOPS:
            for name in job.unit.related("After"):
                other = self._engine.units[name].job
                if other is not None and not other.ignore_order:
                    return False
        for name in job.unit.related("Before"):
            other = self._engine.units[name].job
            if other is not None and other.type in STOPS and not other.ignore_order:
                return False
        return True

    def _perform(self, job: Job) -> None:
        unit = job.unit
        job.state = JobState.RUNNING
        for observer in self._engine.observers:
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
                if name in after and self._engine.units[name].active not in UP:
                    return False
        return True

    def finish(self, job: Job, result: JobResult, *, spread: bool = True) -> None:
        """Take a job out of the queue with its result; those that cannot do without it end as well."""
        unit = job.unit
        if result is JobResult.DONE and job.type is JobType.RESTART:
            job.type, job.state = JobType.START, JobState.WAITING
            self.put(job)
            self._requeue_around(unit)
            return
        del self.jobs[job.id]
        unit.job = None
        for observer in self._engine.observers:
            observer.job_removed(job, result)
        if result is not JobResult.DONE and spread:
            if job.type in {JobType.START, JobType.VERIFY}:
                self._fail_dependants(unit, ("RequiredBy", "RequisiteOf", "BoundBy"))
            elif job.type is JobType.STOP:
                self._fail_dependants(unit, ("ConflictedBy",))
        self._consequences.look_later(unit)
        self._requeue_around(unit)

    def _fail_dependants(self, unit: Unit, relations: tuple[str, ...]) -> None:
        for relation in relations:
            for name in unit.related(relation):
                job = self._engine.units[name].job
                if job is not None and job.type in {JobType.START, JobType.VERIFY}:
                    self._engine.report(
                        name, f"Dependency failed for {self._engine.units[name].spec.description}: {unit.name}"
                    )
                    self.finish(job, JobResult.DEPENDENCY)

    def _requeue_around(self, unit: Unit) -> None:
        for relation in ("After", "Before"):
            for name in unit.related(relation):
                job = self._engine.units[name].job
                if job is not None and job.state is JobState.WAITING:
                    self.put(job)

    def clear(self) -> None:
        """Forget all jobs, without a word to anyone."""
        self.jobs.clear()
        self._queue.clear()
