"""A node as the controller sees it: its connection, its heartbeat, and what is known of its units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from gateway.orchestrator.control.connection import Connection
from gateway.orchestrator.control.messages import (
    AGENT_METRICS,
    AGENT_PATH,
    INTERNAL_AGENT,
    Answered,
    Call,
    Reply,
    Return,
    Signal,
)
from gateway.orchestrator.control.monitors import ANY, Monitor
from gateway.orchestrator.errors import NoSuchSubscriptionError, OfflineError
from gateway.sim import Timer

if TYPE_CHECKING:
    from gateway.orchestrator.control.controller import Controller
    from gateway.orchestrator.control.needs import Need

OFFLINE_SUB: Final = "agent-offline"


class NodeStatus(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(slots=True)
class KnownUnit:
    """What the agent has last told of a unit."""

    active: str = ""
    sub: str = ""


class Node:
    """One node. `last_seen_ns`: the time of its last message, 0 before the first."""

    def __init__(self, controller: Controller, name: str) -> None:
        self.controller: Final = controller
        self.name: Final = name
        self.connection: Connection | None = None
        self.last_seen_ns = 0
        self.wanted: dict[str, int] = {}
        """How many subscriptions and needs there are of each unit."""
        self.known: dict[str, KnownUnit] = {}
        self._timer: Final = Timer(controller.kernel, self._silent)
        self._signals: Final[dict[str, Callable[..., None]]] = {
            "JobDone": controller.job_done,
            "JobStateChanged": controller.job_state_changed,
            "UnitNew": self._unit_new,
            "UnitRemoved": self._unit_removed,
            "UnitStateChanged": self._unit_state_changed,
            "UnitPropertiesChanged": self._unit_properties_changed,
            "ProxyNew": lambda node, unit, path: controller.needs.new(self, node, unit, path),
            "ProxyRemoved": lambda node, unit: controller.needs.gone(self, node, unit),
            "AgentJobMetrics": lambda unit, method, micros: controller.public.agent_metrics(
                self.name, unit, method, micros
            ),
        }

    @property
    def online(self) -> bool:
        return self.connection is not None

    @property
    def status(self) -> NodeStatus:
        return NodeStatus.ONLINE if self.online else NodeStatus.OFFLINE

    @property
    def peer_ip(self) -> str:
        return self.connection.peer_ip if self.connection is not None else ""

    # The connection

    def joined(self, connection: Connection) -> None:
        """Its agent has registered."""
        self.connection = connection
        self._seen()
        for unit in self.wanted:
            self.call("Subscribe", "s", (unit,), _ignore)
        if self.controller.metrics:
            self.call("EnableMetrics", "", (), _ignore)
        self.controller.node_online(self)

    def left(self) -> None:
        """The connection is gone: all that waits for it ends, and its units are told as unknown."""
        self.connection = None
        self._timer.cancel()
        known, self.known = self.known, {}
        for name in known:
            self._tell("UnitStateChanged", "sssss", name, "inactive", OFFLINE_SUB, "virtual")
            self.controller.needs.state_changed(self, name, "inactive", OFFLINE_SUB, "virtual")
            self._tell("UnitRemoved", "sss", name, "virtual")
        self.controller.node_offline(self)

    def _seen(self) -> None:
        now = self.last_seen_ns = self.controller.kernel.now
        threshold = self.controller.config.threshold_ns
        if threshold:
            self._timer.set(now + threshold)

    def _silent(self) -> None:
        """No heartbeat in time: the node is taken for lost."""
        if self.connection is not None:
            self.connection.close()

    def call(self, member: str, signature: str, body: tuple[Any, ...], answered: Answered) -> None:
        """Ask the agent. OfflineError."""
        if self.connection is None:
            raise OfflineError(f"Node {self.name} is offline")
        self.connection.call(AGENT_PATH, INTERNAL_AGENT, member, signature, body, answered)

    def signalled(self, signal: Signal) -> None:
        self._seen()
        handler = self._signals.get(signal.member)
        if handler is not None and signal.interface in {INTERNAL_AGENT, AGENT_METRICS}:
            handler(*signal.body)

    def answered(self, call: Call) -> None:
        """It asks something, so it lives."""
        del call
        self._seen()

    # Subscriptions

    def want(self, unit: str, by: Monitor | Need) -> None:
        """Somebody wants to hear of a unit: the agent is asked to tell, or what is known is told."""
        count = self.wanted[unit] = self.wanted.get(unit, 0) + 1
        if count == 1 and self.online:
            self.call("Subscribe", "s", (unit,), _ignore)
        elif count > 1:
            for name in list(self.known) if unit == ANY else [unit]:
                self._tell_known(name, by)

    def _tell_known(self, name: str, by: Monitor | Need) -> None:
        known = self.known.get(name)
        if known is None:
            return
        if isinstance(by, Monitor):
            by.tell("UnitNew", "sss", self.name, name, "virtual")
            if known.active:
                by.tell("UnitStateChanged", "sssss", self.name, name, known.active, known.sub, "virtual")
        elif known.active:
            by.tell("TargetStateChanged", "sss", known.active, known.sub, "virtual")

    def unwant(self, unit: str) -> None:
        """NoSuchSubscriptionError when nobody wanted it."""
        if unit not in self.wanted:
            raise NoSuchSubscriptionError(f"nobody has subscribed to {unit} of {self.name}")
        self.wanted[unit] -= 1
        if self.wanted[unit] == 0:
            del self.wanted[unit]
            if self.online:
                self.call("Unsubscribe", "s", (unit,), _ignore)
            for name in [name for name in self.known if name not in self.wanted and ANY not in self.wanted]:
                del self.known[name]

    def _tell(self, member: str, signature: str, unit: str, *rest: Any) -> None:
        for monitor in list(self.controller.monitors.values()):
            if monitor.covers(self.name, unit):
                monitor.tell(member, signature, self.name, unit, *rest)

    def _unit_new(self, unit: str, reason: str) -> None:
        self.known.setdefault(unit, KnownUnit())
        self._tell("UnitNew", "sss", unit, reason)

    def _unit_removed(self, unit: str) -> None:
        self.known.pop(unit, None)
        self._tell("UnitRemoved", "sss", unit, "real")

    def _unit_state_changed(self, unit: str, active: str, sub: str, reason: str) -> None:
        self.known[unit] = KnownUnit(active, sub)
        self._tell("UnitStateChanged", "sssss", unit, active, sub, reason)
        self.controller.needs.state_changed(self, unit, active, sub, reason)

    def _unit_properties_changed(self, unit: str, interface: str, values: dict[str, Any]) -> None:
        self._tell("UnitPropertiesChanged", "sssa{sv}", unit, interface, values)


def _ignore(reply: Reply) -> None:
    """Nobody asked for it."""
    assert isinstance(reply, Return) or reply.name
