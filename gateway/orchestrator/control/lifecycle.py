"""The jobs of an agent that the controller has asked for, by the controller's number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from gateway.orchestrator.control.messages import Call, Variant
from gateway.orchestrator.engine import Job, JobMode, JobResult, JobType
from gateway.orchestrator.errors import WrongArgumentError
from gateway.orchestrator.units import Assignment, UnitText
from gateway.orchestrator.units.names import is_valid

if TYPE_CHECKING:
    from gateway.orchestrator.control.agent import Agent

_KINDS: Final = {
    "StartUnit": JobType.START,
    "StopUnit": JobType.STOP,
    "ReloadUnit": JobType.RELOAD,
    "RestartUnit": JobType.RESTART,
}
_EXEC: Final = frozenset({"ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"})


class Lifecycle:
    """Starts, stops and so on; `methods`: what the controller calls."""

    def __init__(self, agent: Agent) -> None:
        self._agent: Final = agent
        self._asked: dict[Job, list[int]] = {}
        """The controller's numbers of each job; two requests may have become one job."""
        self.methods: Final[Mapping[str, Callable[[Call], None]]] = {
            **dict.fromkeys(_KINDS, self._job),
            "StartTransientUnit": self._transient,
            "JobCancel": self._cancel,
            "StartDep": lambda call: self._dep(JobType.START, call),
            "StopDep": lambda call: self._dep(JobType.STOP, call),
        }

    def forget(self) -> None:
        """The controller is gone: its jobs go on, and nobody waits for them."""
        self._asked.clear()

    def _job(self, call: Call) -> None:
        if call.signature not in {"ssu", "su"}:
            raise WrongArgumentError(f"{call.member} takes 'ssu', not {call.signature!r}")
        name, *mode, number = call.body
        self._submit(_KINDS[call.member], str(name), job_mode(str(mode[0]) if mode else "replace"), int(number))

    def _submit(self, kind: JobType, name: str, mode: JobMode, number: int) -> None:
        engine = self._agent.engine
        if not is_valid(name):
            raise WrongArgumentError(f"Unit name {name} is not valid.")
        job = engine.submit(kind, name, mode, manual=True)
        self._asked.setdefault(job, []).append(number)

    def _transient(self, call: Call) -> None:
        if call.signature != "ssa(sv)a(sa(sv))u":
            raise WrongArgumentError(f"StartTransientUnit takes 'ssa(sv)a(sa(sv))u', not {call.signature!r}")
        name, mode, settings, _others, number = call.body
        engine = self._agent.engine
        if not is_valid(name) or engine.files.has(name):
            raise WrongArgumentError(f"Unit {name} cannot be made: its name is wrong, or there is a unit file for it.")
        engine.files.put_transient(name, transient_text(name, settings))
        engine.units.pop(name, None)
        self._submit(JobType.START, name, job_mode(mode), int(number))

    def _cancel(self, call: Call) -> None:
        number = int(call.body[0])
        for job, numbers in self._asked.items():
            if number in numbers:
                self._agent.engine.cancel(job)
                return
        raise WrongArgumentError(f"there is no job {number}")

    def _dep(self, kind: JobType, call: Call) -> None:
        """Start or stop the unit that holds another node's need of a unit here."""
        engine = self._agent.engine
        name = str(call.body[0])
        if kind is JobType.START:
            engine.known(name)
        engine.submit(kind, f"bluechi-dep@{name}")

    # Told by the engine

    def running(self, job: Job) -> None:
        for number in self._asked.get(job, ()):
            self._agent.tell("JobStateChanged", "us", number, "running")

    def removed(self, job: Job, result: JobResult) -> None:
        for number in self._asked.pop(job, ()):
            self._agent.tell("JobDone", "us", number, str(result))


def job_mode(text: str) -> JobMode:
    """WrongArgumentError for a mode that is none."""
    try:
        return JobMode(text)
    except ValueError:
        raise WrongArgumentError(f"Job mode {text} is not valid: there are {', '.join(JobMode)}") from None


def transient_text(name: str, settings: list[tuple[str, Variant]]) -> UnitText:
    """A transient unit's properties as the text of a unit file."""
    found: list[Assignment] = []
    for key, variant in settings:
        values = _exec_lines(variant.value) if key in _EXEC else _plain(variant.value)
        section = "Service" if key in _EXEC or key in _SERVICE_KEYS else "Unit"
        found += [Assignment(section, _SPANS.get(key, key), value, 0) for value in values]
    return UnitText(f"/run/systemd/transient/{name}", tuple(found))


_SPANS: Final = {
    "RestartUSec": "RestartSec",
    "TimeoutStartUSec": "TimeoutStartSec",
    "TimeoutStopUSec": "TimeoutStopSec",
}
_SERVICE_KEYS: Final = frozenset({*_SPANS, "Type", "RemainAfterExit", "Restart", "Environment", "WorkingDirectory"})


def _exec_lines(value: list[tuple[str, list[str], bool]]) -> list[str]:
    import shlex

    return [("-" if ignore else "") + shlex.join(argv) for _path, argv, ignore in value]


def _plain(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, list):
        return [str(item) for item in value]
    return [f"{value}us"] if isinstance(value, int) else [str(value)]
