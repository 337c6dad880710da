"""The requirement tests again and again, each time in a process with another hash seed: `hil_repeats.py --runs 20`.

Each run must have the same outcomes and the same traces: all frames of all buses, with times, senders and waiting times,
and what the buses told besides.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TESTS: Final = "tests/vehicle/requirements"
PLUGIN: Final = """
import hashlib
import os
import pytest

found = open(os.environ["HIL_TRACES"], "w")

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item):
    history = item.funcargs["vehicle"].history
    digest = hashlib.sha256()
    for time_ns, bus, frame, sender, requested_ns, start_ns in history.frames:
        digest.update(f"{time_ns} {bus} {frame} {sender.name} {requested_ns} {start_ns}\\\\n".encode())
    for bus, event in history.events(0, 1 << 62):
        digest.update(f"{bus} {event.time_ns} {event.kind} {event.controller} {event.text}\\\\n".encode())
    found.write(f"{item.nodeid} {len(history.frames)} {digest.hexdigest()}\\\\n")

def pytest_runtest_logreport(report):
    if report.when == "call":
        found.write(f"{report.nodeid} {report.outcome}\\\\n")

def pytest_unconfigure():
    found.close()
""".replace("\\\\n", "\\n")


def run(number: int, folder: Path) -> str:
    """Outcomes and digests of one run, as text."""
    (folder / "hil_traces.py").write_text(PLUGIN)
    traces = folder / "traces.txt"
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(number),
        "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
        "HIL_TRACES": str(traces),
    }
    arguments = [TESTS, "-q", "-p", "hil_traces", "-p", "no:cacheprovider", "--vehicle-artifacts="]
    subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False
    )
    return traces.read_text()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        found = [run(number, Path(name)) for number in range(runs)]
    frames = sum(int(words[1]) for words in map(str.split, found[0].splitlines()) if len(words) == 3)
    tests = sum(line.endswith(" passed") for line in found[0].splitlines())
    others = [number for number, text in enumerate(found) if text != found[0]]
    sys.stdout.write(f"{runs} runs of {tests} tests that pass, {frames} frames each: ")
    sys.stdout.write("all the same\n" if not others else f"runs {others} differ from run 0\n")
    return 1 if others or not tests else 0


if __name__ == "__main__":
    raise SystemExit(main())
