"""The gateway: routes, conditions, the signal store, the mapping to VSS, journeys. Knows `com` and below."""

from gateway.routing.expression import Expression, ExpressionError, compile_expression
from gateway.routing.frame_route import FrameRoute
from gateway.routing.gateway import Gateway
from gateway.routing.journey import NOT_YET, Decision, Journey, Journeys, RouteCounts, RoutedFrame
from gateway.routing.lane import Lane
from gateway.routing.route import Condition, Route, RouteError, Rule
from gateway.routing.signal_route import SendMode, SignalRoute, TargetMessage, Transform
from gateway.routing.store import Datapoint, Quality, SignalError, SignalStore, Value, VssSignal

__all__ = [
    "NOT_YET",
    "Condition",
    "Datapoint",
    "Decision",
    "Expression",
    "ExpressionError",
    "FrameRoute",
    "Gateway",
    "Journey",
    "Journeys",
    "Lane",
    "Quality",
    "Route",
    "RouteCounts",
    "RouteError",
    "RoutedFrame",
    "Rule",
    "SendMode",
    "SignalError",
    "SignalRoute",
    "SignalStore",
    "TargetMessage",
    "Transform",
    "Value",
    "VssSignal",
    "compile_expression",
]
