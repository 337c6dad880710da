"""The controller's side of dependencies across nodes: who needs which unit of which node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import nearest
from gateway.orchestrator.control.messages import INTERNAL_PROXY, Failure, Reply

if TYPE_CHECKING:
    from gateway.orchestrator.control.controller import Controller
    from gateway.orchestrator.control.node import Node


@dataclass(slots=True, eq=False)
class Need:
    """A proxy of node `by` for `unit` of `node`; `path`: its object at the agent."""

    by: Node
    node: Node
    unit: str
    path: str

    def tell(self, member: str, signature: str, *body: str) -> None:
        if self.by.connection is not None and self.by.online:
            self.by.connection.call(self.path, INTERNAL_PROXY, member, signature, body, _ignore)


def _ignore(_reply: Reply) -> None:
    """The agent may have removed the proxy meanwhile."""


class Needs:
    """All needs, in the order of their coming."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.needs: list[Need] = []

    def new(self, by: Node, node_name: str, unit: str, path: str) -> None:
        """A proxy was announced: refused, or met by starting the unit's dep."""
        nodes = self._controller.nodes
        node = nodes.get(node_name)
        if node is None:
            near = nearest(node_name, list(nodes))
            self._refuse(by, path, f"No such node {node_name}{near}")
            return
        allowed = self._controller.config.node(by.name).allow_dependencies_on
        if node_name not in allowed and "*" not in allowed:
            self._refuse(
                by, path, f"{by.name} must not depend on {node_name}: AllowDependenciesOn of [node {by.name}] lacks it"
            )
            return
        if any(need.by is by and need.path == path for need in self.needs):
            return
        need = Need(by, node, unit, path)
        first = not self._of(node, unit)
        self.needs.append(need)
        if first and node.online:
            self._start(node, unit)
        node.want(unit, need)

    def _refuse(self, by: Node, path: str, text: str) -> None:
        if by.connection is not None:
            by.connection.call(path, INTERNAL_PROXY, "Error", "s", (text,), _ignore)

    def _of(self, node: Node, unit: str) -> list[Need]:
        return [need for need in self.needs if need.node is node and need.unit == unit]

    def _start(self, node: Node, unit: str) -> None:
        def answered(reply: Reply) -> None:
            if isinstance(reply, Failure) and node.online:
                for need in self._of(node, unit):
                    need.tell("Error", "s", reply.text)

        node.call("StartDep", "s", (unit,), answered)

    def gone(self, by: Node, node_name: str, unit: str) -> None:
        """A proxy was removed; the last one takes the dep with it."""
        for need in self.needs:
            if need.by is by and need.node.name == node_name and need.unit == unit:
                self._drop(need)
                return

    def _drop(self, need: Need) -> None:
        self.needs.remove(need)
        need.node.unwant(need.unit)
        if not self._of(need.node, need.unit) and need.node.online:
            need.node.call("StopDep", "s", (need.unit,), _ignore)

    def online(self, node: Node) -> None:
        """A node is back: what others need of it is started again."""
        for unit in dict.fromkeys(need.unit for need in self.needs if need.node is node):
            self._start(node, unit)

    def offline(self, node: Node) -> None:
        """A node is lost: it needs nothing any more; it will announce its proxies again."""
        for need in [need for need in self.needs if need.by is node]:
            self._drop(need)

    def state_changed(self, node: Node, unit: str, active: str, sub: str, reason: str) -> None:
        for need in self._of(node, unit):
            need.tell("TargetStateChanged", "sss", active, sub, reason)
