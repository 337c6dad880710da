"""Programs that are units of a real systemd, over D-Bus (org.freedesktop.systemd1, on the system's or the user's bus).

A unit file names one like a program: `ExecStart=gateway-systemd nginx.service`. Starting the program is StartUnit, and
it runs while that unit is active; SIGTERM is StopUnit, other signals KillUnit. Wall time only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from dbus_fast import MessageType
from dbus_fast.aio import MessageBus

from gateway.orchestrator.dbus.bus import connect
from gateway.orchestrator.dbus.convert import DBusMessage, value_from_dbus, value_to_dbus
from gateway.orchestrator.engine import Exit, Process, ProcessEvents, Runner, Start
from gateway.orchestrator.errors import OrchestratorError, WrongArgumentError
from gateway.orchestrator.processes import NOT_EXECUTABLE
from gateway.sim import Clock, SimulationLoop

COMMAND: Final = "gateway-systemd"
NAME: Final = "org.freedesktop.systemd1"
ROOT: Final = "/org/freedesktop/systemd1"
MANAGER: Final = f"{NAME}.Manager"
_DBUS: Final = "org.freedesktop.DBus"
_PROPERTIES: Final = f"{_DBUS}.Properties"
_DOWN: Final = frozenset({"inactive", "failed"})
_UP: Final = frozenset({"active", "reloading"})
_KILLED: Final = (2, 3)
"""ExecMainCode: CLD_KILLED and CLD_DUMPED (siginfo of wait(2)); ExecMainStatus is then the signal."""
_SIGTERM: Final = 15
_SIGKILL: Final = 9
_REASONS: Final = 100
Heard = Callable[[str, tuple[Any, ...]], object]


class SystemdError(OrchestratorError):
    """What systemd answered instead of doing it."""


class Systemd:
    """A connection to a systemd. `listeners`: by object path, told of the signals there."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self.listeners: dict[str, Heard] = {}
        self._jobs: dict[str, asyncio.Future[str]] = {}
        self._ended: dict[str, str] = {}
        bus.add_message_handler(self._received)

    @classmethod
    async def connected(cls, address: str) -> Systemd:
        """BusAddressError for a bus that cannot be reached, SystemdError when no systemd is on it."""
        found = cls(await connect(address))
        await found.ask(_DBUS, "/org/freedesktop/DBus", _DBUS, "AddMatch", "s", f"type='signal',sender='{NAME}'")
        await found.manager("Subscribe")
        return found

    async def ask(self, to: str, path: str, interface: str, member: str, signature: str = "", *body: Any) -> list[Any]:
        """A method. SystemdError with its words."""
        message = DBusMessage(
            destination=to, path=path, interface=interface, member=member, signature=signature, body=value_to_dbus(body)
        )
        reply = await self._bus.call(message)
        if reply is not None and reply.message_type is MessageType.ERROR:
            raise SystemdError(str(reply.body[0]) if reply.body else str(reply.error_name))
        return [] if reply is None else [value_from_dbus(item) for item in reply.body]

    async def manager(self, member: str, signature: str = "", *body: Any) -> list[Any]:
        """A method of the manager."""
        return await self.ask(NAME, ROOT, MANAGER, member, signature, *body)

    async def job(self, member: str, unit: str) -> str:
        """StartUnit, StopUnit and the like, until JobRemoved: its result."""
        path: str = (await self.manager(member, "ss", unit, "replace"))[0]
        if path in self._ended:
            return self._ended.pop(path)
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._jobs[path] = waiting
        return await waiting

    async def properties(self, path: str, interface: str) -> Mapping[str, Any]:
        """All properties of an object as plain values."""
        (found,) = await self.ask(NAME, path, _PROPERTIES, "GetAll", "s", f"{NAME}.{interface}")
        return {name: variant.value for name, variant in found.items()}

    def _received(self, message: DBusMessage) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        body = tuple(value_from_dbus(item) for item in message.body)
        if message.member == "JobRemoved" and message.interface == MANAGER:
            self._job_removed(body[1], body[3])
        elif message.path in self.listeners:
            self.listeners[message.path](message.member or "", body)

    def _job_removed(self, path: str, result: str) -> None:
        waiting = self._jobs.pop(path, None)
        if waiting is None:
            self._ended[path] = result  # it may have ended before we knew its name
            while len(self._ended) > _REASONS:
                self._ended.pop(next(iter(self._ended)))
        elif not waiting.done():
            waiting.set_result(result)

    def close(self) -> None:
        self._bus.disconnect()


