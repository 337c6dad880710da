"""Programs that are simulated: how long they take to start, when they end and how, in the kernel's time.

A unit file says so in its section X-Simulation, which systemd leaves alone:

    [X-Simulation]
    ReadyAfter=20ms..80ms      drawn from the node's stream for each start; READY=1 for Type=notify
    ExitAfter=5s               ends by itself so long after its start; a oneshot's command ends at once without it
    ExitStatus=1               with this code, or a signal's name
    FailStarts=2               its first two starts end with ExitStatus (1 if absent) instead of getting ready
    StopAfter=100ms            from SIGTERM to its end
    IgnoreSIGTERM=yes          only SIGKILL ends it
    NotExecutable=yes          exit code 203, as where there is no such program
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.orchestrator.engine import Exit, ProcessEvents, Start
from gateway.orchestrator.errors import WrongArgumentError
from gateway.orchestrator.units import ExecKind, ServiceType
from gateway.orchestrator.units.values import boolean, integer, signal_number, span_ns
from gateway.sim import Kernel, Stream

_FATAL: Final = frozenset({1, 2, 3, 6, 9, 10, 11, 12, 13, 14, 15})
_MS: Final = 1_000_000
FIRST_PID: Final = 1000


_CLEAN: Final = Exit(0)


@dataclass(frozen=True, slots=True)
class Model:
    """How a program behaves; times in nanoseconds, as a range to draw from."""

    ready: tuple[int, int] = (5 * _MS, 5 * _MS)
    exit_after: int | None = None
    end: Exit = _CLEAN
    fail_starts: int = 0
    stop_after: int = 1 * _MS
    ignores_sigterm: bool = False
    not_executable: bool = False


def model_of(values: Mapping[str, str]) -> Model:
    """The model that a section X-Simulation describes. WrongArgumentError for a value that is none."""
    fields: dict[str, object] = {}
    for key, text in values.items():
        try:
            name, value = _field(key, text)
        except ValueError as error:
            raise WrongArgumentError(f"[X-Simulation] {key}={text}: {error}") from None
        fields[name] = value
    if fields.get("fail_starts") and "end" not in fields:
        fields["end"] = Exit(1)
    return Model(**fields)  # type: ignore[arg-type]


def _field(key: str, text: str) -> tuple[str, object]:
    match key:
        case "ReadyAfter":
            first, dots, last = text.partition("..")
            low = span_ns(first) or 0
            return "ready", (low, (span_ns(last) or low) if dots else low)
        case "ExitAfter":
            return "exit_after", span_ns(text)
        case "ExitStatus":
            return "end", Exit(integer(text)) if text.isdigit() else Exit(0, signal_number(text))
        case "FailStarts":
            return "fail_starts", integer(text)
        case "StopAfter":
            return "stop_after", span_ns(text) or 0
        case "IgnoreSIGTERM":
            return "ignores_sigterm", boolean(text)
        case "NotExecutable":
            return "not_executable", boolean(text)
    raise ValueError("there is no such word: see the section X-Simulation in the documentation")


class SimulatedProcess:
    """A program that only takes time."""

    def __init__(self, kernel: Kernel, pid: int, model: Model, events: ProcessEvents) -> None:
        self.pid: Final = pid
        self._kernel = kernel
        self._model = model
        self._events = events
        self._gone = False
        self._frozen = False
        self._held: list[Exit | None] = []

    def later(self, delay_ns: int, end: Exit | None) -> None:
        """End after a time; None: get ready."""
        self._kernel.after(delay_ns, lambda: self._happen(end))

    def _happen(self, end: Exit | None) -> None:
        if self._gone:
            return
        if self._frozen:
            self._held.append(end)
        elif end is None:
            self._events.notified({"READY": "1"})
        else:
            self._gone = True
            self._events.exited(end)

    def signal(self, number: int, *, everyone: bool) -> None:
        if number == 9:
            self._frozen = False
            self.later(0, Exit(0, 9))
        elif number in _FATAL and not (number == 15 and self._model.ignores_sigterm):
            self.later(self._model.stop_after, Exit(0, number))

    def freeze(self) -> None:
        self._frozen = True

    def thaw(self) -> None:
        self._frozen = False
        held, self._held = self._held, []
        for end in held:
            self.later(0, end)

    def usage(self) -> Mapping[str, int]:
        return {}


class SimulatedRunner:
    """Starts simulated programs on a node."""

    def __init__(self, kernel: Kernel, stream: Stream) -> None:
        self._kernel: Final = kernel
        self._stream: Final = stream
        self._pid = FIRST_PID
        self._models: dict[int, Model] = {}

    def start(self, start: Start, events: ProcessEvents) -> SimulatedProcess:
        """WrongArgumentError for a section X-Simulation with a fault."""
        model = model_of(start.unit.simulation)
        self._pid += 1
        process = SimulatedProcess(self._kernel, self._pid, model, events)
        if model.not_executable:
            process.later(0, Exit(203))
        elif start.kind is ExecKind.START:
            self._main(start, process, model, events)
        else:
            self._control(start, process)
        return process

    def _main(self, start: Start, process: SimulatedProcess, model: Model, events: ProcessEvents) -> None:
        ready = self._draw(model.ready)
        oneshot = start.unit.service is not None and start.unit.service.type is ServiceType.ONESHOT
        self._kernel.at(self._kernel.now, events.executed)
        if start.attempt <= model.fail_starts:
            process.later(ready, model.end)
        elif oneshot or start.command.path.rpartition("/")[2] in {"true", "false"}:
            process.later(ready if oneshot else 0, _end_of(start, model))
        else:
            process.later(ready, None)
            if model.exit_after is not None:
                process.later(model.exit_after, model.end if not model.fail_starts else Exit(0))

    def _control(self, start: Start, process: SimulatedProcess) -> None:
        process.later(_MS, Exit(1) if start.command.path.rpartition("/")[2] == "false" else Exit(0))

    def _draw(self, span: tuple[int, int]) -> int:
        low, high = span
        return low if low >= high else self._stream.randint(low, high)


def _end_of(start: Start, model: Model) -> Exit:
    """The programs true and false do what they are called."""
    if start.command.path.rpartition("/")[2] == "false":
        return Exit(1)
    return Exit(0) if model.fail_starts else model.end
