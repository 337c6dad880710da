"""Why an ECU fell silent: what its behaviour raised, and where."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.errors import GatewayError

_OURS: Final = str(Path(__file__).parents[1]) + os.sep
"""Where the error is not to be looked for: a behaviour that calls us wrongly is at fault itself."""
_ASYNCIO: Final = str(Path(asyncio.__file__).parent) + os.sep
"""Where Ctrl-C becomes an error."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an ECU fell silent: where its behaviour raised what."""

    ecu: str
    time_ns: int
    file: str
    line: int
    error: str

    def __str__(self) -> str:
        return f"{self.ecu} is silent from {self.time_ns / 1e9:.6f} s on: {self.file}:{self.line}: {self.error}"

    @classmethod
    def of(cls, ecu: str, time_ns: int, error: BaseException, method: Callable[..., Any] | None) -> Failure:
        """What `error` says of the behaviour; `method`: whose decorator is being looked at, where that is so."""
        file, line = _place_of(error, method)
        text = str(error) if isinstance(error, GatewayError) else f"{type(error).__name__}: {error}"
        if isinstance(error, KeyboardInterrupt):
            text = "interrupted: it did not return"
        return cls(ecu, time_ns, file, line, text)


def _place_of(error: BaseException, method: Callable[..., Any] | None) -> tuple[str, int]:
    """File and line in the behaviour: of what it called, or of the method whose decorator says what cannot be."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if not frame.filename.startswith((_OURS, _ASYNCIO)):
            return frame.filename, frame.lineno or 0
    code = getattr(method, "__code__", None)
    return (frames[-1].filename, frames[-1].lineno or 0) if code is None else (code.co_filename, code.co_firstlineno)
