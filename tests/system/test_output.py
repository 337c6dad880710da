"""What the command line does when its output cannot be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "words", [("run", ROOT, "--for", "100ms"), ("run", ROOT, "--for", "100ms", "--json"), ("--help",)]
)
def test_a_full_disk_under_the_output_is_a_sentence(words: tuple[object, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "gateway", *map(str, words)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "gateway: the output cannot be written: no space left on device\n"
