"""Forks that run the command line, and can-utils that watch, for what runs inside a kernel with SocketCAN."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.cli import main

LIMIT_S = 60.0
RUNNING: list[Started] = []
"""What has been started and not waited for."""


class Started:
    """A fork that runs something; its standard output goes to a file."""

    def __init__(self, work: Callable[[], None], output: Path) -> None:
        self.output = output
        self.pid = os.fork()
        RUNNING.append(self)
        if self.pid == 0:
            code = 1
            try:
                stream = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
                os.dup2(stream, 1)
                sys.stdout = os.fdopen(1, "w", closefd=False)
                work()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            except BaseException:  # noqa: BLE001 - the edge of a fork
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(code)

    def interrupt(self) -> dict[str, Any]:
        """End it as Ctrl-C does; what it reported."""
        os.kill(self.pid, signal.SIGINT)
        return self.report()

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        RUNNING.remove(self)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def report(self) -> dict[str, Any]:
        """Wait for its end; its JSON document."""
        code = self.wait()
        text = self.output.read_text()
        return json.loads(text) if text.startswith("{") else {"code": code, "output": text}


def cli(folder: Path, name: str, *arguments: str) -> Started:
    """`gateway ARGUMENTS`."""

    def work() -> None:
        sys.argv = ["gateway", *arguments]
        main()

    return Started(work, folder / f"{name}.out")


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


@contextmanager
def candump(log: Path, *interfaces: str) -> Iterator[None]:
    with log.open("w") as stream:
        running = subprocess.Popen(["candump", "-L", "-r", "8000000", *interfaces], stdout=stream)
        try:
            until(lambda: all(listeners(name) for name in interfaces), "candump does not listen")
            yield
            time.sleep(0.3)
        finally:
            running.terminate()
            running.wait()


def lines(log: Path) -> list[tuple[float, str, str]]:
    """Time, interface and frame of each line of a candump log."""
    found = []
    for line in log.read_text().splitlines():
        stamp, interface, frame = line.split()[:3]
        found.append((float(stamp[1:-1]), interface, frame))
    return found


def seen(log: Path, interface: str, start: str = "") -> int:
    return (
        sum(1 for _, where, frame in lines(log) if where == interface and frame.startswith(start))
        if log.exists()
        else 0
    )


def listeners(interface: str) -> int:
    """How many sockets take all frames of an interface, or of `any`."""
    entries = [line.split() for line in Path("/proc/net/can/rcvlist_all").read_text().splitlines()]
    return sum(1 for entry in entries if len(entry) == 7 and entry[0] == interface)


def is_idle(*processes: Started) -> bool:
    """None of them has anything to do now: one that is behind its time, or has frames to read, does not wait.

    There is one processor, and whoever looks has it: who then is not ready to run, waits.
    """
    for _ in range(5):
        for process in processes:
            state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state != "S":
                return False
        time.sleep(0.02)
    return True
