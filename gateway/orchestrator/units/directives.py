"""From a unit's text to its description: what each directive means, and when systemd refuses a unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from gateway.errors import nearest
from gateway.orchestrator.units import values
from gateway.orchestrator.units.names import is_valid, looks_like_unit, specified, split
from gateway.orchestrator.units.spec import (
    Command,
    Dependency,
    ExecKind,
    InstallSpec,
    LoadState,
    Note,
    Restart,
    ServiceSpec,
    ServiceType,
    UnitSpec,
)
from gateway.orchestrator.units.syntax import Assignment, UnitText

_DEPENDENCIES: Final = {dependency.directive: dependency for dependency in Dependency}
_EXECS: Final = {kind.value: kind for kind in ExecKind}
_LISTS: Final = {"WantedBy": "wanted_by", "RequiredBy": "required_by", "Alias": "alias", "Also": "also"}
_UNIT_FLAGS: Final = {
    "StopWhenUnneeded": "stop_when_unneeded",
    "DefaultDependencies": "default_dependencies",
    "RefuseManualStart": "refuse_manual_start",
    "RefuseManualStop": "refuse_manual_stop",
}
_SERVICE: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "Type": ("type", ServiceType),
    "RemainAfterExit": ("remain_after_exit", values.boolean),
    "Restart": ("restart", Restart),
    "RestartSec": ("restart_ns", values.span_ns),
    "TimeoutStartSec": ("timeout_start_ns", values.span_ns),
    "TimeoutStopSec": ("timeout_stop_ns", values.span_ns),
    "KillSignal": ("kill_signal", values.signal_number),
    "KillMode": ("kill_mode", str),
    "WorkingDirectory": ("working_directory", str),
    "CPUWeight": ("cpu_weight", values.integer),
}
_LIMITS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "StartLimitIntervalSec": ("start_limit_interval_ns", values.span_ns),
    "StartLimitBurst": ("start_limit_burst", values.integer),
}
_NO_EFFECT: Final = frozenset(
    {
        *("Documentation", "SourcePath", "CollectMode", "AllowIsolate", "JobTimeoutSec", "StandardOutput"),
        *("StandardError", "SyslogIdentifier", "User", "Group", "NotifyAccess", "Slice", "PIDFile", "Delegate"),
        *("ProtectSystem", "ProtectHome", "PrivateTmp", "NoNewPrivileges", "LimitNOFILE", "Nice", "OOMPolicy"),
        *("AssertPathExists", "ConditionPathExists", "ConditionPathIsDirectory", "CPUQuota", "MemoryMax", "TasksMax"),
        *("IOWeight", "SendSIGKILL", "GuessMainPID", "EnvironmentFile", "TimeoutAbortSec", "WatchdogSec"),
    }
)
"""Known to systemd and of no effect on a simulated node."""
SIMULATION: Final = "X-Simulation"


def load_unit(text: UnitText, name: str, host: str) -> UnitSpec:
    """The unit called `name` of a file (its template's file for an instance) on the node `host`.

    Wrong lines are left out and noted; a unit that systemd would refuse has load state `bad-setting`.
    """
    return _Loader(text, name, host).load()


class _Loader:
    def __init__(self, text: UnitText, name: str, host: str) -> None:
        self.text = text
        self.name = name
        self.host = host
        self.notes = list(text.notes)
        self.unit: dict[str, Any] = {}
        self.service: dict[str, Any] = {}
        self.install: dict[str, Any] = {}
        self.dependencies: dict[Dependency, list[str]] = {}
        self.commands: dict[ExecKind, list[Command]] = {}
        self.environment: dict[str, str] = {}
        self.simulation: dict[str, str] = {}
        self.exec_line: int | None = None

    def load(self) -> UnitSpec:
        readers: Mapping[str, Callable[[Assignment], None]] = {
            "Unit": self._unit,
            "Service": self._service,
            "Install": self._install,
            SIMULATION: self._simulation,
        }
        unknown: set[str] = set()
        for given in self.text.assignments:
            reader = readers.get(given.section)
            if reader is None:
                if given.section not in unknown and not given.section.startswith("X-"):
                    self._note(given.line, f"unknown section '{given.section}', ignoring")
                unknown.add(given.section)
                continue
            try:
                reader(given)
            except ValueError as error:
                self._note(given.line, f"failed to parse {given.key}={given.value}, ignoring: {error}")
        return self._spec()

    def _note(self, line: int | None, text: str, *, refused: bool = False) -> None:
        self.notes.append(Note(self.text.file, line, text, refused))

    def _filled(self, text: str) -> str:
        return specified(text, self.name, self.host)

    def _names(self, given: Assignment) -> list[str]:
        found = []
        for word in values.words(given.value):
            name = self._filled(word)
            if looks_like_unit(name):
                found.append(name)
            else:
                self._note(given.line, f"{given.key}: {name!r} is no name of a unit, ignoring")
        return found

    def _unit(self, given: Assignment) -> None:
        key = given.key
        if key in _DEPENDENCIES:
            if given.value:
                self.dependencies.setdefault(_DEPENDENCIES[key], []).extend(self._names(given))
            else:
                self.dependencies.pop(_DEPENDENCIES[key], None)
        elif key == "Description":
            self.unit["description"] = self._filled(given.value)
        elif key in _UNIT_FLAGS:
            self.unit[_UNIT_FLAGS[key]] = values.boolean(given.value)
        elif key in _LIMITS:
            self._value(_LIMITS[key], given)
        else:
            self._unknown(given, [*_DEPENDENCIES, *_UNIT_FLAGS, *_LIMITS, "Description"])

    def _value(self, directive: tuple[str, Callable[[str], Any]], given: Assignment) -> None:
        field, reader = directive
        try:
            self.service[field] = reader(self._filled(given.value))
        except ValueError as error:
            if isinstance(reader, type) and issubclass(reader, (ServiceType, Restart)):
                raise ValueError(f"there are {', '.join(reader)}") from None
            raise error

    def _service(self, given: Assignment) -> None:
        key = given.key
        if key in _EXECS:
            self._command(_EXECS[key], given)
        elif key == "Environment":
            self._environment(given)
        elif key == "TimeoutSec":
            self.service["timeout_start_ns"] = self.service["timeout_stop_ns"] = values.span_ns(given.value)
        elif key == "SuccessExitStatus":
            self.service["success_exit_status"] = frozenset(values.integer(word) for word in values.words(given.value))
        elif key in _SERVICE:
            self._value(_SERVICE[key], given)
        elif key in {"StartLimitInterval", "StartLimitBurst"}:
            self._value(_LIMITS["StartLimitBurst" if key.endswith("Burst") else "StartLimitIntervalSec"], given)
        else:
            self._unknown(given, [*_EXECS, *_SERVICE, "Environment", "TimeoutSec", "SuccessExitStatus"])

    def _command(self, kind: ExecKind, given: Assignment) -> None:
        if not given.value:
            self.commands.pop(kind, None)
            return
        self.commands.setdefault(kind, []).append(values.command(self._filled(given.value)))
        if kind is ExecKind.START:
            self.exec_line = given.line

    def _environment(self, given: Assignment) -> None:
        if not given.value:
            self.environment.clear()
        for word in values.words(given.value):
            name, equals, value = self._filled(word).partition("=")
            if equals and name:
                self.environment[name] = value
            else:
                self._note(given.line, f"Environment: {word!r} is no NAME=VALUE, ignoring")

    def _install(self, given: Assignment) -> None:
        if given.key in _LISTS:
            field = _LISTS[given.key]
            self.install[field] = (*self.install.get(field, ()), *self._names(given))
        elif given.key == "DefaultInstance":
            self.install["default_instance"] = given.value
        else:
            self._unknown(given, [*_LISTS, "DefaultInstance"])

    def _simulation(self, given: Assignment) -> None:
        self.simulation[given.key] = self._filled(given.value)

    def _unknown(self, given: Assignment, known: list[str]) -> None:
        if given.key not in _NO_EFFECT:
            near = nearest(given.key, known)
            self._note(given.line, f"unknown key name '{given.key}' in section '{given.section}', ignoring{near}")

    def _spec(self) -> UnitSpec:
        service = None
        if split(self.name).kind == "service":
            commands = {kind: tuple(commands) for kind, commands in self.commands.items()}
            service = ServiceSpec(**self.service, commands=commands, environment=self.environment)
            if service.type is ServiceType.ONESHOT and "timeout_start_ns" not in self.service:
                service = replace(service, timeout_start_ns=None)
            self._refuse(service)
        refused = any(note.refused for note in self.notes)
        return UnitSpec(
            name=self.name,
            file=self.text.file,
            load_state=LoadState.BAD_SETTING if refused else LoadState.LOADED,
            dependencies={kind: tuple(dict.fromkeys(names)) for kind, names in self.dependencies.items()},
            service=service,
            install=InstallSpec(**self.install),
            simulation=self.simulation,
            notes=tuple(self.notes),
            **self.unit,
        )

    def _refuse(self, service: ServiceSpec) -> None:
        """What systemd's service_verify refuses."""
        starts = service.of(ExecKind.START)
        if not is_valid(self.name):
            self._note(None, f"{self.name!r} is no name of a unit. Refusing", refused=True)
        if not starts and not service.of(ExecKind.STOP):
            self._note(None, "service has no ExecStart= or ExecStop=. Refusing", refused=True)
        elif not starts and service.type is not ServiceType.ONESHOT:
            self._note(None, "service has no ExecStart=, which only Type=oneshot may leave out. Refusing", refused=True)
        elif not starts and not service.remain_after_exit:
            self._note(None, "service has no ExecStart= and not RemainAfterExit=yes. Refusing", refused=True)
        elif len(starts) > 1 and service.type is not ServiceType.ONESHOT:
            text = "service has more than one ExecStart=, which only Type=oneshot may have. Refusing"
            self._note(self.exec_line, text, refused=True)
        if service.type is ServiceType.ONESHOT and service.restart in {Restart.ALWAYS, Restart.ON_SUCCESS}:
            text = f"Restart={service.restart} is not allowed for Type=oneshot. Refusing"
            self._note(None, text, refused=True)
