"""The SDV domain: a broker of VSS signals, spoken to by kuksa.val (gRPC) and VISS (WebSocket). Knows `routing`."""

from gateway.domains.sdv.broker import Broker
from gateway.domains.sdv.changes import Message
from gateway.domains.sdv.entry import Aspect, Entry
from gateway.domains.sdv.permissions import EVERYTHING, Action, Permissions
from gateway.domains.sdv.provider import Provider
from gateway.domains.sdv.subscription import Sampling, Subscription

__all__ = [
    "EVERYTHING",
    "Action",
    "Aspect",
    "Broker",
    "Entry",
    "Message",
    "Permissions",
    "Provider",
    "Sampling",
    "Subscription",
]
