"""Fleets in virtual time, and what their units do."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.orchestrator.control import AgentConfig, ControllerConfig, NodeConfig
from gateway.orchestrator.engine import Active, Unit
from gateway.orchestrator.fleet import Fleet
from gateway.orchestrator.units import UnitFiles
from gateway.sim import Kernel, Streams

MS = 1_000_000
S = 1_000_000_000


class Story:
    """Every change of state, in order: time, node, unit, state."""

    def __init__(self, fleet: Fleet) -> None:
        self.changes: list[tuple[int, str, str, str]] = []
        self._kernel = fleet.kernel
        for node in fleet.nodes.values():
            node.engine.observers.append(self)

    def state_changed(self, unit: Unit, before: Active) -> None:
        if unit.active is not before:
            self.changes.append((self._kernel.now, unit.engine.node, unit.name, str(unit.active)))

    def unit_new(self, unit: object) -> None: ...
    def unit_removed(self, unit: object) -> None: ...
    def properties_changed(self, unit: object, interface: object, values: object) -> None: ...
    def job_running(self, job: object) -> None: ...
    def job_removed(self, job: object, result: object) -> None: ...


def make(
    nodes: Mapping[str, Mapping[str, str]],
    *,
    seed: int = 0,
    threshold_ns: int = 6 * S,
    heartbeat_ns: int = 2 * S,
) -> tuple[Kernel, Fleet, Story]:
    """A fleet whose nodes may depend on each other."""
    kernel = Kernel()
    free = NodeConfig(allow_dependencies_on=frozenset(["*"]))
    config = ControllerConfig(nodes=dict.fromkeys(nodes, free), threshold_ns=threshold_ns)
    fleet = Fleet(kernel, config, Streams(seed))
    for name, texts in nodes.items():
        fleet.add(name, UnitFiles(name, texts), config=AgentConfig(name=name, heartbeat_ns=heartbeat_ns))
    return kernel, fleet, Story(fleet)


def chain(nodes: int, units: int) -> dict[str, dict[str, str]]:
    """Nodes with units that need each other: within a node one after the other, and each node the one before."""
    found = {}
    for node in range(nodes):
        texts = {"default.target": f"[Unit]\nWants={' '.join(f'u{unit}.service' for unit in range(units))}\n"}
        for unit in range(units):
            need = f"u{unit - 1}.service" if unit else f"bluechi-proxy@n{node - 1}_u{units - 1}.service" if node else ""
            relation = f"Requires={need}\nAfter={need}\n" if need else ""
            texts[f"u{unit}.service"] = (
                f"[Unit]\n{relation}[Service]\nType=notify\nExecStart=/bin/u\n[X-Simulation]\nReadyAfter=5ms..30ms\n"
            )
        found[f"n{node}"] = texts
    return found
