"""A fleet in the simulation: a controller and nodes on one kernel, with cables between them that can be cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.errors import nearest
from gateway.orchestrator.control import Agent, AgentConfig, Controller, ControllerConfig
from gateway.orchestrator.control.connection import Connection
from gateway.orchestrator.control.messages import Message
from gateway.orchestrator.control.proxies import ProxyRunner
from gateway.orchestrator.engine import Engine, JobMode, JobType, Runner
from gateway.orchestrator.errors import UnknownObjectError
from gateway.orchestrator.events import FleetEvent, UnitWatch
from gateway.orchestrator.simulated import SimulatedRunner
from gateway.orchestrator.units import UnitFiles
from gateway.sim import NS_PER_S, Kernel, Streams

_LATENCY_NS: Final = 200_000
KEPT_EVENTS: Final = 10_000

KEEP_ALIVE_NS: Final = 7 * NS_PER_S
"""So long after the last sign of life TCP gives a connection up: 1 s idle, then 6 tries of 1 s."""


@dataclass(slots=True)
class Cable:
    """The way between controller and a node: messages in order, each after `latency_ns`.

    As TCP has it: what is sent over a cut cable waits, and comes when the cable is mended in time.
    """

    kernel: Kernel
    latency_ns: int = _LATENCY_NS
    whole: bool = True
    held: list[Callable[[], object]] = field(default_factory=list)
    cuts: int = 0

    def carry(self, deliver: Callable[[], object]) -> None:
        if self.whole:
            self.kernel.after(self.latency_ns, lambda: self._arrive(deliver))
        else:
            self.held.append(deliver)

    def _arrive(self, deliver: Callable[[], object]) -> None:
        if self.whole:
            deliver()
        else:
            self.held.append(deliver)

    def cut(self) -> None:
        self.whole = False
        self.cuts += 1

    def mend(self) -> None:
        self.whole = True
        held, self.held = self.held, []
        for deliver in held:
            self.carry(deliver)


@dataclass(slots=True)
class SimulatedNode:
    """A node: its engine, its agent, its cable to the controller."""

    name: str
    engine: Engine
    agent: Agent
    cable: Cable
    target: str | None = None
    powered: bool = False
    ends: list[Connection] = field(default_factory=list)


class Fleet:
    """Controller and nodes. Nothing runs before `start`."""

    def __init__(self, kernel: Kernel, config: ControllerConfig, streams: Streams) -> None:
        self.kernel: Final = kernel
        self.streams: Final = streams
        self.controller: Final = Controller(kernel, config)
        self.nodes: dict[str, SimulatedNode] = {}
        self.events: Final[deque[FleetEvent]] = deque(maxlen=KEPT_EVENTS)
        """The latest."""
        self.listeners: list[Callable[[FleetEvent], object]] = []
        """Called with each event."""
        self.closers: list[Callable[[], Awaitable[None]]] = []
        """What the nodes' runners have to end, once all is off."""
        self.controller.watchers.append(lambda event: self.tell(FleetEvent(event.time_ns, event.node, "", event.what)))

    def tell(self, event: FleetEvent) -> None:
        """Keep an event and tell the listeners, who may leave meanwhile."""
        self.events.append(event)
        for listener in tuple(self.listeners):
            listener(event)

    def add(
        self,
        name: str,
        files: UnitFiles,
        *,
        runner: Runner | None = None,
        config: AgentConfig | None = None,
        target: str | None = None,
        latency_ns: int = _LATENCY_NS,
    ) -> SimulatedNode:
        """A node with these unit files; its programs are simulated unless a runner is given. `target`: started at
        power on, `default.target` where there is one and nothing is said."""
        stream = self.streams.stream(f"node/{name}")
        programs: Runner = runner if runner is not None else SimulatedRunner(self.kernel, stream)
        proxies = ProxyRunner(programs)
        engine = Engine(self.kernel, name, files, proxies)
        agent = Agent(self.kernel, engine, config or AgentConfig(name=name))
        proxies.agent = agent
        node = SimulatedNode(name, engine, agent, Cable(self.kernel, latency_ns), target)
        agent.dial = lambda: self._dial(node)
        engine.observers.append(UnitWatch(self, name))
        self.nodes[name] = node
        return node

    def node(self, name: str) -> SimulatedNode:
        """UnknownObjectError, with the nearest name."""
        if name not in self.nodes:
            raise UnknownObjectError(f"there is no node {name!r}{nearest(name, list(self.nodes))}")
        return self.nodes[name]

    def start(self) -> None:
        """Power on: the controller, then all nodes."""
        self.controller.start()
        for node in self.nodes.values():
            self.power_on(node)

    def stop(self) -> None:
        """Power off, everywhere."""
        for node in self.nodes.values():
            self.power_off(node)
        self.controller.stop()

    async def close(self) -> None:
        """After `stop`: wait for the end of real programs."""
        for close in self.closers:
            await close()

    def power_on(self, node: SimulatedNode) -> None:
        node.powered = True
        node.agent.start()
        target = node.target or node.engine.files.default_target
        if node.target is not None or node.engine.files.has(target):
            node.engine.submit(JobType.START, target, JobMode.REPLACE)

    def power_off(self, node: SimulatedNode) -> None:
        """The node is gone at once, without a word to anyone."""
        node.powered = False
        node.engine.power_off()
        node.cable.cut()
        node.agent.stop()
        node.cable.held.clear()
        node.cable.mend()

    # Cables

    def cut(self, name: str) -> None:
        """Cut the node's cable: nobody is told, heartbeats only stop coming."""
        node = self.node(name)
        node.cable.cut()
        cuts, ends = node.cable.cuts, node.ends

        def give_up() -> None:
            if node.cable.cuts == cuts and not node.cable.whole:
                for end in ends:
                    end.close()

        self.kernel.after(KEEP_ALIVE_NS, give_up)

    def mend(self, name: str) -> None:
        self.node(name).cable.mend()

    def _dial(self, node: SimulatedNode) -> None:
        """A connection between a node's agent and the controller, both ends at once; none over a cut cable."""
        if not node.cable.whole:
            return
        here: Connection
        there: Connection

        def to_there(message: Message) -> None:
            node.cable.carry(lambda: there.receive(message))

        def to_here(message: Message) -> None:
            node.cable.carry(lambda: here.receive(message))

        here = Connection(self.kernel, node.agent, to_there, lambda: node.cable.carry(there.close))
        there = self.controller.accept(to_here, lambda: node.cable.carry(here.close), peer_ip=f"sim:{node.name}")
        node.ends = [here, there]
        node.agent.connected(here)

    def unit_states(self) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        """Active and sub state of each unit of each node."""
        return {
            name: {unit.name: (str(unit.active), unit.sub) for unit in node.engine.loaded()}
            for name, node in self.nodes.items()
        }
