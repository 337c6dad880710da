"""An agent's side of dependencies on other nodes: the proxy services, and what the controller says of their targets.

`bluechi-proxy@NODE_UNIT.service` runs the program `bluechi-proxy create NODE_UNIT`. The program is the agent itself: it
tells the controller, and ends when the target is active or cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.orchestrator.control.messages import AGENT_PATH, INTERNAL_AGENT, PROXY_PATH, Call
from gateway.orchestrator.engine import Active, Exit, JobType, Process, ProcessEvents, Runner, Start, Unit
from gateway.orchestrator.errors import OrchestratorError, UnknownObjectError
from gateway.orchestrator.units.names import path_label

if TYPE_CHECKING:
    from gateway.orchestrator.control.agent import Agent

PROGRAM: Final = "bluechi-proxy"


@dataclass(slots=True)
class Proxy:
    """One proxy service. `events`: its program that waits for the target; None when it has its answer."""

    service: str
    node: str
    unit: str
    path: str
    events: ProcessEvents | None = None
    active: bool = False


class AgentProxies:
    """All proxies of a node, by the service's name."""

    def __init__(self, agent: Agent) -> None:
        self._agent: Final = agent
        self.proxies: dict[str, Proxy] = {}

    def create(self, service: str, node: str, unit: str, events: ProcessEvents | None = None) -> Proxy:
        """Tell the controller that a service here needs a unit there."""
        proxy = Proxy(service, node, unit, f"{PROXY_PATH}/{path_label(f'{node}_{unit}')}", events)
        self.proxies[service] = proxy
        self._announce(proxy)
        return proxy

    def remove(self, service: str) -> None:
        """The need is gone. UnknownObjectError when there was none."""
        proxy = self.proxies.pop(service, None)
        if proxy is None:
            raise UnknownObjectError(f"there is no proxy {service}")
        self._agent.tell("ProxyRemoved", "ss", proxy.node, proxy.unit)

    def announce(self) -> None:
        """Tell the controller of all needs again, after a lost connection."""
        for proxy in self.proxies.values():
            self._announce(proxy)

    def _announce(self, proxy: Proxy) -> None:
        agent = self._agent
        if agent.online and agent.connection is not None:
            body = (proxy.node, proxy.unit, proxy.path)
            agent.connection.signal(AGENT_PATH, INTERNAL_AGENT, "ProxyNew", "sso", *body)

    # Called by the controller, at the proxy's object

    def called(self, call: Call) -> None:
        """TargetNew, TargetStateChanged, TargetRemoved or Error. UnknownObjectError for a proxy that is gone."""
        proxies = [proxy for proxy in self.proxies.values() if proxy.path == call.path]
        if not proxies:
            raise UnknownObjectError(f"there is no proxy at {call.path}")
        for proxy in proxies:
            if call.member == "TargetStateChanged":
                active, _sub, reason = call.body
                self._target_is(proxy, str(active), reason == "real")
            elif call.member == "Error":
                self._agent.engine.report(proxy.service, str(call.body[0]))
                self._down(proxy, failed=True)

    def _target_is(self, proxy: Proxy, active: str, real: bool) -> None:
        if active in {Active.ACTIVE, Active.RELOADING}:
            proxy.active = True
            self._end(proxy, Exit(0))
        elif active == Active.FAILED:
            self._down(proxy, failed=True)
        elif active in {Active.INACTIVE, Active.DEACTIVATING} and real:
            # Told by way of a new subscription or a lost node it says nothing: the need is being met again.
            self._down(proxy, failed=False)

    def _down(self, proxy: Proxy, *, failed: bool) -> None:
        if proxy.events is not None:
            if failed or proxy.active:
                self._end(proxy, Exit(1))
            return
        proxy.active = False
        unit = self._agent.engine.units.get(proxy.service)
        if unit is not None and unit.active in {Active.ACTIVE, Active.RELOADING, Active.ACTIVATING}:
            try:
                self._agent.engine.submit(JobType.STOP, proxy.service)
            except OrchestratorError as error:
                self._agent.engine.report(proxy.service, f"cannot be stopped with its target: {error}")

    def _end(self, proxy: Proxy, end: Exit) -> None:
        events, proxy.events = proxy.events, None
        if events is not None:
            kernel = self._agent.kernel
            kernel.at(kernel.now, lambda: events.exited(end))

    # Told by the engine

    def local_state_changed(self, unit: Unit, before: Active) -> None:
        """A proxy service that is down has no need any more, however it went down."""
        del before
        if unit.active in {Active.INACTIVE, Active.FAILED} and unit.name in self.proxies:
            self.remove(unit.name)


class _ProxyProgram:
    """The program bluechi-proxy, which is the agent."""

    def __init__(self, agent: Agent, start: Start, events: ProcessEvents) -> None:
        self.pid = 0
        self._agent = agent
        self._events = events
        self._service = start.unit.name
        action, instance = start.command.argv[1:3]
        node, _, unit = instance.partition("_")
        agent.kernel.at(agent.kernel.now, lambda: self._begin(action, node, f"{unit}.service"))

    def _begin(self, action: str, node: str, unit: str) -> None:
        proxies = self._agent.proxies
        if action == "create" and node and unit != ".service":
            proxies.create(self._service, node, unit, self._events)
        elif action == "create":
            self._events.exited(Exit(1))
        else:
            if self._service in proxies.proxies:
                proxies.remove(self._service)
            self._events.exited(Exit(0))

    def signal(self, number: int, *, everyone: bool) -> None:
        proxy = self._agent.proxies.proxies.get(self._service)
        if proxy is not None:
            proxy.events = None
        self._agent.kernel.at(self._agent.kernel.now, lambda: self._events.exited(Exit(0, number)))

    def freeze(self) -> None:
        """It only waits."""

    def thaw(self) -> None:
        """It only waits."""

    def usage(self) -> Mapping[str, int]:
        return {}


class ProxyRunner:
    """A runner that has bluechi-proxy for a program, and leaves the others to another runner."""

    def __init__(self, runner: Runner) -> None:
        self.runner: Final = runner
        self.agent: Agent | None = None

    def start(self, start: Start, events: ProcessEvents) -> Process:
        if start.command.path == PROGRAM and self.agent is not None:
            return _ProxyProgram(self.agent, start, events)
        return self.runner.start(start, events)
