"""Programs that are parts of the vehicle: an ECU, a service in Python, a group of the gateway's routes.

A unit file names them like a program: `ExecStart=gateway-ecu BCM`, `ExecStart=gateway-routes 1 4`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from gateway.ecu import Ecu, Failure
from gateway.errors import nearest
from gateway.orchestrator.engine import Exit, Process, ProcessEvents, Runner, Start
from gateway.orchestrator.errors import WrongArgumentError
from gateway.routing import Route
from gateway.sim import Kernel

ECU: Final = "gateway-ecu"
ROUTES: Final = "gateway-routes"
_ENDING: Final = frozenset({2, 3, 6, 9, 15})


class Part(Protocol):
    """Something of the vehicle that is switched on and off. `ready_ns`: from on to ready."""

    @property
    def ready_ns(self) -> int: ...
    def on(self, failed: Callable[[], None]) -> None: ...
    def off(self) -> None: ...
    def hang(self) -> None: ...


class EcuPart:
    """An ECU, its behaviour included; a behaviour that raises ends the unit with exit code 1."""

    def __init__(self, ecu: Ecu) -> None:
        self._ecu = ecu
        self._before: Callable[[Failure], object] | None = None
        self._is_on = False

    @property
    def ready_ns(self) -> int:
        return self._ecu.boot_ns

    def on(self, failed: Callable[[], None]) -> None:
        before = self._before = self._ecu.on_failure

        def tell(failure: Failure) -> None:
            if before is not None:
                before(failure)
            failed()

        self._ecu.on_failure = tell
        self._is_on = True
        self._ecu.switch_on()

    def off(self) -> None:
        if self._is_on:
            self._is_on = False
            self._ecu.on_failure = self._before
            self._ecu.switch_off()

    def hang(self) -> None:
        self._ecu.hang()


class RoutesPart:
    """Routes of the gateway: while the unit is down they filter everything."""

    ready_ns = 0

    def __init__(self, routes: list[Route]) -> None:
        self._routes = routes
        self._conditions = [route.condition for route in routes]
        self.off()

    def on(self, failed: Callable[[], None]) -> None:
        del failed
        for route, condition in zip(self._routes, self._conditions, strict=True):
            route.condition = condition

    def off(self) -> None:
        for route in self._routes:
            route.condition = _never

    def hang(self) -> None:
        self.off()


def _never(_data: bytes) -> bool:
    return False


class PartProcess:
    """A part that runs as a unit's program."""

    def __init__(self, kernel: Kernel, pid: int, part: Part, events: ProcessEvents) -> None:
        self.pid: Final = pid
        self._kernel = kernel
        self._part = part
        self._events = events
        self._gone = False
        kernel.at(kernel.now, self._begin)

    def _begin(self) -> None:
        if not self._gone:
            self._events.executed()
            self._part.on(lambda: self._end(Exit(1)))
            self._kernel.after(self._part.ready_ns, self._ready)

    def _ready(self) -> None:
        if not self._gone:
            self._events.notified({"READY": "1"})

    def _end(self, end: Exit) -> None:
        if not self._gone:
            self._gone = True
            self._part.off()
            self._kernel.at(self._kernel.now, lambda: self._events.exited(end))

    def signal(self, number: int, *, everyone: bool) -> None:
        if number in _ENDING:
            self._end(Exit(0, number))

    def freeze(self) -> None:
        self._part.hang()

    def thaw(self) -> None:
        """What has hung begins anew."""
        self._part.off()
        self._part.on(lambda: self._end(Exit(1)))

    def usage(self) -> Mapping[str, int]:
        return {}


class PartRunner:
    """A runner that knows parts of the vehicle by name, and leaves other programs to another runner."""

    def __init__(self, kernel: Kernel, runner: Runner, parts: Mapping[tuple[str, ...], Part]) -> None:
        self._kernel = kernel
        self._runner = runner
        self._parts = parts
        self._pid = 100

    def start(self, start: Start, events: ProcessEvents) -> Process:
        """WrongArgumentError for a part that is not there."""
        argv = start.command.argv
        if argv[0] not in {ECU, ROUTES}:
            return self._runner.start(start, events)
        part = self._parts.get(argv)
        if part is None:
            known = [" ".join(name[1:]) for name in self._parts if name[0] == argv[0]]
            raise WrongArgumentError(f"{' '.join(argv)}: there is no such part{nearest(' '.join(argv[1:]), known)}")
        self._pid += 1
        return PartProcess(self._kernel, self._pid, part, events)
