"""Databases that are used again: of a vehicle that is built many times, the parsing is done once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from gateway.database.database import Database
from gateway.database.loader import load

_MOST: Final = 64
_Key = tuple[str, int, int]
_shared: dict[_Key, Database] = {}


def load_shared(path: str | Path) -> Database:
    """As `load`; the same object again while the file is unchanged. Databases are immutable, their codecs made once."""
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return load(path)
    key = (os.fspath(path), stat.st_mtime_ns, stat.st_size)
    found = _shared.get(key)
    if found is None:
        if len(_shared) >= _MOST:
            _shared.clear()
        found = _shared[key] = load(path)
    return found