class SystemdProgram:
    """A unit of systemd as a program of ours."""

    def __init__(self, unit: str, events: ProcessEvents) -> None:
        self.unit: Final = unit
        self.pid = 0
        self._events = events
        self._systemd: Systemd | None = None
        self._wishes: asyncio.Queue[tuple[str, str, tuple[Any, ...]] | None] = asyncio.Queue(maxsize=_REASONS)
        self._state = asyncio.Event()
        self._usage: dict[str, int] = {}
        self._gone = False

    async def run(self, systemd: Systemd) -> None:
        """Start the unit and wait for its end. SystemdError when it cannot even be tried."""
        self._systemd = systemd
        (path,) = await systemd.manager("LoadUnit", "s", self.unit)
        systemd.listeners[path] = lambda _member, _body: self._state.set()
        try:
            result = await systemd.job("StartUnit", self.unit)
            if result == "done":
                self._events.executed()
                self._events.notified({"READY": "1"})
            await self._until_down(systemd, path)
            end = await self._end(systemd, path, result)
        finally:
            systemd.listeners.pop(path, None)
            self._gone = True
        self._events.exited(end)

    async def _until_down(self, systemd: Systemd, path: str) -> None:
        wishes = asyncio.get_running_loop().create_task(self._fulfil(systemd), name=f"wishes for {self.unit}")
        try:
            while True:
                self._state.clear()
                unit = await systemd.properties(path, "Unit")
                if unit["ActiveState"] in _DOWN:
                    return
                if unit["ActiveState"] in _UP and self.unit.endswith(".service"):
                    await self._look(systemd, path)
                await self._state.wait()
        finally:
            wishes.cancel()

    async def _look(self, systemd: Systemd, path: str) -> None:
        service = await systemd.properties(path, "Service")
        self.pid = int(service["MainPID"])
        for name in ("MemoryCurrent", "CPUUsageNSec"):
            if service.get(name, 1 << 64) < (1 << 64) - 1:  # all ones: it is not accounted
                self._usage[name] = int(service[name])

    async def _end(self, systemd: Systemd, path: str, result: str) -> Exit:
        if not self.unit.endswith(".service"):
            return Exit(0 if result == "done" else 1)
        service = await systemd.properties(path, "Service")
        code, status = int(service["ExecMainCode"]), int(service["ExecMainStatus"])
        if service["Result"] == "success":
            return Exit(0)
        return Exit(0, status) if code in _KILLED else Exit(status or 1)

    async def _fulfil(self, systemd: Systemd) -> None:
        """Do one wish after the other."""
        while (wish := await self._wishes.get()) is not None:
            member, signature, body = wish
            with contextlib.suppress(SystemdError):
                await systemd.manager(member, signature, *body)

    def _wish(self, member: str, signature: str, *body: Any) -> None:
        if not self._gone:
            with contextlib.suppress(asyncio.QueueFull):
                self._wishes.put_nowait((member, signature, body))

    # Asked by the service

    def signal(self, number: int, *, everyone: bool) -> None:
        if number == _SIGTERM:
            self._wish("StopUnit", "ss", self.unit, "replace")
            return
        self._wish("KillUnit", "ssi", self.unit, "all" if everyone else "main", number)
        if number == _SIGKILL:
            self._wish("StopUnit", "ss", self.unit, "replace")

    def freeze(self) -> None:
        self._wish("FreezeUnit", "s", self.unit)

    def thaw(self) -> None:
        self._wish("ThawUnit", "s", self.unit)

    def usage(self) -> Mapping[str, int]:
        """As systemd accounted it when the unit's state changed last."""
        return self._usage


class SystemdRunner:
    """Starts units of the systemd on a bus, and leaves other programs to another runner. `wrong`: what it could not do."""

    def __init__(self, address: str, runner: Runner) -> None:
        self._address = address
        self._runner = runner
        self._connection: asyncio.Task[Systemd] | None = None
        self._tasks: dict[asyncio.Task[None], SystemdProgram] = {}
        self.wrong: deque[str] = deque(maxlen=_REASONS)

    def start(self, start: Start, events: ProcessEvents) -> Process:
        """OrchestratorError in virtual time, and for a command without exactly one unit."""
        argv = start.command.argv
        if argv[0] != COMMAND:
            return self._runner.start(start, events)
        if len(argv) != 2:
            raise WrongArgumentError(f"{' '.join(argv)}: {COMMAND} takes the name of one unit of systemd")
        loop = asyncio.get_running_loop()
        if isinstance(loop, SimulationLoop) and loop.clock is Clock.VIRTUAL:
            raise OrchestratorError(f"{argv[1]} is a unit of systemd, which does not wait: it needs --clock wall")
        program = SystemdProgram(argv[1], events)
        task = loop.create_task(self._run(program, events), name=f"{start.unit.name} as {argv[1]}")
        self._tasks[task] = program
        task.add_done_callback(self._tasks.pop)
        return program

    async def _run(self, program: SystemdProgram, events: ProcessEvents) -> None:
        try:
            if self._connection is None or (self._connection.done() and self._connection.exception() is not None):
                connecting = Systemd.connected(self._address)
                self._connection = asyncio.get_running_loop().create_task(connecting, name=f"bus {self._address}")
            await program.run(await asyncio.shield(self._connection))
        except OrchestratorError as error:
            self.wrong.append(f"{program.unit}: {error.sentence}")
            events.notified({"STATUS": self.wrong[-1]})
            events.exited(Exit(NOT_EXECUTABLE))

    async def close(self) -> None:
        """Let what was asked for be done (a stop), and leave the bus."""
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=_PATIENCE_S)
        for task in list(self._tasks):
            task.cancel()
        if self._connection is not None and self._connection.done() and self._connection.exception() is None:
            self._connection.result().close()


_PATIENCE_S: Final = 10.0
"""A unit that does not stop is left behind after this."""
