"""Index files: what has been found out about a large recording, kept so that the next question need not read it again.

They lie in `$XDG_CACHE_HOME/vehicle-gateway/` (`~/.cache` without that variable), one a recording, and are of no worth
but speed: an index that cannot be written or does not fit its recording any more is left out. Not more than
KEPT_FILES are kept; the oldest go.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

VERSION: Final = 1
INDEXED_SIZE: Final = 16 << 20
"""Smaller recordings are read faster than their index is worth."""
KEPT_FILES: Final = 16
_COLUMNS: Final = {"times": np.int64, "bus": np.int16, "key": np.int64, "offsets": np.int64, "rows": np.int64}


@dataclass(frozen=True, slots=True)
class Index:
    """Columns of a `RecordTable` in the order of time, with the place of each record in the file.

    `rows`: the record's number in the file's order; `sections`: JSON of (first row, byte order, interfaces).
    """

    times: NDArray[np.int64]
    bus: NDArray[np.int16]
    key: NDArray[np.int64]
    offsets: NDArray[np.int64]
    rows: NDArray[np.int64]
    buses: tuple[str, ...]
    sections: str
    problem: str | None


def read_index(path: Path) -> Index | None:
    """The index of a recording; None when there is none that fits it."""
    place = _place(path)
    if place is None or not place.is_file():
        return None
    try:
        with place.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            about = json.loads(bytes(stored["about"]))
            if about["of"] != _identity(path):
                return None
            columns = {name: stored[name] for name in _COLUMNS}
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile):
        return None  # damaged, or of another version
    if any(len(column) != len(columns["times"]) for column in columns.values()):
        return None
    return Index(**columns, buses=tuple(about["buses"]), sections=about["sections"], problem=about["problem"])


def write_index(path: Path, index: Index) -> None:
    """Keep an index, if its recording is large enough to be worth it."""
    place = _place(path)
    if place is None:
        return
    about = {"of": _identity(path), "buses": index.buses, "sections": index.sections, "problem": index.problem}
    columns = {name: getattr(index, name) for name in _COLUMNS}
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".part", delete=False) as file:
            np.savez(file, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **columns)
        os.replace(file.name, place)
        kept = sorted(place.parent.glob("*.npz"), key=lambda each: each.stat().st_mtime_ns)
        for old in kept[:-KEPT_FILES]:
            old.unlink(missing_ok=True)


def _place(path: Path) -> Path | None:
    """Where the index of a recording is; None for one that is too small, or when there is no such place."""
    try:
        if path.stat().st_size < INDEXED_SIZE:
            return None
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except (OSError, RuntimeError):
        return None
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    return Path(cache) / "vehicle-gateway" / f"{name}.npz"


def _identity(path: Path) -> list[int]:
    found = path.stat()
    return [VERSION, found.st_size, found.st_mtime_ns, found.st_ino]
