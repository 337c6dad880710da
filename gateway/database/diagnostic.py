"""What was found wrong in a database file that was loaded all the same."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Severity(Enum):
    """How much of the file is affected.

    ERROR: something that the file says is not in the database now. WARNING: it is there, mended or doubtful. INFO: a
    remark, nothing is changed by it.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Diagnostic(NamedTuple):
    """One fault: the line of the file (from 1; None where the format has none), and what was done about it."""

    line: int | None
    severity: Severity
    text: str

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        return f"{where}{self.severity.value}: {self.text}"


class Findings:
    """Diagnostics while they are being collected."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.refused: set[str] = set()
        """What a fault has been told of and is left out: that others name it is no fault of theirs."""

    def error(self, line: int | None, text: str) -> None:
        """Something is left out."""
        self.diagnostics.append(Diagnostic(line, Severity.ERROR, text))

    def warn(self, line: int | None, text: str) -> None:
        """Something is mended or doubtful."""
        self.diagnostics.append(Diagnostic(line, Severity.WARNING, text))

    def remark(self, line: int | None, text: str) -> None:
        """Something is unusual."""
        self.diagnostics.append(Diagnostic(line, Severity.INFO, text))

    def in_order(self) -> tuple[Diagnostic, ...]:
        """All of them by line, those without one first."""
        return tuple(sorted(self.diagnostics, key=lambda diagnostic: diagnostic.line or 0))
