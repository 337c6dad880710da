"""The agent of a node: does on its engine what the controller asks, tells what happens there, and lets services
depend on services of other nodes.

It knows no socket: `dial` is called when it wants a connection, and the driver answers with `connected`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway.orchestrator.control.config import AgentConfig
from gateway.orchestrator.control.connection import Connection
from gateway.orchestrator.control.lifecycle import Lifecycle
from gateway.orchestrator.control.messages import (
    AGENT_METRICS,
    AGENT_PATH,
    CONTROLLER_NAME,
    DBUS_ERROR,
    INTERNAL_AGENT,
    INTERNAL_CONTROLLER,
    INTERNAL_PATH,
    INTERNAL_PROXY,
    Call,
    Failure,
    Reply,
    Return,
    Signal,
    failure,
)
from gateway.orchestrator.control.properties import as_variants
from gateway.orchestrator.control.proxies import AgentProxies
from gateway.orchestrator.control.queries import QUERIES
from gateway.orchestrator.engine import Active, Engine, Job, JobResult, Unit
from gateway.orchestrator.errors import OrchestratorError
from gateway.sim import Kernel, Timer

__all__ = ["CONTROLLER_NAME", "Agent"]
WILDCARD: Final = "*"


class Agent:
    """One node's agent. `online`: registered with the controller. `refused`: why the controller did not want it."""

    def __init__(
        self, kernel: Kernel, engine: Engine, config: AgentConfig, dial: Callable[[], None] | None = None
    ) -> None:
        self.kernel: Final = kernel
        self.engine: Final = engine
        self.config = config
        self.name: Final = config.name
        self.dial = dial
        self.connection: Connection | None = None
        self.online = False
        self.refused = ""
        self.log_level = config.log_level
        self.metrics = False
        self.last_seen_ns = 0
        self.disconnected_ns = 0
        self.subscribed: dict[str, None] = {}
        self.watchers: list[Callable[[bool], object]] = []
        """Called when it goes online or offline."""
        self.on_refused: Callable[[str], object] | None = None
        """Called when the controller does not want it, with the reason."""
        self.lifecycle: Final = Lifecycle(self)
        self.proxies: Final = AgentProxies(self)
        self._timer: Final = Timer(kernel, self._beat)
        engine.observers.append(self)

    # The connection

    def start(self) -> None:
        """Look for the controller, and go on looking."""
        self._timer.set(self.kernel.now)

    def stop(self) -> None:
        """End the agent; its units run on."""
        self._timer.cancel()
        if self.connection is not None:
            self.connection.close()

    def connected(self, connection: Connection) -> None:
        """The driver has a connection: register."""
        self.connection = connection
        self.last_seen_ns = self.kernel.now
        connection.call(INTERNAL_PATH, INTERNAL_CONTROLLER, "Register", "s", (self.name,), self._registered)

    def _registered(self, reply: Reply) -> None:
        connection = self.connection
        if connection is None:
            return
        if isinstance(reply, Failure):
            self.refused = reply.text
            connection.close()
            if self.on_refused is not None:
                self.on_refused(reply.text)
            return
        self.refused = ""
        self.online = True
        self.last_seen_ns = self.kernel.now
        self.proxies.announce()
        for watcher in self.watchers:
            watcher(True)

    def lost(self, connection: Connection) -> None:
        """The connection is gone: the units go on, and so does the looking for the controller."""
        if connection is not self.connection:
            return
        was_online, self.online = self.online, False
        self.connection = None
        self.disconnected_ns = self.kernel.now
        self.subscribed.clear()
        self.lifecycle.forget()
        if was_online:
            for watcher in self.watchers:
                watcher(False)

    def switch_controller(self, address: str) -> None:
        """Leave this controller for the one at an address."""
        from dataclasses import replace

        self.config = replace(self.config, address=address)
        if self.connection is not None:
            self.connection.close()
        self._timer.set(self.kernel.now)

    def _beat(self) -> None:
        """Send a heartbeat, miss the controller's, or look for it."""
        now = self.kernel.now
        limit = self.config.threshold_ns
        if self.connection is None:
            if self.dial is not None:
                self.dial()
        elif limit and self.online and now - self.last_seen_ns > limit:
            self.connection.close()
        elif self.online and self.config.heartbeat_ns:
            self.tell("Heartbeat")
        self._timer.set(now + (self.config.heartbeat_ns or 2_000_000_000))

    def tell(self, member: str, signature: str = "", *body: object) -> None:
        """A signal of the agent to the controller; lost while there is none."""
        if self.online and self.connection is not None:
            self.connection.signal(AGENT_PATH, INTERNAL_AGENT, member, signature, *body)

    # Called by the controller

    def signalled(self, connection: Connection, signal: Signal) -> None:
        self.last_seen_ns = self.kernel.now

    def called(self, connection: Connection, call: Call) -> None:
        self.last_seen_ns = self.kernel.now
        try:
            connection.send(self._answer(call))
        except OrchestratorError as error:
            connection.send(failure(call.serial, error))

    def _answer(self, call: Call) -> Reply:
        if call.interface == INTERNAL_PROXY:
            self.proxies.called(call)
            return Return(call.serial)
        if call.member in self.lifecycle.methods:
            began = self.kernel.now
            self.lifecycle.methods[call.member](call)
            self._measure(call, began)
            return Return(call.serial)
        found = QUERIES.get(call.member)
        if call.interface not in {INTERNAL_AGENT, ""} or found is None:
            text = f"there is no method {call.interface}.{call.member}"
            return Failure(call.serial, f"{DBUS_ERROR}.UnknownMethod", text)
        if call.signature != found.takes:
            text = f"{call.member} takes {found.takes!r}, not {call.signature!r}"
            return Failure(call.serial, f"{DBUS_ERROR}.InvalidArgs", text)
        return Return(call.serial, found.gives, found.answer(self, *call.body))

    def _measure(self, call: Call, began: int) -> None:
        if self.metrics and self.connection is not None and call.member.endswith("Unit"):
            micros = (self.kernel.now - began) // 1000
            body = (str(call.body[0]), call.member, micros)
            self.connection.signal(AGENT_PATH + "/metrics", AGENT_METRICS, "AgentJobMetrics", "sst", *body)

    # Told by the engine

    def _cares(self, unit: str) -> bool:
        return unit in self.subscribed or WILDCARD in self.subscribed

    def unit_new(self, unit: Unit) -> None:
        if self._cares(unit.name):
            self.tell("UnitNew", "ss", unit.name, "real")

    def unit_removed(self, unit: Unit) -> None:
        if self._cares(unit.name):
            self.tell("UnitRemoved", "s", unit.name)

    def state_changed(self, unit: Unit, before: Active) -> None:
        if self._cares(unit.name):
            self.tell("UnitStateChanged", "ssss", unit.name, str(unit.active), unit.sub, "real")
            values = as_variants({"ActiveState": str(unit.active), "SubState": unit.sub})
            self.tell("UnitPropertiesChanged", "ssa{sv}", unit.name, "org.freedesktop.systemd1.Unit", values)
        self.proxies.local_state_changed(unit, before)

    def properties_changed(self, unit: Unit, interface: str, values: Mapping[str, object]) -> None:
        if self._cares(unit.name):
            self.tell("UnitPropertiesChanged", "ssa{sv}", unit.name, interface, as_variants(values))

    def job_running(self, job: Job) -> None:
        self.lifecycle.running(job)

    def job_removed(self, job: Job, result: JobResult) -> None:
        self.lifecycle.removed(job, result)

    def subscribe(self, name: str) -> None:
        """Tell of a unit from now on, and at once how it is."""
        self.subscribed[name] = None
        units = self.engine.loaded() if name == WILDCARD else [self.engine.units.get(name)]
        for unit in units:
            if unit is not None and unit.spec.load_state == "loaded":
                self.tell("UnitNew", "ss", unit.name, "virtual")
                self.tell("UnitStateChanged", "ssss", unit.name, str(unit.active), unit.sub, "virtual")
