"""BlueChi's configuration files: controller.conf and agent.conf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.errors import nearest
from gateway.orchestrator.errors import ConfigError
from gateway.orchestrator.units.syntax import Assignment, Note, parse
from gateway.orchestrator.units.values import boolean

_MS: Final = 1_000_000
PORT: Final = 842
CONTROLLER_SECTION: Final = "bluechi-controller"
AGENT_SECTION: Final = "bluechi-agent"
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARN", "ERROR")
LOG_TARGETS: Final = ("journald", "stderr", "stderr-full")


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """A section `[node NAME]`. `allow_dependencies_on`: nodes that its units may depend on; none: all are denied."""

    allowed: bool = True
    allow_dependencies_on: frozenset[str] = frozenset()
    required_selinux_context: str = ""


@dataclass(frozen=True, slots=True)
class ControllerConfig:
    """controller.conf. Times in nanoseconds; `heartbeat_ns` 0: the controller sends none."""

    use_tcp: bool = True
    use_uds: bool = True
    port: int = PORT
    allowed: tuple[str, ...] = ()
    heartbeat_ns: int = 0
    threshold_ns: int = 6_000 * _MS
    log_level: str = "INFO"
    log_target: str = "journald"
    quiet: bool = False
    nodes: Mapping[str, NodeConfig] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def names(self) -> list[str]:
        """The nodes that may join, in the order of the file."""
        named = [name for name, node in self.nodes.items() if node.allowed]
        return list(dict.fromkeys([*self.allowed, *named]))

    def node(self, name: str) -> NodeConfig:
        return self.nodes.get(name, NodeConfig())


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """agent.conf. `threshold_ns` 0: the agent does not mind a silent controller."""

    name: str = ""
    host: str = "127.0.0.1"
    port: int = PORT
    address: str = ""
    heartbeat_ns: int = 2_000 * _MS
    threshold_ns: int = 0
    log_level: str = "INFO"
    log_target: str = "journald"
    quiet: bool = False
    notes: tuple[Note, ...] = ()


def milliseconds(text: str) -> int:
    if not text.isdigit():
        raise ValueError(f"{text!r} is not a number of milliseconds")
    return int(text) * _MS


def port_number(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError(f"{text!r} is not a port: 1 to 65535")
    return int(text)


def log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"{text!r} is no log level: there are {', '.join(LOG_LEVELS)}")
    return text.upper()


def log_target(text: str) -> str:
    if text not in LOG_TARGETS:
        raise ValueError(f"{text!r} is no log target: there are {', '.join(LOG_TARGETS)}")
    return text


def name_list(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.replace(",", " ").split() if name)


_Reader = tuple[str, Callable[[str], Any]]
_CONTROLLER: Final[Mapping[str, _Reader]] = {
    "UseTCP": ("use_tcp", boolean),
    "UseUDS": ("use_uds", boolean),
    "ControllerPort": ("port", port_number),
    "HeartbeatInterval": ("heartbeat_ns", milliseconds),
    "NodeHeartbeatThreshold": ("threshold_ns", milliseconds),
    "LogLevel": ("log_level", log_level),
    "LogTarget": ("log_target", log_target),
    "LogIsQuiet": ("quiet", boolean),
}
_AGENT: Final[Mapping[str, _Reader]] = {
    "NodeName": ("name", str),
    "ControllerHost": ("host", str),
    "ControllerPort": ("port", port_number),
    "ControllerAddress": ("address", str),
    "HeartbeatInterval": ("heartbeat_ns", milliseconds),
    "ControllerHeartbeatThreshold": ("threshold_ns", milliseconds),
    "LogLevel": ("log_level", log_level),
    "LogTarget": ("log_target", log_target),
    "LogIsQuiet": ("quiet", boolean),
}
_NO_EFFECT: Final = frozenset({"IPReceiveErrors", "AllowDependenciesOn"}) | {
    f"TCPKeepAlive{part}" for part in ("Time", "Interval", "Count")
}


def parse_controller_config(text: str, file: str) -> ControllerConfig:
    """Read controller.conf. ConfigError, with the line, for a value that cannot be; unknown keys are noted."""
    parsed = parse(text, file)
    notes = list(parsed.notes)
    fields: dict[str, Any] = {}
    nodes: dict[str, dict[str, Any]] = {}
    allowed: list[str] = []
    for given in parsed.assignments:
        if given.section == CONTROLLER_SECTION and given.key == "AllowedNodeNames":
            allowed += name_list(given.value)
        elif given.section == CONTROLLER_SECTION:
            _take(given, _CONTROLLER, fields, notes, file)
        elif given.section.startswith("node "):
            _node(given, nodes.setdefault(given.section.removeprefix("node ").strip(), {}), notes, file)
        else:
            notes.append(Note(file, given.line, f"unknown section '{given.section}', ignoring"))
    return ControllerConfig(
        **fields,
        allowed=tuple(dict.fromkeys(allowed)),
        nodes={name: NodeConfig(**options) for name, options in nodes.items()},
        notes=tuple(notes),
    )


def parse_agent_config(text: str, file: str) -> AgentConfig:
    """Read agent.conf. ConfigError, with the line, for a value that cannot be; unknown keys are noted."""
    parsed = parse(text, file)
    notes = list(parsed.notes)
    fields: dict[str, Any] = {}
    for given in parsed.assignments:
        if given.section == AGENT_SECTION:
            _take(given, _AGENT, fields, notes, file)
        else:
            notes.append(Note(file, given.line, f"unknown section '{given.section}', ignoring"))
    return AgentConfig(**fields, notes=tuple(notes))


def _take(
    given: Assignment, readers: Mapping[str, _Reader], fields: dict[str, Any], notes: list[Note], file: str
) -> None:
    if given.key not in readers:
        if given.key not in _NO_EFFECT:
            near = nearest(given.key, list(readers))
            notes.append(Note(file, given.line, f"unknown key name '{given.key}', ignoring{near}"))
        return
    name, reader = readers[given.key]
    try:
        fields[name] = reader(given.value)
    except ValueError as error:
        raise ConfigError(f"{given.key}: {error}", file=file, line=given.line) from None


def _node(given: Assignment, options: dict[str, Any], notes: list[Note], file: str) -> None:
    if given.key == "AllowDependenciesOn":
        options["allow_dependencies_on"] = options.get("allow_dependencies_on", frozenset()) | set(
            name_list(given.value)
        )
        return
    readers: Mapping[str, _Reader] = {
        "Allowed": ("allowed", boolean),
        "RequiredSelinuxContext": ("required_selinux_context", str),
    }
    _take(given, readers, options, notes, file)
