"""A unit as systemd shows it: the tuple of ListUnits, and its properties on D-Bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.orchestrator.control.messages import Variant
from gateway.orchestrator.engine import Service, Unit
from gateway.orchestrator.errors import OrchestratorError, WrongArgumentError
from gateway.orchestrator.units.names import path_label
from gateway.orchestrator.units.spec import Dependency

UNIT: Final = "org.freedesktop.systemd1.Unit"
SERVICE: Final = "org.freedesktop.systemd1.Service"
_NO_TIME: Final = 0xFFFF_FFFF_FFFF_FFFF
ListedUnit = tuple[str, str, str, str, str, str, str, int, str, str]
_RELATIONS: Final = tuple(
    dict.fromkeys(word for dependency in Dependency for word in (dependency.directive, dependency.inverse))
)
_SETTABLE: Final[Mapping[str, str]] = {
    "CPUWeight": "t",
    "CPUQuotaPerSecUSec": "t",
    "MemoryMax": "t",
    "MemoryHigh": "t",
    "TasksMax": "t",
    "IOWeight": "t",
    "Description": "s",
}


class UnknownPropertyError(OrchestratorError):
    """A property that an interface does not have."""

    dbus_name = "org.freedesktop.DBus.Error.UnknownProperty"


class UnknownInterfaceError(OrchestratorError):
    """An interface that a unit does not have."""

    dbus_name = "org.freedesktop.DBus.Error.UnknownInterface"


def unit_path(name: str) -> str:
    return f"/org/freedesktop/systemd1/unit/{path_label(name)}"


def job_path(number: int) -> str:
    return f"/org/freedesktop/systemd1/job/{number}" if number else "/"


def listed(unit: Unit) -> ListedUnit:
    """systemd's tuple `(ssssssouso)`."""
    job = unit.job
    number = job.id if job else 0
    return (
        unit.name,
        str(unit.settings.get("Description", unit.spec.description or unit.name)),
        str(unit.spec.load_state),
        str(unit.active),
        unit.sub,
        "",
        unit_path(unit.name),
        number,
        str(job.type) if job else "",
        job_path(number),
    )


def properties(unit: Unit, interface: str) -> dict[str, Variant]:
    """All properties of an interface; with an empty one, those of all. UnknownInterfaceError."""
    found: dict[str, Variant] = {}
    if interface in {"", UNIT}:
        found |= _unit_properties(unit)
    if interface in {"", SERVICE} and isinstance(unit, Service):
        found |= _service_properties(unit)
    if not found:
        raise UnknownInterfaceError(f"unit {unit.name} has no interface {interface!r}")
    return found


def one_property(unit: Unit, interface: str, name: str) -> Variant:
    """One property. UnknownPropertyError, UnknownInterfaceError."""
    found = properties(unit, interface).get(name)
    if found is None:
        raise UnknownPropertyError(f"{interface or 'the unit'} has no property {name!r}")
    return found


def set_properties(unit: Unit, wished: list[tuple[str, Variant]]) -> None:
    """Set what can be set while a unit runs. WrongArgumentError for the rest; nothing is set then."""
    for name, variant in wished:
        if name not in _SETTABLE:
            raise WrongArgumentError(f"Cannot set property {name}, or unknown property.")
        if variant.signature != _SETTABLE[name]:
            raise WrongArgumentError(f"{name} has type {_SETTABLE[name]}, not {variant.signature}")
    for name, variant in wished:
        unit.settings[name] = variant.value
    if wished:
        unit.engine.changed(unit, SERVICE if isinstance(unit, Service) else UNIT, dict(wished))


def as_variants(values: Mapping[str, object]) -> dict[str, Variant]:
    """Plain values as properties: text, booleans and numbers."""
    return {name: _variant(value) for name, value in values.items()}


def _variant(value: Any) -> Variant:
    if isinstance(value, Variant):
        return value
    if isinstance(value, bool):
        return Variant("b", value)
    if isinstance(value, int):
        return Variant("t", value)
    return Variant("s", str(value))


def _unit_properties(unit: Unit) -> dict[str, Variant]:
    job = unit.job
    times = {
        "ActiveEnterTimestampMonotonic": unit.active_since_ns,
        "InactiveExitTimestampMonotonic": unit.begun_ns,
        "StateChangeTimestampMonotonic": unit.changed_ns,
    }
    return {
        "Id": Variant("s", unit.name),
        "Names": Variant("as", [unit.name]),
        "Description": Variant("s", listed(unit)[1]),
        "LoadState": Variant("s", str(unit.spec.load_state)),
        "ActiveState": Variant("s", str(unit.active)),
        "SubState": Variant("s", unit.sub),
        "FreezerState": Variant("s", str(unit.freezer)),
        "FragmentPath": Variant("s", unit.spec.file),
        "UnitFileState": Variant("s", _file_state(unit)),
        "StopWhenUnneeded": Variant("b", unit.spec.stop_when_unneeded),
        "RefuseManualStart": Variant("b", unit.spec.refuse_manual_start),
        "RefuseManualStop": Variant("b", unit.spec.refuse_manual_stop),
        "CanStart": Variant("b", unit.spec.load_state == "loaded"),
        "CanStop": Variant("b", True),
        "CanReload": Variant("b", unit.can_reload),
        "CanFreeze": Variant("b", isinstance(unit, Service)),
        "NeedDaemonReload": Variant("b", False),
        "Job": Variant("(uo)", (job.id if job else 0, job_path(job.id if job else 0))),
        **{name: Variant("t", ns // 1000) for name, ns in times.items()},
        **{relation: Variant("as", list(unit.related(relation))) for relation in _RELATIONS},
    }


def _file_state(unit: Unit) -> str:
    files = unit.engine.files
    return str(files.state(unit.name)) if files.has(unit.name) else ""


def _service_properties(unit: Service) -> dict[str, Variant]:
    service = unit.service
    end = unit.last_exit
    micro: Callable[[int | None], int] = lambda ns: _NO_TIME if ns is None else ns // 1000  # noqa: E731
    found = {
        "Type": Variant("s", str(service.type)),
        "Restart": Variant("s", str(service.restart)),
        "RestartUSec": Variant("t", micro(service.restart_ns)),
        "TimeoutStartUSec": Variant("t", micro(service.timeout_start_ns)),
        "TimeoutStopUSec": Variant("t", micro(service.timeout_stop_ns)),
        "RemainAfterExit": Variant("b", service.remain_after_exit),
        "MainPID": Variant("u", unit.main_pid),
        "NRestarts": Variant("u", unit.restarts),
        "Result": Variant("s", unit.result),
        "StatusText": Variant("s", unit.status_text),
        "ExecMainCode": Variant("i", 0 if end is None else 1 if end.signal is None else 2),
        "ExecMainStatus": Variant("i", 0 if end is None else end.code if end.signal is None else end.signal),
        "Environment": Variant("as", [f"{name}={value}" for name, value in service.environment.items()]),
        "WorkingDirectory": Variant("s", service.working_directory or ""),
        "CPUWeight": Variant("t", _NO_TIME if service.cpu_weight is None else service.cpu_weight),
        **as_variants({name: value for name, value in unit.settings.items() if name != "Description"}),
    }
    if unit.main is not None and unit.main.process is not None:
        found |= {name: Variant("t", value) for name, value in unit.main.process.usage().items()}
    return found
