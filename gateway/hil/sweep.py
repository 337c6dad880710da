"""Seeds: which ones a test runs with, and which of them broke it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.hil.errors import HilError

PROPERTY: Final = "vehicle_seed"
"""The name of the seed among a test report's properties, and so in JUnit XML."""
_RANGE: Final = re.compile(r"\s*(\d+)\s*(?:\.\.|-)\s*(\d+)\s*")
_MOST: Final = 100_000
_IN_NAME: Final = re.compile(r"-?\bseed\d+\b-?")


def seeds_of(text: str) -> list[int]:
    """`1..200`, `7` or `1,5,9`. HilError for anything else."""
    found: list[int] = []
    for part in text.split(","):
        span = _RANGE.fullmatch(part)
        if span is not None and int(span[1]) <= int(span[2]) < int(span[1]) + _MOST:
            found += range(int(span[1]), int(span[2]) + 1)
        elif part.strip().isdecimal():
            found.append(int(part))
        else:
            raise HilError(f"{text!r} is no range of seeds: write it like 1..200, or 3,17,20")
    return list(dict.fromkeys(found))


def without_seed(test: str) -> str:
    """The name of a test without the seed that stands in its brackets."""
    head, bracket, rest = test.partition("[")
    if not bracket:
        return test
    inside = _IN_NAME.sub(lambda found: "-" if found[0].startswith("-") and found[0].endswith("-") else "", rest[:-1])
    return f"{head}[{inside}]" if inside else head


class Outcome(NamedTuple):
    """One run of one test."""

    test: str
    seed: int
    passed: bool


def summary(outcomes: Iterable[Outcome]) -> list[str]:
    """For each test that some seeds broke: which ones, and the command for the first."""
    by_test: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_test.setdefault(without_seed(outcome.test), []).append(outcome)
    lines = []
    for test, runs in by_test.items():
        broken = sorted(run.seed for run in runs if not run.passed)
        if broken:
            shown = ", ".join(str(seed) for seed in broken[:20]) + (" ..." if len(broken) > 20 else "")
            lines.append(f"{test}: broken by {len(broken)} of {len(runs)} seeds: {shown}")
            lines.append(f"    repeat with: pytest '{test}' --vehicle-seed {broken[0]}")
    return lines
