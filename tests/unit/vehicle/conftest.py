"""A small vehicle project to make mistakes in: what `gateway new` writes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import gateway

TEMPLATE = Path(gateway.__file__).parent / "cli" / "templates" / "new"


class Project:
    """A copy of the project; `edit` replaces a text that must be there once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))

    def append(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(path.read_text() + text)

    def line(self, name: str, fragment: str) -> int:
        """The line that a fragment stands in."""
        lines = [n for n, line in enumerate((self.folder / name).read_text().splitlines(), 1) if fragment in line]
        assert len(lines) == 1, f"{fragment!r} is in {len(lines)} lines of {name}"
        return lines[0]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "car"
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Project(folder)
