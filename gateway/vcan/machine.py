"""The kernel's processes, its serial lines, and the guard that ends and removes all of it whatever becomes of the runner."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.vcan.processor import stay_on
from gateway.vcan.signals import GRACE_S
from gateway.vcan.streams import END, Input, Kind, Output, Streams, encode

_GUARD = 'read -r group; while read -r _; do :; done; [ -z "$group" ] || kill -s KILL -- "-$group"; rm -rf -- "$1"'
"""Reads the kernel's process group, waits until the runner closes the pipe or dies, then ends and removes all.

A process of its own session: what kills the runner's group, Ctrl-C or kill -9, passes it by.
"""
_LAUNCH = 'echo "$$"; log=$1; shift; ulimit -c 0; exec "$0" "$@" >"$log" 2>&1'
"""Tells the guard its process group before there is anything to guard, then becomes the kernel."""


class Machine:
    """One boot of the kernel. As a context manager: afterwards its processes and its folder are gone."""

    def __init__(self, folder: Path, streams: Streams) -> None:
        self._folder, self._streams = folder, streams
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "gateway-vcan-guard", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        self._kernel: subprocess.Popen[bytes] | None = None
        self._outputs: list[Output] = []
        self._input: Input | None = None
        self._lines: list[int] = []
        self._orders = -1
        self._waiting_orders: list[str] = []
        self._turn = threading.RLock()
        self._killed = False
        self.is_up = False
        """Whether the first process has set up its lines: the command is running or has run."""
        self.signalled = 0
        """The first signal that the runner got, 0 when none."""

    def __enter__(self) -> Self:
        return self

    def boot(self, arguments: Sequence[str], environment: Mapping[str, str], processor: int | None = None) -> None:
        """Starts the kernel with `arguments` and two serial lines: standard streams, and orders with standard error.

        `processor`: the one that it is to stay on.
        """
        stdin_read, stdin_write = os.pipe()
        stdout_read, stdout_write = os.pipe()
        stderr_read, stderr_write = os.pipe()
        orders_read, self._orders = os.pipe()
        inside = (stdin_read, stdout_write, stderr_write, orders_read)
        self._lines = [stdin_write, self._orders]  # held open to the end: closing one would hang up its terminal inside
        serial = [f"ssl0=fd:{stdin_read},fd:{stdout_write}", f"ssl1=fd:{orders_read},fd:{stderr_write}", "ssl=null"]
        self._kernel = subprocess.Popen(
            ["/bin/sh", "-c", _LAUNCH, arguments[0], str(self._folder / "kernel"), *arguments[1:], *serial],
            stdin=subprocess.DEVNULL,
            stdout=self._guard.stdin,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=inside,
            env=environment,
        )
        if processor is not None:
            stay_on(self._kernel.pid, processor)
        for descriptor in inside:
            os.close(descriptor)
        code = bytes if self._streams.kind is Kind.TERMINAL else encode
        self._input = Input(self._streams.stdin, stdin_write, code, END)
        self._outputs = [
            Output(stdout_read, self._streams.stdout, lambda: self.order("close out"), self._became_ready),
            Output(stderr_read, self._streams.stderr, lambda: self.order("close err")),
        ]
        for output in self._outputs:
            output.start()

    def _became_ready(self) -> None:
        with self._turn:
            self.is_up = True
            waiting, self._waiting_orders = self._waiting_orders, []
        if self._input is not None:
            self._input.start()
        for order in waiting:
            self.order(order)

    def order(self, order: str) -> None:
        """Has init.sh obey one order, as soon as it can."""
        with self._turn:
            if not self.is_up:
                self._waiting_orders.append(order)
                return
            with contextlib.suppress(OSError):  # the kernel is gone, and the command with it
                os.write(self._orders, order.encode() + b"\n")

    def stop(self, number: signal.Signals) -> None:
        """Passes a signal on to the command; the second one, or GRACE_S without an end, kills the kernel."""
        if self.signalled:
            self.kill()
            return
        self.signalled = number
        self.order(number.name.removeprefix("SIG"))
        timer = threading.Timer(GRACE_S, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """Ends all processes of the kernel at once."""
        self._killed = True
        if self._kernel is not None and self._kernel.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._kernel.pid, signal.SIGKILL)

    def ended(self, within_s: float | None) -> bool:
        """Waits for the kernel's end, so long; None waits for ever."""
        if self._kernel is None:
            return True
        try:
            self._kernel.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.ended(0):
            self.kill()
            self.ended(None)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()
        if self._input is not None:
            self._input.stop()
        for output in self._outputs:
            output.join(GRACE_S if self._killed else None)
        for line in self._lines:
            os.close(line)
