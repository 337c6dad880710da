"""A transaction: the jobs that one request pulls in, merged, without contradictions and cycles (transaction.c)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.orchestrator.engine.job import JobMode, JobType, merged
from gateway.orchestrator.engine.states import DOWN, UP, Active
from gateway.orchestrator.errors import BadUnitError, CycleError, JobError, NoSuchUnitError, OrchestratorError
from gateway.orchestrator.units import LoadState

if TYPE_CHECKING:
    from gateway.orchestrator.engine.engine import Engine
    from gateway.orchestrator.engine.unit import Unit

STARTS: Final = frozenset({JobType.START, JobType.RESTART, JobType.RELOAD_OR_START})
STOPS: Final = frozenset({JobType.STOP, JobType.RESTART})
_PULLED: Final = (
    ("Requires", JobType.START, True),
    ("BindsTo", JobType.START, True),
    ("Wants", JobType.START, False),
    ("Upholds", JobType.START, False),
    ("Requisite", JobType.VERIFY, True),
    ("Conflicts", JobType.STOP, True),
    ("ConflictedBy", JobType.STOP, False),
)
"""What starting a unit pulls in: dependency, job, and whether the start cannot do without."""
_PULLED_DOWN: Final = ("RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo")


@dataclass(slots=True, eq=False)
class Wish:
    """A job that the transaction holds. `matters`: the anchor cannot be done without it."""

    unit: Unit
    type: JobType
    matters: bool
    because: list[Wish] = field(default_factory=list)
    """Those that pulled it in."""
    needs: list[Wish] = field(default_factory=list)
    """Those that it cannot do without."""


class Transaction:
    """Collects the jobs of one request. After `settle`, `jobs` has one for each unit, in the order of pulling in."""

    def __init__(self, engine: Engine, mode: JobMode) -> None:
        self.engine = engine
        self.mode = mode
        self.wishes: dict[str, list[Wish]] = {}
        self.anchor: Wish | None = None

    def ask(self, unit: Unit, kind: JobType) -> None:
        """The request itself, and all that it pulls in. Raises OrchestratorError when it cannot be."""
        self.anchor = self._add(unit, collapsed(kind, unit) or kind, None, matters=True)

    def stop_others(self, anchor: Unit) -> None:
        """Mode isolate: everything else that runs is stopped."""
        for unit in list(self.engine.units.values()):
            if unit is not anchor and unit.name not in self.wishes and (unit.active not in DOWN or unit.job):
                self._add(unit, JobType.STOP, self.anchor, matters=False)

    def _add(self, unit: Unit, kind: JobType, by: Wish | None, *, matters: bool) -> Wish:
        _check(unit, kind)
        wish = next((wish for wish in self.wishes.get(unit.name, ()) if wish.type is kind), None)
        new = wish is None
        if wish is None:
            wish = Wish(unit, kind, matters)
            self.wishes.setdefault(unit.name, []).append(wish)
        if by is not None:
            wish.because.append(by)
            if matters:
                by.needs.append(wish)
        if new and self.mode is not JobMode.IGNORE_DEPENDENCIES:
            if kind in STARTS:
                self._pull_up(wish)
            if kind in STOPS:
                self._pull_down(wish)
            if kind is JobType.RELOAD:
                for name in unit.related("PropagatesReloadTo"):
                    other = self.engine.units[name]
                    if other.active in UP:
                        self._add(other, JobType.RELOAD, wish, matters=False)
        return wish

    def _pull_up(self, wish: Wish) -> None:
        for relation, kind, matters in _PULLED:
            if self.mode is JobMode.IGNORE_REQUIREMENTS and kind is not JobType.STOP:
                continue
            for name in wish.unit.related(relation):
                other = self.engine.unit(name)
                try:
                    self._add(other, kind, wish, matters=matters)
                except OrchestratorError as error:
                    if matters and kind is not JobType.STOP:
                        raise
                    if relation == "Wants" and other.spec.load_state is LoadState.BAD_SETTING:
                        self.engine.report(wish.unit.name, f"cannot pull in {name}: {error}")

    def _pull_down(self, wish: Wish) -> None:
        kind = JobType.STOP if wish.type is JobType.STOP else JobType.TRY_RESTART
        for relation in _PULLED_DOWN:
            for name in wish.unit.related(relation):
                other = self.engine.units[name]
                found = collapsed(kind, other)
                if found is not None:
                    self._add(other, found, wish, matters=True)

    # Settling

    def settle(self) -> None:
        """Drop what is not needed, merge, break cycles. JobError or CycleError when the anchor cannot be saved."""
        self._mark()
        self._drop_redundant()
        self._merge()
        self._break_cycles()
        self._collect()

    def _mark(self) -> None:
        """Which jobs the anchor cannot do without."""
        for wish in self._all():
            wish.matters = False
        assert self.anchor is not None
        waiting = [self.anchor]
        while waiting:
            wish = waiting.pop()
            if wish.matters:
                continue
            wish.matters = True
            waiting += wish.needs

    def _all(self) -> Iterator[Wish]:
        for wishes in self.wishes.values():
            yield from wishes

    def _drop_redundant(self) -> None:
        for name, wishes in list(self.wishes.items()):
            unit = wishes[0].unit
            if wishes[0] is self.anchor or unit.job is not None or len(wishes) > 1:
                continue
            if _redundant(wishes[0].type, unit):
                del self.wishes[name]

    def _merge(self) -> None:
        """One job for each unit; where two contradict, the one that the anchor can do without goes."""
        for name, wishes in list(self.wishes.items()):
            while len(wishes) > 1:
                kind = merged(wishes[0].type, wishes[1].type)
                if kind is None:
                    self._drop_one(name, wishes[0], wishes[1])
                else:
                    first, second = wishes[0], wishes[1]
                    first.type = collapsed(kind, first.unit) or kind
                    first.matters = first.matters or second.matters
                    first.because += second.because
                    wishes.remove(second)
                    if second is self.anchor:
                        self.anchor = first

    def _drop_one(self, name: str, one: Wish, other: Wish) -> None:
        if one.matters and other.matters:
            raise JobError(
                f"Transaction contains conflicting jobs '{one.type}' and '{other.type}' for {name}."
                " Probably contradicting requirement dependencies configured."
            )
        gone = other if one.matters else one
        if not one.matters and not other.matters:
            gone = one if one.type is JobType.STOP else other
        self.wishes[name].remove(gone)
        kept = one if gone is other else other
        self.engine.report(name, f"its {gone.type} job is left out, because it contradicts a {kept.type} job")

    def _break_cycles(self) -> None:
        while (cycle := self._cycle()) is not None:
            names = tuple(wish.unit.name for wish in cycle)
            text = " -> ".join((*names, names[0]))
            gone = next((wish for wish in reversed(cycle) if not wish.matters), None)
            if gone is None:
                raise CycleError(f"Transaction order is cyclic: {text}. Take one After= or Before= out.", names)
            self.engine.report(gone.unit.name, f"ordering cycle {text}: its {gone.type} job is left out to break it")
            self.engine.cycles.append(names)
            del self.wishes[gone.unit.name]

    def _cycle(self) -> list[Wish] | None:
        """Some cycle among the jobs, by depth-first search without recursion."""
        done: set[str] = set()
        for start in self.wishes:
            path: list[str] = []
            on_path: dict[str, int] = {}
            stack: list[tuple[str, Iterator[str]]] = [] if start in done else [(start, self._before(start))]
            if stack:
                on_path[start] = 0
                path.append(start)
            while stack:
                name, rest = stack[-1]
                following = next(rest, None)
                if following is None:
                    stack.pop()
                    path.pop()
                    del on_path[name]
                    done.add(name)
                elif following in on_path:
                    return [self.wishes[name][0] for name in path[on_path[following] :]]
                elif following not in done:
                    on_path[following] = len(path)
                    path.append(following)
                    stack.append((following, self._before(following)))
        return None

    def _before(self, name: str) -> Iterator[str]:
        """The units whose jobs must be done before that of `name`."""
        return (other for other in self.wishes[name][0].unit.related("After") if other in self.wishes)

    def _collect(self) -> None:
        """Drop what was pulled in only by what is gone."""
        changed = True
        while changed:
            changed = False
            alive = {id(wish) for wish in self._all()}
            for name, (wish,) in list(self.wishes.items()):
                if wish is not self.anchor and wish.because and not any(id(by) in alive for by in wish.because):
                    del self.wishes[name]
                    changed = True

    @property
    def jobs(self) -> list[Wish]:
        return [wishes[0] for wishes in self.wishes.values()]


def collapsed(kind: JobType, unit: Unit) -> JobType | None:
    """What a conditional job is in the unit's state; None when there is nothing to do."""
    down = unit.active in {*DOWN, Active.DEACTIVATING}
    if kind is JobType.TRY_RESTART:
        return None if down else JobType.RESTART
    if kind is JobType.RELOAD_OR_START:
        return JobType.START if down else JobType.RELOAD
    if kind is JobType.STOP and unit.active in DOWN and unit.job is None:
        return None
    return kind


def _redundant(kind: JobType, unit: Unit) -> bool:
    if kind in {JobType.START, JobType.VERIFY}:
        return unit.active in UP
    return kind is JobType.STOP and unit.active in DOWN


def _check(unit: Unit, kind: JobType) -> None:
    state = unit.spec.load_state
    if kind is JobType.STOP or state is LoadState.LOADED:
        if kind is JobType.RELOAD and not unit.can_reload:
            raise JobError(f"Job type reload is not applicable for unit {unit.name}.")
        return
    if state is LoadState.NOT_FOUND:
        raise NoSuchUnitError(f"Unit {unit.name} not found.")
    if state is LoadState.MASKED:
        raise BadUnitError(f"Unit {unit.name} is masked.")
    reason = next((str(note) for note in unit.spec.notes if note.refused), "its file was refused")
    raise BadUnitError(f"Unit {unit.name} has a bad unit file setting: {reason}")
