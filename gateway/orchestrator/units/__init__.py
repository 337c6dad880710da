"""Unit files in systemd's syntax: reading, directives, templates, enablement. Knows no engine and no clock."""

from gateway.orchestrator.units.catalogue import FileState, UnitChange, UnitFiles
from gateway.orchestrator.units.directives import load_unit
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
from gateway.orchestrator.units.syntax import Assignment, UnitText, parse

__all__ = [
    "Assignment",
    "Command",
    "Dependency",
    "ExecKind",
    "FileState",
    "InstallSpec",
    "LoadState",
    "Note",
    "Restart",
    "ServiceSpec",
    "ServiceType",
    "UnitChange",
    "UnitFiles",
    "UnitSpec",
    "UnitText",
    "load_unit",
    "parse",
]
