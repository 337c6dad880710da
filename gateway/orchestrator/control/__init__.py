"""BlueChi's controller and agents as protocol objects: messages and time in, messages out. Knows the engine; no socket."""

from gateway.orchestrator.control.agent import Agent
from gateway.orchestrator.control.config import (
    AgentConfig,
    ControllerConfig,
    NodeConfig,
    parse_agent_config,
    parse_controller_config,
)
from gateway.orchestrator.control.controller import Controller
from gateway.orchestrator.control.jobs import UnitJob
from gateway.orchestrator.control.messages import Call, Failure, Message, Return, Signal, Variant
from gateway.orchestrator.control.node import Node, NodeStatus

__all__ = [
    "Agent",
    "AgentConfig",
    "Call",
    "Controller",
    "ControllerConfig",
    "Failure",
    "Message",
    "Node",
    "NodeConfig",
    "NodeStatus",
    "Return",
    "Signal",
    "UnitJob",
    "Variant",
    "parse_agent_config",
    "parse_controller_config",
]
