"""The command on the machine's own kernel."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from types import FrameType

from gateway.vcan.availability import tool
from gateway.vcan.errors import CommandTimedOutError
from gateway.vcan.interfaces import present
from gateway.vcan.signals import GRACE_S, handled
from gateway.vcan.streams import Streams


def run(command: Sequence[str], names: Sequence[str], timeout_s: float | None, streams: Streams) -> int:
    """Exit code of the command; interfaces that are not there are created before it and deleted after it."""
    with present(names, tool("ip") or "ip"), _started(command, streams) as process:
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_S)
            raise CommandTimedOutError(f"{command[0]}: stopped after {timeout_s:g} s") from None
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _started(command: Sequence[str], streams: Streams) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=streams.stdin, stdout=streams.stdout, stderr=streams.stderr)

    def forward(number: int, _: FrameType | None) -> None:
        if number != signal.SIGINT or not os.isatty(streams.stdin):  # a terminal has told the command as well
            process.send_signal(number)

    with handled(forward):
        try:
            yield process
        finally:
            process.kill()
            process.wait()
