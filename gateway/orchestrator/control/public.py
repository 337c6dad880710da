"""BlueChi's public API: what clients ask of the controller, and what they are told. Knows no bus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from gateway.orchestrator.control import interfaces
from gateway.orchestrator.control.dispatch import PROPERTIES, BusObject, Handler, Request, dispatch
from gateway.orchestrator.control.jobs import JOB_TYPES, UnitJob
from gateway.orchestrator.control.messages import ROOT, Failure, Reply, Return, Signal, Variant
from gateway.orchestrator.control.queries import QUERIES, checked_level
from gateway.orchestrator.units.names import path_label

if TYPE_CHECKING:
    from gateway.orchestrator.control.controller import Controller
    from gateway.orchestrator.control.monitors import Monitor
    from gateway.orchestrator.control.node import Node

METRICS_PATH: Final = f"{ROOT}/metrics"
Emit = Callable[[Signal, str | None], None]
"""A signal, to one client or to all."""


def node_path(name: str) -> str:
    return f"{ROOT}/node/{path_label(name)}"


def job_path(number: int) -> str:
    return f"{ROOT}/job/{number}"


def monitor_path(number: int) -> str:
    return f"{ROOT}/monitor/{number}"


def _nobody(_signal: Signal, _destination: str | None) -> None:
    """No bus yet."""


def _ignore(_reply: Reply) -> None:
    """Nobody asked for it."""


class PublicApi:
    """The objects on the bus. `emit`: where signals go; the driver sets it."""

    def __init__(self, controller: Controller) -> None:
        self._controller: Final = controller
        self.emit: Emit = _nobody
        self.epoch_ns = 0
        """The kernel's time zero in nanoseconds since 1970; the driver sets it."""
        self._status = ""
        self._controller_methods: Final[Mapping[str, Handler]] = {
            "ListUnits": lambda request: self._of_all(request, "ListUnits"),
            "ListUnitFiles": lambda request: self._of_all(request, "ListUnitFiles"),
            "ListNodes": self._list_nodes,
            "GetNode": lambda request: request.gives("o", node_path(controller.node(request.call.body[0]).name)),
            "CreateMonitor": lambda request: request.gives(
                "o", monitor_path(controller.new_monitor(request.sender).id)
            ),
            "SetLogLevel": self._set_log_level,
            "EnableMetrics": lambda request: self._switch_metrics(request, True),
            "DisableMetrics": lambda request: self._switch_metrics(request, False),
        }

    def call(self, request: Request) -> None:
        """A client's call; its answer comes at once or when the node has answered."""
        dispatch(request, self._find, self._paths)

    # Objects

    def _paths(self) -> Iterator[str]:
        yield ROOT
        if self._controller.metrics:
            yield METRICS_PATH
        yield from (node_path(name) for name in self._controller.nodes)
        yield from (job_path(number) for number in self._controller.jobs)
        yield from (monitor_path(number) for number in self._controller.monitors)

    def _find(self, path: str) -> BusObject | None:
        controller = self._controller
        if path == ROOT:
            return BusObject(interfaces.CONTROLLER, self._controller_methods, self._controller_properties)
        if path == METRICS_PATH and controller.metrics:
            return BusObject(interfaces.METRICS, {}, dict)
        kind, _, label = path.removeprefix(f"{ROOT}/").partition("/")
        if kind == "node":
            node = next((node for name, node in controller.nodes.items() if path_label(name) == label), None)
            return None if node is None else self._node_object(node)
        number = int(label) if label.isdecimal() and label.isascii() else -1
        if kind == "job" and number in controller.jobs:
            return self._job_object(controller.jobs[number])
        if kind == "monitor" and number in controller.monitors:
            return self._monitor_object(controller.monitors[number])
        return None

    def _controller_properties(self) -> Mapping[str, Any]:
        controller = self._controller
        return {
            "Status": controller.status,
            "LogLevel": controller.log_level,
            "LogTarget": controller.config.log_target,
        }

    def _node_object(self, node: Node) -> BusObject:
        methods: dict[str, Handler] = {
            name: (lambda request, name=name: self._ask(request, node, name))  # type: ignore[misc]
            for name in interfaces.NODE.methods
        }
        return BusObject(interfaces.NODE, methods, lambda: self._node_properties(node))

    def _node_properties(self, node: Node) -> Mapping[str, Any]:
        seen = (self.epoch_ns + node.last_seen_ns) // 1000 if node.last_seen_ns else 0
        return {
            "Name": node.name,
            "Status": str(node.status),
            "PeerIp": node.peer_ip,
            "LastSeenTimestamp": seen,
            "LastSeenTimestampMonotonic": node.last_seen_ns // 1000,
        }

    def _job_object(self, job: UnitJob) -> BusObject:
        def cancel(request: Request) -> None:
            self._controller.cancel(job, request.passes_on)

        def values() -> Mapping[str, Any]:
            return {"Id": job.id, "Node": job.node, "Unit": job.unit, "JobType": job.type, "State": str(job.state)}

        return BusObject(interfaces.JOB, {"Cancel": cancel}, values)

    def _monitor_object(self, monitor: Monitor) -> BusObject:
        def done(action: Callable[..., object], request: Request) -> None:
            action(*request.call.body)
            request.gives()

        def numbered(action: Callable[..., int], request: Request) -> None:
            # The number first: what is told at once belongs to it.
            request.gives("u", action(*request.call.body))

        methods: dict[str, Handler] = {
            "Close": lambda request: done(monitor.close, request),
            "Subscribe": lambda request: numbered(lambda node, unit: monitor.subscribe(node, (unit,)), request),
            "SubscribeList": lambda request: numbered(
                lambda node, units: monitor.subscribe(node, tuple(units)), request
            ),
            "Unsubscribe": lambda request: done(monitor.unsubscribe, request),
            "AddPeer": lambda request: numbered(monitor.add_peer, request),
            "RemovePeer": lambda request: done(monitor.remove_peer, request),
        }
        return BusObject(interfaces.MONITOR, methods, dict)

    # Methods

    def _list_nodes(self, request: Request) -> None:
        nodes = self._controller.nodes.values()
        request.gives("a(soss)", [(node.name, node_path(node.name), str(node.status), node.peer_ip) for node in nodes])

    def _of_all(self, request: Request, method: str) -> None:
        """Ask all nodes that are online, and answer when all have."""
        waiting = [node for node in self._controller.nodes.values() if node.online]
        found: dict[str, Any] = {node.name: [] for node in waiting}
        left = len(waiting)
        signature = interfaces.CONTROLLER.methods[method].returns
        if not waiting:
            request.gives(signature, {})

        def answered(name: str, reply: Reply) -> None:
            nonlocal left
            left -= 1
            if isinstance(reply, Return):
                found[name] = reply.body[0]
            if left == 0:
                request.gives(signature, found)

        for node in waiting:
            node.call(method, "", (), lambda reply, name=node.name: answered(name, reply))  # type: ignore[misc]

    def _ask(self, request: Request, node: Node, method: str) -> None:
        """A node's method: a job, or the agent's answer."""
        call = request.call
        if method not in JOB_TYPES:
            node.call(method, QUERIES[method].takes, call.body, request.passes_on)
            return

        def answered(job: UnitJob | Failure) -> None:
            if isinstance(job, Failure):
                request.passes_on(job)
            else:
                request.gives("o", job_path(job.id))

        self._controller.begin(node, method, call.signature, call.body, answered)

    def _set_log_level(self, request: Request) -> None:
        self._controller.log_level = checked_level(request.call.body[0])
        request.gives()

    def _switch_metrics(self, request: Request, enabled: bool) -> None:
        self._controller.metrics = enabled
        for node in self._controller.nodes.values():
            if node.online:
                node.call("EnableMetrics" if enabled else "DisableMetrics", "", (), _ignore)
        request.gives()

    # Signals

    def _signal(self, path: str, interface: str, member: str, signature: str, *body: Any) -> None:
        self.emit(Signal(path, interface, member, signature, body), None)

    def _changed(self, path: str, interface: str, name: str, value: str) -> None:
        values = {name: Variant("s", value)}
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", interface, values, [])

    def job_new(self, job: UnitJob) -> None:
        self._signal(ROOT, interfaces.CONTROLLER.name, "JobNew", "uo", job.id, job_path(job.id))

    def job_changed(self, job: UnitJob) -> None:
        self._changed(job_path(job.id), interfaces.JOB.name, "State", str(job.state))

    def job_removed(self, job: UnitJob, result: str) -> None:
        body = (job.id, job_path(job.id), job.node, job.unit, result)
        self._signal(ROOT, interfaces.CONTROLLER.name, "JobRemoved", "uosss", *body)

    def node_changed(self, node: Node) -> None:
        self._changed(node_path(node.name), interfaces.NODE.name, "Status", str(node.status))
        status = self._controller.status
        if status != self._status:
            self._status = status
            self._changed(ROOT, interfaces.CONTROLLER.name, "Status", status)

    def monitor_signal(self, number: int, clients: tuple[str, ...], member: str, signature: str, *body: Any) -> None:
        """A monitor's signal, to those who listen."""
        signal = Signal(monitor_path(number), interfaces.MONITOR.name, member, signature, body)
        for client in clients:
            self.emit(signal, client)

    def start_metrics(self, job: UnitJob, whole_micros: int, start_micros: int) -> None:
        body = (job.node, str(job.id), job.unit, whole_micros, start_micros)
        self._signal(METRICS_PATH, interfaces.METRICS.name, "StartUnitJobMetrics", "ssstt", *body)

    def agent_metrics(self, node: str, unit: str, method: str, micros: int) -> None:
        self._signal(METRICS_PATH, interfaces.METRICS.name, "AgentJobMetrics", "ssst", node, unit, method, micros)
