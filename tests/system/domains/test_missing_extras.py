"""What an installation without the extras says: which one, and how to get it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
sys.argv = ["gateway", *{words!r}]
from gateway.cli import main
main()
"""


@pytest.mark.parametrize(
    ("hidden", "option", "sentence"),
    [
        ("kuksa", "--sdv", "--sdv) needs kuksa"),
        ("grpc", "--sdv", "vehicle-gateway[sdv]"),
        ("websockets", "--viss", "--viss) needs websockets: pip install 'vehicle-gateway[sdv]'"),
        ("grpc", "--aaos", "--aaos) needs grpc: pip install 'vehicle-gateway[aaos]'"),
    ],
)
def test_a_missing_extra_is_named(hidden: str, option: str, sentence: str) -> None:
    words = ["run", str(ROOT / "vehicle.yaml"), option, "--no-serve", "--for", "1s"]
    code = HIDE.format(hidden={hidden}, words=words)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, sentence in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_without_the_options_nothing_is_needed() -> None:
    words = ["run", str(ROOT / "vehicle.yaml"), "--for", "100ms", "--json"]
    code = HIDE.format(hidden={"kuksa", "grpc", "google", "websockets", "jwt", "cryptography"}, words=words)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
