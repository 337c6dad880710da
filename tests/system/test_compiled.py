"""The hot rooms plain and compiled: the same vehicle, the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILED = ROOT / "build" / "compiled"

pytestmark = pytest.mark.timeout(1800)  # the compiler is busy for a minute where it has a core of its own


@pytest.fixture(scope="module")
def compiled(require_tool) -> Path:
    require_tool(os.environ.get("CC", "cc"), package="gcc libc6-dev")
    done = subprocess.run([sys.executable, ROOT / "compile_hot_rooms.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return COMPILED


def drive(trace: Path, pythonpath: Path) -> bytes:
    environment = {**os.environ, "PYTHONPATH": str(pythonpath)}
    command = [sys.executable, "-m", "gateway", "run", ROOT, "--for", "20s", "--seed", "7", "--trace", trace, "--json"]
    done = subprocess.run(command, cwd=trace.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return trace.read_bytes()


def test_plain_and_compiled_runs_record_the_same_bytes(compiled: Path, tmp_path: Path) -> None:
    plain = drive(tmp_path / "plain.pcapng", ROOT)
    assert len(plain) > 1_000_000
    assert drive(tmp_path / "compiled.pcapng", compiled) == plain


def test_the_compiled_copy_is_really_what_runs(compiled: Path) -> None:
    code = "import gateway.can.bus as bus, gateway.sim.kernel as kernel; print(bus.__file__, kernel.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(compiled)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=compiled, env=environment, capture_output=True, text=True, check=True
    )
    assert all(file.endswith(".so") for file in done.stdout.split())


def test_without_a_compiler_nothing_is_made_and_that_is_said(tmp_path: Path) -> None:
    environment = {**os.environ, "CC": "no-such-compiler"}
    done = subprocess.run(
        [sys.executable, ROOT / "compile_hot_rooms.py", tmp_path / "copy"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "no C compiler" in done.stderr
    assert not shutil.which("no-such-compiler")
    assert not (tmp_path / "copy").exists()
