"""Programs that are processes of this machine: groups, exec errors, notify sockets, output, use of resources.

Wall time only: a process does not wait for the simulation.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.orchestrator.engine import Exit, ProcessEvents, Start
from gateway.orchestrator.errors import OrchestratorError
from gateway.orchestrator.units import ServiceType
from gateway.sim import Clock, Kernel, SimulationLoop

_KEPT: Final = 64 << 10
"""So many bytes of a program's last output are kept."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
NOT_EXECUTABLE: Final = 203
NO_FOLDER: Final = 200


class _Output(asyncio.Protocol):
    """A program's output: the last of it, however much there was."""

    def __init__(self) -> None:
        self.kept: deque[bytes] = deque()
        self.size = 0
        self.total = 0

    def data_received(self, data: bytes) -> None:
        self.total += len(data)
        self.kept.append(data)
        self.size += len(data)
        while self.size - len(self.kept[0]) > _KEPT:
            self.size -= len(self.kept.popleft())

    @property
    def text(self) -> str:
        return b"".join(self.kept)[-_KEPT:].decode("utf-8", "replace")


class MachineProcess:
    """A process and its group. It has ended when its first process has; what is left of the group is killed then."""

    def __init__(self, events: ProcessEvents, kernel: Kernel) -> None:
        self.pid = 0
        self.output: Final = _Output()
        self._events = events
        self._kernel = kernel
        self._pending: list[tuple[int, bool]] = []
        self._notify: socket.socket | None = None
        self._folder: str | None = None
        self._gone = False

    async def run(self, start: Start) -> None:
        """Start it and wait for its end."""
        environment = {**os.environ, **start.environment, "MAINPID": str(start.main_pid or "")}
        argv = [expanded(word, environment) for word in start.command.argv]
        service = start.unit.service
        if service is not None and service.type is ServiceType.NOTIFY:
            environment["NOTIFY_SOCKET"] = self._listen()
        try:
            end = await self._until_end(argv, environment, start.working_directory)
        except (OSError, ValueError):
            missing = start.working_directory and not _is_folder(start.working_directory)
            end = Exit(NO_FOLDER if missing else NOT_EXECUTABLE)
        finally:
            self._unlisten()
        self._gone = True
        self._events.exited(end)

    async def _until_end(self, argv: list[str], environment: dict[str, str], folder: str | None) -> Exit:
        program = argv[0] if argv[0].startswith("/") else shutil.which(argv[0]) or argv[0]
        read, write = os.pipe()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: self.output, os.fdopen(read, "rb", 0))
        try:
            process = await asyncio.create_subprocess_exec(
                program, *argv[1:], env=environment, cwd=folder, start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=write, stderr=write,
            )  # fmt: skip
            self.pid = process.pid
            os.close(write)
            write = -1
            for number, everyone in self._pending:
                self.signal(number, everyone=everyone)
            self._events.executed()
            code = await process.wait()
        finally:
            if write >= 0:
                os.close(write)
            if self.pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
            transport.close()
        return Exit(code) if code >= 0 else Exit(0, -code)

    # The notify socket (sd_notify(3))

    def _listen(self) -> str:
        self._folder = tempfile.mkdtemp(prefix="gateway-notify-")
        path = str(Path(self._folder) / "s")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._notify.bind(path)
        asyncio.get_running_loop().add_reader(self._notify.fileno(), self._heard)
        return path

    def _heard(self) -> None:
        assert self._notify is not None
        with contextlib.suppress(BlockingIOError):
            text = self._notify.recv(65536).decode("utf-8", "replace")
            found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
            if not self._gone:
                self._events.notified(found)

    def _unlisten(self) -> None:
        if self._notify is not None:
            asyncio.get_running_loop().remove_reader(self._notify.fileno())
            self._notify.close()
            self._notify = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # Asked by the service

    def signal(self, number: int, *, everyone: bool) -> None:
        if self._gone:
            return
        if not self.pid:
            self._pending.append((number, everyone))
            return
        with contextlib.suppress(ProcessLookupError):
            if everyone:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP, everyone=True)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT, everyone=True)

    def usage(self) -> Mapping[str, int]:
        """Processor time and memory of its first process, by systemd's names."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return {}
        ticks = int(stat[11]) + int(stat[12])
        return {"CPUUsageNSec": ticks * 1_000_000_000 // _TICKS, "MemoryCurrent": int(stat[21]) * _PAGE}


class ProcessRunner:
    """Starts processes. `close` kills what is left."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._tasks: dict[asyncio.Task[None], MachineProcess] = {}

    def start(self, start: Start, events: ProcessEvents) -> MachineProcess:
        """OrchestratorError in virtual time."""
        loop = asyncio.get_running_loop()
        if isinstance(loop, SimulationLoop) and loop.clock is Clock.VIRTUAL:
            raise OrchestratorError(f"{start.command.path} is a process, which does not wait: it needs --clock wall")
        process = MachineProcess(events, self._kernel)
        task = loop.create_task(process.run(start), name=f"{start.unit.name} {start.kind}")
        self._tasks[task] = process
        task.add_done_callback(self._tasks.pop)
        return process

    async def close(self) -> None:
        """Kill all that runs, and wait for its end."""
        for process in list(self._tasks.values()):
            process.signal(signal.SIGKILL, everyone=True)
        while self._tasks:
            await asyncio.wait(list(self._tasks))


def _is_folder(path: str) -> bool:
    return Path(path).is_dir()


def expanded(word: str, environment: Mapping[str, str]) -> str:
    """A word of a command line with `$NAME` and `${NAME}` filled in."""
    import re

    return re.sub(
        r"\$(?:\{(\w+)\}|(\w+)|(\$))",
        lambda found: "$" if found[3] else environment.get(found[1] or found[2], ""),
        word,
    )
