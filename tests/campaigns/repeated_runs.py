"""Run the requirement tests again and again, each time in a new process with another hash seed, and compare outcomes and
traces byte for byte: `python tests/campaigns/repeated_runs.py [--runs 20]`."""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
sys.path[:] = [folder for folder in sys.path if folder != str(HERE)]  # a file here must not be taken for a package

import pytest  # noqa: E402

ROOT: Final = HERE.parents[1]


class Digest:
    """A hash over each test's name and outcome, and over each frame of its vehicle."""

    def __init__(self) -> None:
        self.total = hashlib.sha256()
        self.tests = 0
        self.frames = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.total.update(f"{report.nodeid} {report.when} {report.outcome} {report.longreprtext}".encode())
        self.tests += report.when == "call"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        vehicle = item.funcargs.get("vehicle")
        for time_ns, bus, frame, sender, requested_ns, start_ns in (
            vehicle.history.frames if vehicle is not None else ()
        ):
            self.frames += 1
            self.total.update(f"{time_ns} {bus} {frame} {sender.name} {requested_ns} {start_ns}".encode())


def once(vehicle: Path) -> int:
    """In this process: the tests, and their digest as the last line."""
    digest = Digest()
    tests = str(ROOT / "tests" / "vehicle" / "requirements")
    arguments = [f"--rootdir={ROOT}", f"-c={ROOT / 'pyproject.toml'}", f"--vehicle={vehicle}", "--vehicle-artifacts="]
    pytest.main([*arguments, "-q", "-p", "no:cacheprovider", tests], plugins=[digest])
    sys.stdout.write(f"\n{digest.total.hexdigest()} {digest.tests} tests, {digest.frames} frames\n")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--vehicle", type=Path, default=ROOT / "vehicle.yaml")
    options = parser.parse_args()
    if options.once:
        return once(options.vehicle)
    seen: dict[str, int] = {}
    for run in range(options.runs):
        environment = {**os.environ, "PYTHONHASHSEED": str(run)}
        command = [sys.executable, __file__, "--once", "--vehicle", str(options.vehicle)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
        line = done.stdout.strip().rpartition("\n")[2]
        seen[line] = seen.get(line, 0) + 1
        sys.stdout.write(f"run {run + 1}: {line}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{options.runs} runs, {len(seen)} different\n")
    return 0 if len(seen) == 1 and options.runs > 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())
