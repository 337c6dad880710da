"""How long a user waits at the start."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Figure

ROUNDS = 7


def measure() -> list[Figure]:
    import_s = _median([sys.executable, "-c", "import gateway"]) - _median([sys.executable, "-c", "pass"])
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "first.log"
        # The first frame of the demo vehicle comes within 10 ms of simulated time.
        command = [sys.executable, "-m", "gateway", "run", "--for", "10ms", "--trace", str(trace), "--json"]
        first_s = _median(command)
        if not trace.read_text():
            raise AssertionError("no frame was recorded")
    return [
        Figure("start.import", max(import_s, 0) * 1000, "ms", "an interpreter that imports nothing"),
        Figure("start.first_frame", first_s, "s", "from the call of `gateway run` to its end after the first frames"),
    ]


def _median(command: list[str]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)
