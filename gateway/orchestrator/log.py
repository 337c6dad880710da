"""What a controller and an agent say of themselves, by BlueChi's levels and targets.

LogTarget: `journald` (its socket, and standard error where there is none), `stderr`, and `stderr-full` with the time and
the program's name. LogLevel: what is below it is not said; it may change while the program runs.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway.orchestrator.control.config import LOG_LEVELS, LOG_TARGETS
from gateway.orchestrator.errors import ConfigError
from gateway.sim import calendar_ns

JOURNAL: Final = Path("/run/systemd/journal/socket")
_PRIORITY: Final = {"DEBUG": 7, "INFO": 6, "WARN": 4, "ERROR": 3}
"""syslog's numbers (RFC 5424, 6.2.1)."""
Write = Callable[[str, str], object]
"""Takes a level and a line."""


class Log:
    """Lines of one program. `level` is asked at each line."""

    def __init__(self, level: Callable[[], str], write: Write) -> None:
        self._level = level
        self._write = write

    def debug(self, text: str) -> None:
        self.say("DEBUG", text)

    def info(self, text: str) -> None:
        self.say("INFO", text)

    def warn(self, text: str) -> None:
        self.say("WARN", text)

    def error(self, text: str) -> None:
        self.say("ERROR", text)

    def say(self, level: str, text: str) -> None:
        """Say a line, unless its level is below what is wished."""
        if LOG_LEVELS.index(level) >= LOG_LEVELS.index(self._level()):
            self._write(level, text)


def log_to(target: str, program: str, *, journal: Path = JOURNAL) -> Write:
    """What writes to a target. ConfigError for one that there is not."""
    if target not in LOG_TARGETS:
        raise ConfigError(f"{target!r} is no log target: there are {', '.join(LOG_TARGETS)}")
    if target == "journald" and journal.is_socket():
        return _to_journal(program, journal)
    return _full(program) if target == "stderr-full" else _plain


def quiet(_level: str, _text: str) -> None:
    """LogIsQuiet=yes."""


def _plain(level: str, text: str) -> None:
    sys.stderr.write(f"{level:<5} {text}\n")
    sys.stderr.flush()


def _full(program: str) -> Write:
    def write(level: str, text: str) -> None:
        now = datetime.fromtimestamp(calendar_ns() / 1e9, UTC)
        sys.stderr.write(f"{now:%Y-%m-%d %H:%M:%S.%f} {program} {level}: {text}\n")
        sys.stderr.flush()

    return write


def _to_journal(program: str, journal: Path) -> Write:
    """journald's own protocol: a datagram of fields; a line that it does not take is lost."""

    def write(level: str, text: str) -> None:
        line = " ".join(text.split())
        fields = {"SYSLOG_IDENTIFIER": program, "PRIORITY": _PRIORITY[level], "MESSAGE": line}
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto("".join(f"{name}={value}\n" for name, value in fields.items()).encode(), str(journal))

    return write
