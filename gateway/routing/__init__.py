"""The gateway: routes, conditions, the signal store, the mapping to VSS, journeys. Knows `com` and below."""

from gateway.routing.conversion import Refusal
from gateway.routing.downward import Command, VssToCan
from gateway.routing.expression import Expression, ExpressionError, compile_expression
from gateway.routing.feed import SignalFeed
from gateway.routing.frame_route import FrameRoute
from gateway.routing.gateway import Gateway
from gateway.routing.journey import NOT_YET, Decision, Journey, Journeys, RouteCounts, RoutedFrame
from gateway.routing.lane import Lane
from gateway.routing.mapping import load_defaults, load_mapping
from gateway.routing.route import Condition, Route, Rule
from gateway.routing.rules import CanValue, Defaults, Place, UpwardRule, VssMapping
from gateway.routing.signal_route import SendMode, SignalRoute, TargetMessage, Transform
from gateway.routing.store import NEVER, Datapoint, NotSentError, Quality, SignalError, SignalStore, Value, VssSignal
from gateway.routing.upward import CanToVss
from gateway.routing.vss import MappingError, VssLeaf
from gateway.routing.vss_tree import VssTree, load_tree

__all__ = [
    "NEVER",
    "NOT_YET",
    "CanToVss",
    "CanValue",
    "Command",
    "Condition",
    "Datapoint",
    "Decision",
    "Defaults",
    "Expression",
    "ExpressionError",
    "FrameRoute",
    "Gateway",
    "Journey",
    "Journeys",
    "Lane",
    "MappingError",
    "NotSentError",
    "Place",
    "Quality",
    "Refusal",
    "Route",
    "RouteCounts",
    "RoutedFrame",
    "Rule",
    "SendMode",
    "SignalError",
    "SignalFeed",
    "SignalRoute",
    "SignalStore",
    "TargetMessage",
    "Transform",
    "UpwardRule",
    "Value",
    "VssLeaf",
    "VssMapping",
    "VssSignal",
    "VssToCan",
    "VssTree",
    "compile_expression",
    "load_defaults",
    "load_mapping",
    "load_tree",
]
