"""The command under Debian's User-Mode Linux: a Linux kernel that is an ordinary process on the machine's own files."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import tempfile
import termios
import tty
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from gateway.vcan.availability import tool
from gateway.vcan.errors import CommandTimedOutError, KernelFailedError, VcanError
from gateway.vcan.folders import is_hidden, job_parent, memory_folder
from gateway.vcan.job import prepare
from gateway.vcan.machine import Machine
from gateway.vcan.processor import claimed
from gateway.vcan.signals import GRACE_S, handled
from gateway.vcan.streams import Kind, Streams

BOOT_LIMIT_S = 60.0
"""A kernel that is not up by then (it takes well under a second) never will be."""

_LAST_LINES = 20


def run(
    command: Sequence[str], names: Sequence[str], memory_bytes: int, timeout_s: float | None, streams: Streams
) -> int:
    """Exit code of the command, run in a kernel booted for it; nothing of either is left afterwards."""
    if is_hidden(os.getcwd()):
        raise VcanError(f"{os.getcwd()} is not seen inside, where the kernel has its own /dev, /run, /proc and /sys")
    folder = Path(tempfile.mkdtemp(prefix="gateway-vcan.", dir=job_parent()))
    with Machine(folder, streams) as machine, _raw(streams), claimed() as processor:
        prepare(folder, command, names, streams)
        environment = os.environ | {"TMPDIR": memory_folder(memory_bytes)}
        machine.boot([tool("linux.uml") or "linux.uml", *_parameters(folder, memory_bytes)], environment, processor)
        with _signals_go_to(machine, streams):
            _wait(machine, command[0], timeout_s)
        return _exit_code(machine, folder)


def _parameters(folder: Path, memory_bytes: int) -> list[str]:
    """The kernel's command line but for its serial lines. What is switched off took 1.1 of 1.4 seconds to boot."""
    return [
        f"mem={memory_bytes >> 10}K",
        "rootfstype=hostfs",
        "rootflags=/",
        "rw",
        f'init="{folder}/init"',
        f"uml_dir={folder}/",
        f"hostname={platform.node() or 'vcan'}",
        "con=null",
        "con0=null,fd:1",
        "quiet",
        "initcall_blacklist=raid6_select_algo,calibrate_xor_blocks",
        "pty.legacy_count=0",
        "zswap.enabled=0",
    ]


def _wait(machine: Machine, name: str, timeout_s: float | None) -> None:
    limit = BOOT_LIMIT_S if timeout_s is None else min(BOOT_LIMIT_S, timeout_s)
    if machine.ended(limit):
        return
    if not machine.is_up and limit == BOOT_LIMIT_S:
        machine.kill()
        machine.ended(None)
        return
    if machine.ended(None if timeout_s is None else timeout_s - limit):
        return
    machine.order("TERM")
    if not machine.ended(GRACE_S):
        machine.kill()
    raise CommandTimedOutError(f"{name}: stopped after {timeout_s:g} s")


def _exit_code(machine: Machine, folder: Path) -> int:
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int((folder / "exit").read_text(encoding="ascii"))
    if machine.signalled:
        return 128 + machine.signalled
    log = (folder / "kernel").read_text(encoding="utf-8", errors="replace").splitlines()
    what = "went down under the command" if machine.is_up else "did not come up"
    raise KernelFailedError(f"the kernel {what}; its last lines:\n" + "\n".join(log[-_LAST_LINES:]))


@contextlib.contextmanager
def _signals_go_to(machine: Machine, streams: Streams) -> Iterator[None]:
    def size(_number: int, _frame: FrameType | None) -> None:
        columns, rows = os.get_terminal_size(streams.stdout)
        machine.order(f"size {rows} {columns}")

    with handled(lambda number, _: machine.stop(signal.Signals(number))), contextlib.ExitStack() as more:
        if streams.kind is Kind.TERMINAL:
            more.enter_context(handled(size, (signal.SIGWINCH,)))
        yield


@contextlib.contextmanager
def _raw(streams: Streams) -> Iterator[None]:
    """Leaves lines, echo and ^C to the terminal inside."""
    if streams.kind is not Kind.TERMINAL:
        yield
        return
    before = termios.tcgetattr(streams.stdin)
    tty.setraw(streams.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(streams.stdin, termios.TCSADRAIN, before)
