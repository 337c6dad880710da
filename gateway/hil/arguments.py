"""What a test writes, checked at once: durations, and where in the test it stands."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.hil.errors import HilError
from gateway.sim import DurationError, duration_ns

_OURS: Final = str(Path(__file__).parent) + os.sep
_PRODUCT: Final = str(Path(__file__).parents[1]) + os.sep
_standing: Final[list[str]] = []


def duration(text: str, word: str) -> int:
    """Nanoseconds of what stands behind `word`. HilError for what is no duration."""
    if not isinstance(text, str):
        raise HilError(f"{word}={text!r} is not a duration: write a text with a unit, like '200ms' or '1.5s'")
    try:
        return duration_ns(text)
    except DurationError as error:
        raise HilError(f"{word}: {error.sentence}") from None


def period(text: str, word: str) -> int:
    """As `duration`, for what must be above zero."""
    ns = duration(text, word)
    if ns <= 0:
        raise HilError(f"{word} must be above zero")
    return ns


def place() -> str:
    """`file:line` of the test that has called this room, or, in the kernel's time, of what it had put there."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    if _standing and frame.f_code.co_filename.startswith(_PRODUCT):
        return _standing[-1]
    return f"{_shortened(frame.f_code.co_filename)}:{frame.f_lineno}"


@contextmanager
def standing_in(where: str) -> Iterator[None]:
    """What the kernel calls in here was put there by the test at `where`."""
    _standing.append(where)
    try:
        yield
    finally:
        _standing.pop()


def _shortened(file: str) -> str:
    """Relative to the working directory, where the file lies below it."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return file
