"""The engine of one node: its units, and what is asked of them (systemd's manager).

All happens in callbacks of the kernel, in the order of asking: the same requests give the same run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from gateway.errors import nearest
from gateway.orchestrator.engine.consequences import Consequences
from gateway.orchestrator.engine.job import Job, JobMode, JobResult, JobType
from gateway.orchestrator.engine.job_queue import JobQueue
from gateway.orchestrator.engine.program import Runner
from gateway.orchestrator.engine.relations import Relations
from gateway.orchestrator.engine.service import Service
from gateway.orchestrator.engine.states import DOWN, Active
from gateway.orchestrator.engine.unit import Unit
from gateway.orchestrator.errors import (
    NoSuchUnitError,
    OrchestratorError,
    WrongArgumentError,
)
from gateway.orchestrator.units import LoadState, UnitFiles, UnitSpec
from gateway.orchestrator.units.names import looks_like_unit
from gateway.sim import Kernel

_MOST_MESSAGES: Final = 1000


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
        self.observers: list[Observer] = []
        self.messages: deque[tuple[int, str, str]] = deque(maxlen=_MOST_MESSAGES)
        self.cycles: list[tuple[str, ...]] = []
        self._consequences: Final = Consequences(self)
        self.queue: Final = JobQueue(self, self._consequences)
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

    @property
    def jobs(self) -> dict[int, Job]:
        """Those that wait or run, by their number."""
        return self.queue.jobs

    def submit(self, kind: JobType, name: str, mode: JobMode = JobMode.REPLACE, *, manual: bool = False) -> Job:
        """Put a job and all that it pulls in into the queue.

        Raises OrchestratorError: no such unit, contradicting jobs, an ordering cycle, a job in the way with mode
        `fail`. Nothing is queued then.
        """
        return self.queue.submit(kind, name, mode, manual=manual)

    def cancel(self, job: Job) -> None:
        """Take a job out of the queue; what has begun goes on without it."""
        self.queue.cancel(job)

    def restart_automatically(self, unit: Unit) -> None:
        """Restart= has its time."""
        try:
            self.submit(JobType.RESTART, unit.name)
        except OrchestratorError as error:
            self.report(unit.name, f"cannot be restarted: {error}")
            unit.stop()

    def notify(self, unit: Unit, before: Active, *, restarts: bool = False) -> None:
        """A unit's state has changed."""
        self._consequences.notify(unit, before, restarts=restarts)

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
        self.queue.clear()
        self._consequences.pending.clear()

    def when_idle(self, callback: Callable[[], object]) -> None:
        """Call back once no job is queued; looks after each event of the kernel at this time."""
        if not self.jobs:
            callback()
        else:
            self.kernel.after(1_000_000, lambda: self.when_idle(callback))
