"""A fault that is planted in an ECU or a route makes the test of its requirement fail, with a message that names it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_planted_fault_is_found_and_named() -> None:
    """The short form of the campaign: each fault's own test alone."""
    command = [sys.executable, "tests/campaigns/planted_faults.py", "--own"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("38 faults planted, 38 found by their own test and named\n")
