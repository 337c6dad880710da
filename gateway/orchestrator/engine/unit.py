"""A unit that is loaded: its state, its job, and what it is related to. Targets are no more than that."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from gateway.orchestrator.engine.states import DOWN, UP, Active, Freezer
from gateway.orchestrator.errors import JobError
from gateway.orchestrator.units import LoadState, UnitSpec

if TYPE_CHECKING:
    from gateway.orchestrator.engine.engine import Engine
    from gateway.orchestrator.engine.job import Job


class Answer(Enum):
    """What a unit says to being started or stopped."""

    BEGUN = auto()
    ALREADY = auto()
    LATER = auto()
    """Not now: the job waits until the state changes."""
    REFUSED = auto()
    """It fails at once."""
    NOT_APPLICABLE = auto()


class Unit:
    """A unit without programs: a target, a unit that was not found."""

    can_reload = False

    def __init__(self, engine: Engine, spec: UnitSpec) -> None:
        self.engine: Final = engine
        self.name: Final = spec.name
        self.spec = spec
        self.active = Active.INACTIVE
        self.sub = "dead"
        self.result = "success"
        self.freezer = Freezer.RUNNING
        self.job: Job | None = None
        self.changed_ns = 0
        self.active_since_ns = 0
        self.begun_ns = 0
        """When it last left inactive or failed."""
        self.settings: dict[str, object] = {}
        """Properties set at run time."""

    def related(self, relation: str) -> list[str]:
        """The names of the units in a relation, like `Requires` or `RequiredBy`."""
        return self.engine.relations.get(self.name, relation)

    def set_state(self, active: Active, sub: str, *, restarts: bool = False) -> None:
        """Enter a state and tell the engine. `restarts`: it will be started again by itself."""
        before = self.active
        if (active, sub) == (before, self.sub):
            return
        self.active, self.sub = active, sub
        now = self.engine.now
        if active is not before:
            self.changed_ns = now
            if before in DOWN:
                self.begun_ns = now
            if active in UP and before not in UP:
                self.active_since_ns = now
        self.engine.notify(self, before, restarts=restarts)

    # What a job does

    def start(self) -> Answer:
        if self.spec.load_state is not LoadState.LOADED:
            return Answer.REFUSED
        if self.active in UP:
            return Answer.ALREADY
        self.set_state(Active.ACTIVE, "active")
        return Answer.BEGUN

    def stop(self) -> Answer:
        if self.active in DOWN:
            return Answer.ALREADY
        self.set_state(Active.INACTIVE, "dead")
        return Answer.BEGUN

    def reload(self) -> Answer:
        return Answer.NOT_APPLICABLE

    def reset_failed(self) -> None:
        self.result = "success"
        if self.active is Active.FAILED:
            self.set_state(Active.INACTIVE, "dead")

    def kill(self, who: str, number: int) -> None:
        raise JobError(f"Unit {self.name} has no processes: {who} cannot get signal {number}")

    def freeze(self) -> None:
        raise JobError(f"Unit {self.name} cannot be frozen: it has no processes")

    def thaw(self) -> None:
        raise JobError(f"Unit {self.name} cannot be thawed: it has no processes")

    def give_up(self) -> None:
        """The node loses its power: everything is gone at once, without a word."""
        self.active, self.sub, self.job = Active.INACTIVE, "dead", None
