"""Nodes and units under test: `vehicle.node("zone-left").unit("lights").becomes("failed", within="2s")`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, TypeVar

from gateway.errors import nearest
from gateway.hil.arguments import period
from gateway.hil.errors import HilError
from gateway.hil.expectation import Expectation
from gateway.hil.story import indented, seconds
from gateway.orchestrator.engine import Active, JobType, Unit
from gateway.orchestrator.errors import OrchestratorError
from gateway.orchestrator.events import FleetEvent
from gateway.orchestrator.fleet import Fleet, SimulatedNode
from gateway.sim import duration_text

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

T = TypeVar("T")
ONLINE: Final = ("online", "offline")
_SHOWN: Final = 12


class NodeUnderTest:
    """A computer of the vehicle, as its controller sees it, and its units."""

    def __init__(self, vehicle: VehicleUnderTest, name: str) -> None:
        self.name: Final = name
        self.vehicle: Final = vehicle
        self.fleet: Final = fleet_of(vehicle)
        if name not in self.fleet.controller.nodes:
            raise HilError(f"there is no node {name!r}{_others(name, list(self.fleet.controller.nodes))}")

    @property
    def state(self) -> str:
        """`online`, or `offline` when the controller has had no heartbeat of it for too long."""
        return "online" if self.fleet.controller.nodes[self.name].online else "offline"

    def becomes(self, state: str, *, within: str) -> Expectation[FleetEvent | None]:
        """The controller takes it for `online` or `offline`, now or within this time."""
        wanted = _known(state, ONLINE)
        text = f"node {self.name} becomes {state} within {within}"
        return StateComes(self.vehicle, text, period(within, "within"), (self.name, ""), lambda: self.state, wanted)

    def unit(self, name: str) -> UnitUnderTest:
        """A unit, by its whole name or without `.service`. HilError, with the nearest, for one that is not there."""
        return UnitUnderTest(self, name)

    @property
    def simulated(self) -> SimulatedNode:
        """Its engine, agent and cable. HilError for a node that a real agent is."""
        if self.name not in self.fleet.nodes:
            raise HilError(f"node {self.name} is an external one: it cannot be reached into")
        return self.fleet.nodes[self.name]

    def __repr__(self) -> str:
        return f"<node {self.name}, {self.state}>"


class UnitUnderTest:
    """A unit of a node: its state as systemd names it, and what can be asked of it."""

    def __init__(self, node: NodeUnderTest, name: str) -> None:
        units = node.simulated.engine.units
        full = name if name in units else f"{name}.service"
        if full not in units:
            raise HilError(f"node {node.name} has no unit {name!r}{nearest(full, list(units))}")
        self.name: Final = full
        self.node: Final = node

    @property
    def _unit(self) -> Unit:
        return self.node.simulated.engine.units[self.name]

    @property
    def state(self) -> str:
        """active, reloading, inactive, failed, activating or deactivating."""
        return str(self._unit.active)

    @property
    def sub_state(self) -> str:
        """`running`, `dead`, `auto-restart` and so on."""
        return self._unit.sub

    @property
    def result(self) -> str:
        """Why it has failed: `exit-code`, `signal`, `timeout` and so on; `success` otherwise."""
        return self._unit.result

    def becomes(self, state: str, *, within: str) -> Expectation[FleetEvent | None]:
        """The unit is in this state now (then None comes) or gets into it within this time."""
        wanted = _known(state, [each.value for each in Active])
        text = f"{self._who} becomes {state} within {within}"
        return StateComes(
            self.node.vehicle, text, period(within, "within"), (self.node.name, self.name), lambda: self.state, wanted
        )

    def stays(self, state: str, *, during: str) -> Expectation[None]:
        """The unit is in this state now and does not leave it during this time."""
        wanted = _known(state, [each.value for each in Active])
        text = f"{self._who} stays {state} during {during}"
        return StateStays(
            self.node.vehicle, text, period(during, "during"), (self.node.name, self.name), lambda: self.state, wanted
        )

    def start(self) -> None:
        """As `gateway units start`; what comes of it is to be expected."""
        self._submit(JobType.START)

    def stop(self) -> None:
        self._submit(JobType.STOP)

    def restart(self) -> None:
        self._submit(JobType.RESTART)

    def kill(self, signal: int = 9, *, who: str = "all") -> None:
        """Send a signal to its programs."""
        try:
            self._unit.kill(who, signal)
        except OrchestratorError as error:
            raise HilError(error.sentence) from None

    def _submit(self, kind: JobType) -> None:
        try:
            self.node.simulated.engine.submit(kind, self.name)
        except OrchestratorError as error:
            raise HilError(error.sentence) from None

    @property
    def _who(self) -> str:
        return f"unit {self.name} on {self.node.name}"

    def __repr__(self) -> str:
        return f"<{self._who}, {self.state} ({self.sub_state})>"


class StateExpectation(Expectation[T]):
    """Watches the state of a node (its unit is empty then) or of a unit."""

    def __init__(
        self,
        vehicle: VehicleUnderTest,
        text: str,
        within_ns: int,
        who: tuple[str, str],
        state: Callable[[], str],
        wanted: str,
    ) -> None:
        super().__init__(vehicle, text, within_ns)
        self.fleet: Final = fleet_of(vehicle)
        self.state: Final = state
        self.wanted: Final = wanted
        self._who: Final = who
        self.begin()
        if not self.done:
            self.fleet.listeners.append(self._told)
            self.on_end(lambda: self.fleet.listeners.remove(self._told))

    def begin(self) -> None:
        """Judge how it is now."""
        raise NotImplementedError

    def changed(self, event: FleetEvent) -> None:
        """Judge another state."""
        raise NotImplementedError

    def _told(self, event: FleetEvent) -> None:
        if (event.node, event.unit) == self._who:
            self.changed(event)

    def story(self) -> list[str]:
        node, unit = self._who
        told = [event for event in self.fleet.events if event.node == node and (not unit or event.unit in {unit, ""})]
        shown = [f"{seconds(event.time_ns)}  {event}" for event in told[-_SHOWN:]]
        more = [f"... and {len(told) - len(shown)} before"] if len(told) > len(shown) else []
        return [f"what node {node} has told:", *indented(more + shown or ["nothing"])]


class StateComes(StateExpectation[FleetEvent | None]):
    """It gets into a state."""

    def begin(self) -> None:
        if self.state() == self.wanted:
            self.fulfil(None)

    def changed(self, event: FleetEvent) -> None:
        if event.state == self.wanted:
            self.fulfil(event)

    def expired(self) -> None:
        self.break_(f"it is {self.state()} after {duration_text(self.within_ns)}")


class StateStays(StateExpectation[None]):
    """It keeps a state."""

    def begin(self) -> None:
        if self.state() != self.wanted:
            self.break_(f"it is {self.state()}")

    def changed(self, event: FleetEvent) -> None:
        if event.state != self.wanted:
            self.break_(f"after {duration_text(self.vehicle.now_ns - self.created_ns)} it is {event.state}")

    def expired(self) -> None:
        self.fulfil(None)


def fleet_of(vehicle: VehicleUnderTest) -> Fleet:
    """HilError for a vehicle without nodes."""
    fleet = vehicle.simulated.fleet
    if fleet is None:
        raise HilError(f"{vehicle.simulated.name} has no nodes: name them under domains, nodes")
    return fleet


def _known(state: str, states: Collection[str]) -> str:
    if state not in states:
        raise HilError(f"there is no state {state!r}{_others(state, list(states))}")
    return state


def _others(name: str, known: list[str]) -> str:
    return nearest(name, known) or f" (there are {', '.join(known)})"
