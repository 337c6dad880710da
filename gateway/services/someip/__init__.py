"""SOME/IP at work: services offered and consumed over sockets or a simulated segment, bound to signals.

Knows `someip` (the protocol), `ethernet`, `routing` (signals) and below.
"""

from gateway.services.someip.binding import BoundPayload, CanSink, Conversion, Part, Sink, VssSink, VssValue, can_source
from gateway.services.someip.definition import EventDefinition, FieldDefinition, MethodDefinition, ServiceDefinition
from gateway.services.someip.network import Network
from gateway.services.someip.node import Node
from gateway.services.someip.options import NodeOptions
from gateway.services.someip.status import NodeStatus, Note

__all__ = [
    "BoundPayload",
    "CanSink",
    "Conversion",
    "EventDefinition",
    "FieldDefinition",
    "MethodDefinition",
    "Network",
    "Node",
    "NodeOptions",
    "NodeStatus",
    "Note",
    "Part",
    "ServiceDefinition",
    "Sink",
    "VssSink",
    "VssValue",
    "can_source",
]
