"""Monitors: who wants to hear of which units of which nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.orchestrator.errors import NoSuchSubscriptionError, WrongArgumentError

if TYPE_CHECKING:
    from gateway.orchestrator.control.controller import Controller
    from gateway.orchestrator.control.node import Node

ANY: Final = "*"


class Subscription(NamedTuple):
    """Units of a node; `*` is any node, any unit."""

    node: str
    units: tuple[str, ...]

    def covers(self, node: str, unit: str) -> bool:
        return self.node in {ANY, node} and (unit in self.units or ANY in self.units)


@dataclass(slots=True, eq=False)
class Monitor:
    """A monitor of the client `owner`; `peers` hear what it hears."""

    id: int
    owner: str
    controller: Controller
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    peers: dict[int, str] = field(default_factory=dict)
    _next: int = 0

    def subscribe(self, node: str, units: tuple[str, ...]) -> int:
        """A new subscription's number; the state of known units is told at once, as `virtual`."""
        if not units:
            raise WrongArgumentError("a subscription needs at least one unit")
        self._next += 1
        number = self._next
        subscription = self.subscriptions[number] = Subscription(node, units)
        for found in self._nodes(subscription):
            for unit in units:
                found.want(unit, self)
        return number

    def unsubscribe(self, number: int) -> None:
        """NoSuchSubscriptionError."""
        subscription = self.subscriptions.pop(number, None)
        if subscription is None:
            raise NoSuchSubscriptionError(f"Subscription with ID {number} not found")
        for found in self._nodes(subscription):
            for unit in subscription.units:
                found.unwant(unit)

    def _nodes(self, subscription: Subscription) -> list[Node]:
        nodes = self.controller.nodes
        if subscription.node == ANY:
            return list(nodes.values())
        return [nodes[subscription.node]] if subscription.node in nodes else []

    def add_peer(self, name: str) -> int:
        """WrongArgumentError when the peer is one already."""
        if name in self.peers.values():
            raise WrongArgumentError(f"Peer {name} is already added")
        self._next += 1
        self.peers[self._next] = name
        return self._next

    def remove_peer(self, number: int, reason: str) -> None:
        """Tell the peer, and leave it out. NoSuchSubscriptionError."""
        name = self.peers.pop(number, None)
        if name is None:
            raise NoSuchSubscriptionError(f"Peer with ID {number} not found")
        self.controller.public.monitor_signal(self.id, (name,), "PeerRemoved", "s", reason)

    def close(self) -> None:
        for number in list(self.subscriptions):
            self.unsubscribe(number)
        for number in list(self.peers):
            self.remove_peer(number, "monitor closed")
        self.controller.monitors.pop(self.id, None)

    def tell(self, member: str, signature: str, *body: Any) -> None:
        """A signal to the owner and to the peers."""
        listeners = (self.owner, *self.peers.values())
        self.controller.public.monitor_signal(self.id, listeners, member, signature, *body)

    def covers(self, node: str, unit: str) -> bool:
        return any(subscription.covers(node, unit) for subscription in self.subscriptions.values())
