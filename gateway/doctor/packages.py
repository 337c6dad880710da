"""Versions of the program and of what it needs, and the extras: which are installed, and how to get the others."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.doctor.finding import Area, Finding, Standing
from gateway.version import __version__

NAME: Final = "vehicle-gateway"
LEAST_PYTHON: Final = (3, 11)
_COLLECTIONS: Final = {"all", "test", "dev"}
"""Extras made of others, or for those who work on this project."""
_REQUIREMENT: Final = re.compile(
    r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*([^;]*)(?:;.*extra\s*==\s*['\"]([^'\"]+)['\"])?"
)
_BOUND: Final = re.compile(r"(>=|<=|==|<|>)\s*([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package and the bounds of its version, like `>=4.6,<5`; empty for any."""

    package: str
    bounds: str


Requirements = Mapping[str, Sequence[Requirement]]
"""By extra; the base is the extra with the empty name."""


def versions() -> Iterator[Finding]:
    """The program, Python, and the packages that the base needs."""
    yield Finding(Area.VERSIONS, NAME, Standing.WORKS, __version__)
    python = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info >= LEAST_PYTHON:
        yield Finding(Area.VERSIONS, "Python", Standing.WORKS, python)
    else:
        yield Finding(Area.VERSIONS, "Python", Standing.BROKEN, python, "install Python 3.11 or newer")
    told: list[str] = []
    wrong: list[str] = []
    for requirement in requirements().get("", ()):
        version, fault = standing_of(requirement)
        (wrong if fault else told).append(fault or f"{requirement.package} {version}")
    if told:
        yield Finding(Area.VERSIONS, "packages", Standing.WORKS, ", ".join(told))
    if wrong:
        yield Finding(Area.VERSIONS, "packages", Standing.BROKEN, "; ".join(wrong), f"pip install --upgrade {NAME}")


def extras() -> Iterator[Finding]:
    """Each extra, and what is missing of it."""
    for extra, needed in requirements().items():
        if not extra or extra in _COLLECTIONS:
            continue
        states = [(requirement, *standing_of(requirement)) for requirement in needed]
        faults = [fault for _, _, fault in states if fault]
        if faults:
            remedy = f"pip install '{NAME}[{extra}]'"
            yield Finding(Area.EXTRAS, extra, Standing.MISSING, "; ".join(faults), remedy)
        else:
            text = ", ".join(f"{requirement.package} {version}" for requirement, version, _ in states)
            yield Finding(Area.EXTRAS, extra, Standing.WORKS, text)


def standing_of(requirement: Requirement) -> tuple[str, str]:
    """The installed version, and what is wrong; one of them is empty."""
    try:
        version = importlib.metadata.version(requirement.package)
    except importlib.metadata.PackageNotFoundError:
        return "", f"no {requirement.package}"
    if not satisfies(version, requirement.bounds):
        return "", f"{requirement.package} {version} instead of {requirement.bounds}"
    return version, ""


def satisfies(version: str, bounds: str) -> bool:
    """Whether a version lies within bounds like `>=4.6,<5`; only the numbers before a letter count."""
    have = _numbers(version)
    for operator, bound in _BOUND.findall(bounds):
        wanted = _numbers(bound)
        length = max(len(have), len(wanted))
        left, right = (numbers + (0,) * (length - len(numbers)) for numbers in (have, wanted))
        within = {
            ">=": left >= right,
            "<=": left <= right,
            "==": left == right,
            "<": left < right,
            ">": left > right,
        }
        if not within[operator]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def requirements() -> Requirements:
    """What this installation says that it needs: by its pyproject.toml in a working tree, else by its metadata."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    if project.is_file():
        return of_project(project.read_text(encoding="utf-8"))
    try:
        lines = importlib.metadata.requires(NAME) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    return of_metadata(lines)


def of_project(text: str) -> Requirements:
    """From the text of a pyproject.toml; nothing when it is another project's."""
    project = tomllib.loads(text).get("project", {})
    if project.get("name") != NAME:
        return {}
    groups = {"": project.get("dependencies", []), **project.get("optional-dependencies", {})}
    return {extra: [read for line in lines if (read := _read(line)[0])] for extra, lines in groups.items()}


def of_metadata(lines: Sequence[str]) -> Requirements:
    """From `Requires-Dist` lines, like `cantools>=41` and `asammdf>=8; extra == 'mf4'`."""
    found: dict[str, list[Requirement]] = {}
    for line in lines:
        requirement, extra = _read(line)
        if requirement is not None:
            found.setdefault(extra, []).append(requirement)
    return found


def _read(line: str) -> tuple[Requirement | None, str]:
    match = _REQUIREMENT.match(line)
    if match is None or match[1] == NAME:
        return None, ""
    return Requirement(match[1], match[2].strip(" ()")), match[3] or ""
