"""What a unit file says, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

from gateway.orchestrator.units.syntax import Note

__all__ = [
    "Command",
    "Dependency",
    "ExecKind",
    "InstallSpec",
    "LoadState",
    "Note",
    "Restart",
    "ServiceSpec",
    "ServiceType",
    "UnitSpec",
]
S: Final = 1_000_000_000
MS: Final = 1_000_000


class LoadState(StrEnum):
    """Whether a unit's file was taken."""

    LOADED = "loaded"
    NOT_FOUND = "not-found"
    BAD_SETTING = "bad-setting"
    ERROR = "error"
    MASKED = "masked"


class Dependency(Enum):
    """How one unit needs another: the directive's name, then that of its other direction."""

    WANTS = ("Wants", "WantedBy")
    REQUIRES = ("Requires", "RequiredBy")
    REQUISITE = ("Requisite", "RequisiteOf")
    BINDS_TO = ("BindsTo", "BoundBy")
    PART_OF = ("PartOf", "ConsistsOf")
    UPHOLDS = ("Upholds", "UpheldBy")
    CONFLICTS = ("Conflicts", "ConflictedBy")
    BEFORE = ("Before", "After")
    AFTER = ("After", "Before")
    ON_FAILURE = ("OnFailure", "OnFailureOf")
    ON_SUCCESS = ("OnSuccess", "OnSuccessOf")
    PROPAGATES_STOP_TO = ("PropagatesStopTo", "StopPropagatedFrom")
    PROPAGATES_RELOAD_TO = ("PropagatesReloadTo", "ReloadPropagatedFrom")

    @property
    def directive(self) -> str:
        return self.value[0]

    @property
    def inverse(self) -> str:
        return self.value[1]


class ServiceType(StrEnum):
    """When a service counts as started."""

    SIMPLE = "simple"
    EXEC = "exec"
    ONESHOT = "oneshot"
    NOTIFY = "notify"


class Restart(StrEnum):
    """After which end a service is started again."""

    NO = "no"
    ON_SUCCESS = "on-success"
    ON_FAILURE = "on-failure"
    ON_ABNORMAL = "on-abnormal"
    ON_ABORT = "on-abort"
    ON_WATCHDOG = "on-watchdog"
    ALWAYS = "always"


class ExecKind(StrEnum):
    """Which of a service's commands."""

    START_PRE = "ExecStartPre"
    START = "ExecStart"
    START_POST = "ExecStartPost"
    RELOAD = "ExecReload"
    STOP = "ExecStop"
    STOP_POST = "ExecStopPost"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line. `ignore_failure`: it began with `-`."""

    argv: tuple[str, ...]
    ignore_failure: bool = False

    @property
    def path(self) -> str:
        return self.argv[0]


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """The section Service. Times in nanoseconds, None for infinity."""

    type: ServiceType = ServiceType.SIMPLE
    commands: Mapping[ExecKind, tuple[Command, ...]] = field(default_factory=dict)
    remain_after_exit: bool = False
    restart: Restart = Restart.NO
    restart_ns: int = 100 * MS
    start_limit_burst: int = 5
    start_limit_interval_ns: int = 10 * S
    timeout_start_ns: int | None = 90 * S
    timeout_stop_ns: int | None = 90 * S
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str | None = None
    kill_signal: int = 15
    kill_mode: str = "control-group"
    success_exit_status: frozenset[int] = frozenset()
    cpu_weight: int | None = None

    def of(self, kind: ExecKind) -> tuple[Command, ...]:
        return self.commands.get(kind, ())


@dataclass(frozen=True, slots=True)
class InstallSpec:
    """The section Install: what `enable` links to."""

    wanted_by: tuple[str, ...] = ()
    required_by: tuple[str, ...] = ()
    alias: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    default_instance: str | None = None

    @property
    def empty(self) -> bool:
        return not (self.wanted_by or self.required_by or self.alias or self.also)


@dataclass(frozen=True, slots=True)
class UnitSpec:
    """One unit as its file describes it. `simulation`: the directives of section X-Simulation."""

    name: str
    file: str = ""
    load_state: LoadState = LoadState.LOADED
    description: str = ""
    dependencies: Mapping[Dependency, tuple[str, ...]] = field(default_factory=dict)
    stop_when_unneeded: bool = False
    default_dependencies: bool = True
    refuse_manual_start: bool = False
    refuse_manual_stop: bool = False
    service: ServiceSpec | None = None
    install: InstallSpec = field(default_factory=InstallSpec)
    simulation: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def needs(self, dependency: Dependency) -> tuple[str, ...]:
        return self.dependencies.get(dependency, ())
