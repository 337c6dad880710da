"""Garbage collection while a vehicle is there: seldom, for what a vehicle makes is freed by counting references.

With Python's own thresholds a tenth of a test's time goes into looking for cycles that are not there.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final

_SELDOM: Final = (500_000, 5, 5)


def collect_seldom() -> Callable[[], None]:
    """Raise the collector's thresholds, and return what sets them as they were. Who has raised them already keeps them."""
    before = gc.get_threshold()
    if before[0] == 0 or before[0] >= _SELDOM[0]:
        return lambda: None
    gc.set_threshold(*_SELDOM)
    return lambda: gc.set_threshold(*before)
