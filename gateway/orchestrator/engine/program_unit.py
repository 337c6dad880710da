"""A unit with programs: its main one and a control command beside it, their signals and freezing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.orchestrator.engine.program import Exit, Process, Start
from gateway.orchestrator.engine.states import Active, Freezer
from gateway.orchestrator.engine.unit import Unit
from gateway.orchestrator.errors import JobError, OrchestratorError
from gateway.orchestrator.units import Command, ExecKind, ServiceSpec, UnitSpec

if TYPE_CHECKING:
    from gateway.orchestrator.engine.engine import Engine

SIGKILL = 9


class Ears:
    """What a program's runner talks to; deaf for a program that has been replaced."""

    def __init__(self, unit: ProgramUnit, kind: ExecKind, command: Command) -> None:
        self.unit = unit
        self.kind = kind
        self.command = command
        self.process: Process | None = None

    def executed(self) -> None:
        self.unit.executed(self)

    def notified(self, variables: Mapping[str, str]) -> None:
        self.unit.notified(variables)

    def exited(self, end: Exit) -> None:
        self.unit.exited(self, end)


class ProgramUnit(Unit):
    """`main` and `control`: the programs that run now, with who listens to them."""

    def __init__(self, engine: Engine, spec: UnitSpec) -> None:
        super().__init__(engine, spec)
        self.main: Ears | None = None
        self.control: Ears | None = None
        self.last_exit: Exit | None = None
        self.attempts = 0
        """So often its main program was started."""

    @property
    def service(self) -> ServiceSpec:
        return self.spec.service or ServiceSpec()

    @property
    def main_pid(self) -> int:
        return self.main.process.pid if self.main and self.main.process else 0

    @property
    def living(self) -> list[Process]:
        """The programs that run."""
        return [ears.process for ears in (self.main, self.control) if ears is not None and ears.process is not None]

    # Told by programs

    def executed(self, ears: Ears) -> None:
        """A program was loaded."""
        raise NotImplementedError

    def notified(self, variables: Mapping[str, str]) -> None:
        """A program sent a message like READY=1."""
        raise NotImplementedError

    def exited(self, ears: Ears, end: Exit) -> None:
        """A program is gone."""
        raise NotImplementedError

    # What is done to programs

    def kill(self, who: str, number: int) -> None:
        ears = {"main": (self.main,), "control": (self.control,), "all": (self.main, self.control)}.get(who)
        if ears is None:
            raise JobError(f"{who!r} is none of main, control and all")
        found = [ear.process for ear in ears if ear is not None and ear.process is not None]
        if not found:
            raise JobError(f"Unit {self.name} has no {'' if who == 'all' else who + ' '}process to kill")
        for process in found:
            process.signal(number, everyone=who == "all")

    def freeze(self) -> None:
        if self.active is not Active.ACTIVE or self.main is None or self.main.process is None:
            raise JobError(f"Unit {self.name} is not running: it cannot be frozen")
        self.main.process.freeze()
        self.set_freezer(Freezer.FROZEN)

    def thaw(self) -> None:
        if self.freezer is not Freezer.FROZEN or self.main is None or self.main.process is None:
            raise JobError(f"Unit {self.name} is not frozen")
        self.main.process.thaw()
        self.set_freezer(Freezer.RUNNING)

    def set_freezer(self, freezer: Freezer) -> None:
        self.freezer = freezer
        self.engine.changed(self, "org.freedesktop.systemd1.Unit", {"FreezerState": str(freezer)})

    def run(self, kind: ExecKind, command: Command) -> Ears:
        ears = Ears(self, kind, command)
        spec = self.service
        start = Start(self.spec, kind, command, spec.environment, spec.working_directory, self.attempts, self.main_pid)
        try:
            ears.process = self.engine.runner.start(start, ears)
        except OrchestratorError as error:
            self.engine.report(self.name, str(error))
            self.engine.kernel.at(self.engine.now, lambda: ears.exited(Exit(203)))
        return ears

    def kill_all(self) -> None:
        """At once, and listen to none of them any more."""
        for process in self.living:
            process.signal(SIGKILL, everyone=True)
        self.main = self.control = None
