"""The controller: takes agents in, keeps nodes, jobs and monitors, and carries dependencies between nodes.

It knows no socket. A driver gives it a `Connection` for each agent that calls, and `public` what clients ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import nearest
from gateway.orchestrator.control.config import ControllerConfig
from gateway.orchestrator.control.connection import Connection
from gateway.orchestrator.control.jobs import UnitJob
from gateway.orchestrator.control.messages import (
    DBUS_ERROR,
    INTERNAL_CONTROLLER,
    INTERNAL_PATH,
    Call,
    Failure,
    Message,
    Reply,
    Return,
    Signal,
    failure,
)
from gateway.orchestrator.control.monitors import Monitor
from gateway.orchestrator.control.needs import Needs
from gateway.orchestrator.control.node import Node
from gateway.orchestrator.control.public import PublicApi
from gateway.orchestrator.control.timing import measure_start
from gateway.orchestrator.engine import JobResult, JobState
from gateway.orchestrator.errors import (
    NotAllowedError,
    OfflineError,
    OrchestratorError,
    UnknownObjectError,
    WrongArgumentError,
)
from gateway.sim import Kernel, Timer

_HELLO: Final = ":1.0"


class NoServiceError(OrchestratorError):
    """A node that the controller does not know."""

    dbus_name = f"{DBUS_ERROR}.ServiceUnknown"


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """A node joined or was lost, or an agent was turned away."""

    time_ns: int
    node: str
    what: str


class Controller:
    """All nodes. `events`: who came and went, for the trace and for tests."""

    def __init__(self, kernel: Kernel, config: ControllerConfig) -> None:
        self.kernel: Final = kernel
        self.config: Final = config
        self.public: Final = PublicApi(self)
        self.jobs: dict[int, UnitJob] = {}
        self.monitors: dict[int, Monitor] = {}
        self.needs: Final = Needs(self)
        self.nodes: dict[str, Node] = {name: Node(self, name) for name in sorted(config.names())}
        self.metrics = False
        self.log_level = config.log_level
        self.events: list[NodeEvent] = []
        self.watchers: list[Callable[[NodeEvent], object]] = []
        self.job_watchers: list[Callable[[UnitJob, str], object]] = []
        """Called with each job that has ended, and its result."""
        self._by_connection: dict[Connection, Node] = {}
        self._anonymous: dict[Connection, None] = {}
        self._last_job = 0
        self._last_monitor = 0
        self._timer: Final = Timer(kernel, self._beat)

    def start(self) -> None:
        """Begin to send heartbeats, where they are on."""
        if self.config.heartbeat_ns:
            self._timer.set(self.kernel.now + self.config.heartbeat_ns)

    def stop(self) -> None:
        """Close all connections."""
        self._timer.cancel()
        for connection in [*self._by_connection, *self._anonymous]:
            connection.close()

    def _beat(self) -> None:
        for node in self.nodes.values():
            if node.connection is not None:
                node.connection.signal(INTERNAL_PATH, INTERNAL_CONTROLLER, "Heartbeat")
        self._timer.set(self.kernel.now + self.config.heartbeat_ns)

    # Agents

    def accept(
        self, transmit: Callable[[Message], None], hang_up: Callable[[], None], *, peer_ip: str = ""
    ) -> Connection:
        """A new connection; its agent is anonymous until it registers."""
        connection = Connection(self.kernel, self, transmit, hang_up, peer_ip=peer_ip)
        self._anonymous[connection] = None
        return connection

    def called(self, connection: Connection, call: Call) -> None:
        node = self._by_connection.get(connection)
        if node is not None:
            node.answered(call)
        if call.member == "Hello":
            connection.send(Return(call.serial, "s", (_HELLO,)))
        elif call.interface == INTERNAL_CONTROLLER and call.member == "Register":
            self._register(connection, call)
        elif call.member == "Ping":
            connection.send(Return(call.serial))
        else:
            text = f"there is no method {call.interface}.{call.member}"
            connection.send(Failure(call.serial, f"{DBUS_ERROR}.UnknownMethod", text))

    def _register(self, connection: Connection, call: Call) -> None:
        try:
            node = self._admit(connection, call)
        except OrchestratorError as error:
            self._note(str(call.body[0]) if call.body else "", f"refused: {error}")
            connection.send(failure(call.serial, error))
            return
        self._anonymous.pop(connection, None)
        self._by_connection[connection] = node
        connection.send(Return(call.serial))
        node.joined(connection)

    def _admit(self, connection: Connection, call: Call) -> Node:
        if call.signature != "s" or not call.body[0]:
            raise WrongArgumentError("Register takes the name of the node")
        name = call.body[0]
        if connection in self._by_connection:
            raise NotAllowedError("Can't register twice")
        node = self.nodes.get(name)
        if node is None:
            raise NoServiceError(f"Unexpected node name {name!r}{nearest(name, list(self.nodes))}")
        if node.online:
            raise NotAllowedError(f"The node {name} is already connected")
        if self.config.node(name).required_selinux_context:
            raise NotAllowedError(f"The node {name} needs an SELinux context, which is not looked at here")
        return node

    def signalled(self, connection: Connection, signal: Signal) -> None:
        node = self._by_connection.get(connection)
        if node is not None:
            node.signalled(signal)

    def lost(self, connection: Connection) -> None:
        self._anonymous.pop(connection, None)
        node = self._by_connection.pop(connection, None)
        if node is not None:
            node.left()

    def node_online(self, node: Node) -> None:
        self._note(node.name, "online")
        self.needs.online(node)
        self.public.node_changed(node)

    def node_offline(self, node: Node) -> None:
        self._note(node.name, "offline")
        for job in [job for job in self.jobs.values() if job.node == node.name]:
            self._finish(job, JobResult.FAILED)
        self.needs.offline(node)
        self.public.node_changed(node)

    def _note(self, node: str, what: str) -> None:
        event = NodeEvent(self.kernel.now, node, what)
        self.events.append(event)
        for watcher in self.watchers:
            watcher(event)

    # Asked by clients

    @property
    def status(self) -> str:
        """`up` when all nodes are online, `degraded` when some are, `down` when none is."""
        online = sum(node.online for node in self.nodes.values())
        if online == 0:
            return "down"
        return "up" if online == len(self.nodes) else "degraded"

    def node(self, name: str) -> Node:
        """UnknownObjectError, with the nearest name."""
        if name not in self.nodes:
            raise UnknownObjectError(f"Node {name} not found{nearest(name, list(self.nodes))}")
        return self.nodes[name]

    def new_monitor(self, owner: str) -> Monitor:
        self._last_monitor += 1
        monitor = self.monitors[self._last_monitor] = Monitor(self._last_monitor, owner, self)
        return monitor

    def client_gone(self, name: str) -> None:
        """A client left the bus: its monitors are closed, and it is no peer any more."""
        for monitor in list(self.monitors.values()):
            if monitor.owner == name:
                monitor.close()
            for number in [number for number, peer in monitor.peers.items() if peer == name]:
                del monitor.peers[number]

    def begin(
        self,
        node: Node,
        method: str,
        signature: str,
        body: tuple[Any, ...],
        answered: Callable[[UnitJob | Failure], None],
    ) -> None:
        """A job for a unit: `answered` gets it once the agent has taken it, or why it did not. OfflineError."""
        if not node.online:
            raise OfflineError(f"Node {node.name} is offline")
        self._last_job += 1
        job = UnitJob(self._last_job, node.name, str(body[0]), method, JobState.WAITING, self.kernel.now)

        def replied(reply: Reply) -> None:
            if isinstance(reply, Failure):
                answered(reply)
                return
            self.jobs[job.id] = job
            self.public.job_new(job)
            answered(job)

        node.call(method, f"{signature}u", (*body, job.id), replied)

    def cancel(self, job: UnitJob, answered: Callable[[Reply], None]) -> None:
        self.node(job.node).call("JobCancel", "u", (job.id,), answered)

    # Told by agents

    def job_state_changed(self, number: int, state: str) -> None:
        job = self.jobs.get(number)
        if job is not None and state in set(JobState):
            job.state = JobState(state)
            self.public.job_changed(job)

    def job_done(self, number: int, result: str) -> None:
        job = self.jobs.get(number)
        if job is not None:
            self._finish(job, result)

    def _finish(self, job: UnitJob, result: str) -> None:
        del self.jobs[job.id]
        self.public.job_removed(job, str(result))
        for watcher in self.job_watchers:
            watcher(job, str(result))
        if self.metrics and job.method == "StartUnit" and result == JobResult.DONE:
            measure_start(self, job)
