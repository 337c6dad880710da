"""What it costs a vehicle to be watched: processor time in wall time, at 10,000 frames a second, with a web page and without.

Pairs of runs, in turn, in processes of their own; the page's other end is a client in this one, which shows what a
browser of 1280 by 800 points shows: a table of 16 messages, two of them decoded, four plots, journeys. Then 200 signals
on the screen. The page has a process beside the vehicle's, and its time is told too.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from benchmarks import big_vehicle
from benchmarks.measure import Figure

ROUNDS = 5
WARM_S = 2
WINDOW_S = 6
REST_S = 30
_PARTS = ["buses", "messages", "ecus", "signals", "routes", "journeys"]
PAGE = {"parts": _PARTS, "messages": list(range(16)), "decoded": [0, 1, 2, 3], "paths": [0, 1], "frames_of": None,
        "routes_of": None, "story": None}  # fmt: skip
WALL_OF_SIGNALS = {**PAGE, "messages": [], "decoded": list(range(50)), "paths": []}
"""Fifty messages of four signals each."""


class Taken(NamedTuple):
    """Shares of a processor that the vehicle and its page took, and snapshots a second that came."""

    vehicle: float
    page: float
    updates: float


def measure() -> list[Figure]:
    """More processor time of the vehicle with a page, in per cent of that without: what a page usually shows, and 200
    signals; and what the page's own process takes.

    The median of the rounds' ratios: each has its own run without.
    """
    with tempfile.TemporaryDirectory() as name:
        file = big_vehicle.write(Path(name))
        rounds = [tuple(_drive(file, show) for show in (None, PAGE, WALL_OF_SIGNALS)) for _ in range(ROUNDS)]
    alone = statistics.median(each[0].vehicle for each in rounds)
    against = f"a vehicle alone takes {alone:.0%} of a processor"
    found = []
    for place, name in ((1, "page"), (2, "200_signals")):
        more = statistics.median(each[place].vehicle / each[0].vehicle for each in rounds) - 1
        page = statistics.median(each[place].page for each in rounds)
        updates = statistics.median(each[place].updates for each in rounds)
        told = f"{against}; the page's process takes {page:.1%}, {updates:.0f} updates a second"
        found.append(Figure(f"watching.{name}", more * 100, "%", told))
    return found


def _drive(file: Path, show: dict[str, object] | None) -> Taken:
    """Processor time for `WINDOW_S` of a vehicle's own time, amid its drive, and the snapshots that came meanwhile."""
    command = [sys.executable, "-m", "gateway", "run", str(file), "--clock", "wall", "--no-serve"]
    command += ["--for", f"{WARM_S + WINDOW_S + REST_S}s", *([] if show is None else ["--web", "0"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watching = None if show is None else _Browser(process, show)
        begun_s = _until(process, WARM_S)
        pids = [process.pid, *_children(process.pid)]
        before, updates = list(map(_processor_s, pids)), 0 if watching is None else watching.updates
        ended_s = _until(process, begun_s + WINDOW_S)
        taken = [after - earlier for earlier, after in zip(before, map(_processor_s, pids), strict=True)]
        updates = 0 if watching is None else watching.updates - updates
        process.kill()
    span_s = ended_s - begun_s
    return Taken(taken[0] / span_s, sum(taken[1:]) / span_s, updates / span_s)


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def _until(process: subprocess.Popen[str], seconds: float) -> float:
    """Wait for the vehicle's own clock, which it tells once a second; what it says then."""
    assert process.stdout is not None
    for line in process.stdout:
        told = re.match(r"\s*([0-9.]+) s  [0-9]+ frames", line)
        if told is not None and float(told[1]) >= seconds:
            return float(told[1])
    raise AssertionError("the vehicle has ended too early")


def _processor_s(pid: int) -> float:
    """User and system time of a process so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Browser:
    """The other end of a page: takes what comes, in a thread of its own, until the vehicle ends."""

    def __init__(self, process: subprocess.Popen[str], show: dict[str, object]) -> None:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://(\S+)/", line)
        assert found is not None, line
        self.updates = 0
        self._url = f"ws://{found[1]}/feed"
        self._show = show
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        from websockets.exceptions import ConnectionClosed
        from websockets.sync.client import connect

        with connect(self._url, compression=None, max_size=None) as browser:
            browser.send(json.dumps({"show": self._show}))
            try:
                while True:
                    self.updates += '"time":' in str(browser.recv())[:40]
            except ConnectionClosed:
                pass
