"""What happens to nodes, units and migrations, as a vehicle's tests and recordings are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from gateway.orchestrator.engine import Active, Job, JobResult, Unit

if TYPE_CHECKING:
    from gateway.orchestrator.fleet import Fleet


class FleetEvent(NamedTuple):
    """A node (`unit` empty) that came or went, a unit in another state, or a migration (`node` empty) in another mode."""

    time_ns: int
    node: str
    unit: str
    state: str
    text: str = ""

    @property
    def bad(self) -> bool:
        """Something is not as it should be."""
        return self.state in {"failed", "offline", "fallen back"} or self.state.startswith("refused")

    def __str__(self) -> str:
        if self.node and self.unit:
            who = f"unit {self.unit} on {self.node}"
        else:
            who = f"node {self.node}" if self.node else f"migration {self.unit}"
        return f"{who}: {self.state}" + (f": {self.text}" if self.text else "")


class UnitWatch:
    """Tells a fleet of each unit's active state when it is another."""

    def __init__(self, fleet: Fleet, node: str) -> None:
        self._fleet = fleet
        self._node = node

    def state_changed(self, unit: Unit, before: Active) -> None:
        if unit.active is not before:
            why = unit.result if unit.active is Active.FAILED else unit.sub
            self._fleet.tell(FleetEvent(self._fleet.kernel.now, self._node, unit.name, str(unit.active), why))

    def unit_new(self, unit: Unit) -> None:
        """Nothing to tell."""

    def unit_removed(self, unit: Unit) -> None:
        """Nothing to tell."""

    def properties_changed(self, unit: Unit, interface: str, values: Mapping[str, object]) -> None:
        """Nothing to tell."""

    def job_running(self, job: Job) -> None:
        """Nothing to tell."""

    def job_removed(self, job: Job, result: JobResult) -> None:
        """Nothing to tell."""
