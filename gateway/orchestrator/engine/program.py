"""What runs under a service: a runner starts programs, and tells what becomes of them.

A runner is simulated, or starts processes; the engine does not know which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.orchestrator.units import Command, ExecKind, UnitSpec


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended: by itself with `code`, or by `signal`. `core`: it was an abort."""

    code: int = 0
    signal: int | None = None

    @property
    def clean(self) -> bool:
        """As systemd sees it: code 0, or one of the four signals that ask for an end."""
        return self.code == 0 if self.signal is None else self.signal in {1, 2, 13, 15}

    def __str__(self) -> str:
        return f"exit code {self.code}" if self.signal is None else f"signal {self.signal}"


class ProcessEvents(Protocol):
    """What a runner tells about a program. Called from the kernel or the loop, never from within `Runner.start`."""

    def executed(self) -> None:
        """The program was loaded (Type=exec waits for that)."""

    def notified(self, variables: Mapping[str, str]) -> None:
        """It sent a message like READY=1 (Type=notify)."""

    def exited(self, end: Exit) -> None:
        """It is gone, and with it all of its group."""


class Process(Protocol):
    """A running program."""

    @property
    def pid(self) -> int: ...

    def signal(self, number: int, *, everyone: bool) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def usage(self) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class Start:
    """A program to start: for which unit, as which of its commands, with what around it."""

    unit: UnitSpec
    kind: ExecKind
    command: Command
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str | None = None
    attempt: int = 1
    """The how-manieth start of the unit's main program."""
    main_pid: int = 0


class Runner(Protocol):
    """Starts programs."""

    def start(self, start: Start, events: ProcessEvents) -> Process:
        """OrchestratorError when it cannot even be tried; a program that is not there exits with 203, as systemd's."""
