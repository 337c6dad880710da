"""Bytes between the caller's file descriptors and the kernel's serial lines, each way a thread of its own.

A serial line has no end and, in canonical mode, takes a line of 4095 characters at most. So input travels in pieces,
each pushed by ^D (termios(3), VEOF), with ^V (VLNEXT) before every ^D, ^V and newline of the data (a newline too, or
every line would be a read of its own inside); ^D alone is the end.
"""

from __future__ import annotations

import contextlib
import enum
import os
import re
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass

READY = b"ready"
"""The line that the first process writes to the line of standard output when its lines are set up."""

_CHUNK = 1 << 16
_PIECE = 1024
_PUSH = b"\x04"
_SPECIAL = re.compile(rb"[\x04\x16\n]")


class Kind(enum.Enum):
    """How standard output and error travel; the values are words of init.sh."""

    SEPARATE = "separate"
    MERGED = "merged"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Streams:
    """The file descriptors that the command gets as its own."""

    stdin: int = 0
    stdout: int = 1
    stderr: int = 2

    @property
    def kind(self) -> Kind:
        """TERMINAL when a person types and reads; MERGED when output and error go to one place, to keep their order."""
        if os.isatty(self.stdin) and os.isatty(self.stdout):
            return Kind.TERMINAL
        try:
            output, error = os.fstat(self.stdout), os.fstat(self.stderr)
        except OSError:  # one is closed
            return Kind.SEPARATE
        return Kind.MERGED if os.path.samestat(output, error) else Kind.SEPARATE


def fill_closed() -> None:
    """Has /dev/null in the place of standard streams that are closed, so that no pipe comes to stand there."""
    while (lowest := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(lowest, True)
    os.close(lowest)


def encode(data: bytes) -> bytes:
    """The data as the line's canonical mode gives it back unchanged."""
    pieces = (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
    return b"".join(_SPECIAL.sub(b"\x16\\g<0>", piece) + _PUSH for piece in pieces)


END = _PUSH
"""End of input."""


class Output:
    """Copies a line's bytes to a descriptor until the kernel closes the line.

    `ready`, where given, is called when `READY` has come, which is not copied. When the reader outside is gone,
    `unwanted` is called once and what still comes is dropped.
    """

    def __init__(
        self, line: int, target: int, unwanted: Callable[[], None], ready: Callable[[], None] | None = None
    ) -> None:
        self._line, self._target, self._unwanted, self._ready = line, target, unwanted, ready
        self._thread = threading.Thread(target=self._copy, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, within_s: float | None) -> None:
        """Waits until the last byte is with the reader outside, at most so long."""
        self._thread.join(within_s)

    def _copy(self) -> None:
        with os.fdopen(self._line, "rb", buffering=0) as line:
            if self._ready is not None and line.readline().rstrip() == READY:
                self._ready()
            wanted = True
            while data := line.read(_CHUNK):
                if wanted:
                    wanted = self._write(data)

    def _write(self, data: bytes) -> bool:
        try:
            while data:
                data = data[os.write(self._target, data) :]
        except BlockingIOError:
            select.select([], [self._target], [])
            return self._write(data)
        except OSError:
            self._unwanted()
            return False
        return True


class Input:
    """Copies a descriptor's bytes, coded by `code`, to a line until the source ends or `stop` is called."""

    def __init__(self, source: int, line: int, code: Callable[[bytes], bytes], end: bytes) -> None:
        self._source, self._line, self._code, self._end = source, line, code, end
        self._stopped, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._copy, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _copy(self) -> None:
        watched = select.poll()
        watched.register(self._source, select.POLLIN)
        watched.register(self._stopped, select.POLLIN)
        with contextlib.suppress(BrokenPipeError):
            while not any(fd == self._stopped for fd, _ in watched.poll()):
                data = self._read()
                self._send(self._code(data) if data else self._end)
                if not data:
                    return

    def stop(self) -> None:
        """Ends the thread, also one that waits for input; whoever comes next finds that input untouched."""
        os.close(self._stopper)
        if self._thread.ident is not None:
            self._thread.join()
        os.close(self._stopped)

    def _read(self) -> bytes:
        try:
            return os.read(self._source, _CHUNK)
        except OSError:  # closed, or a terminal that is gone: both mean that nothing more comes
            return b""

    def _send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._line, data) :]
