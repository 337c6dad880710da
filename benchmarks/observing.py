"""What observers besides the web page cost a vehicle at 10,000 frames a second: processor time in wall time.

A vehicle that serves its socket and nobody there, against one with a terminal monitor's stream (a screen of messages,
one decoded), with Prometheus that scrapes each second, and with a live capture of all buses. In turn, in processes of
their own; the other ends are in this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import big_vehicle
from benchmarks.measure import Figure
from gateway.links.client import Client
from gateway.ui.feed_rows import Part, Rows, Visible
from gateway.ui.monitor_link import VehicleLink

ROUNDS = 3
WARM_S = 2.5
WINDOW_S = 5
REST_S = 2
SCREEN = Visible(parts=frozenset({Part.BUSES, Part.MESSAGES}), rows=Rows.CHANGED, decoded=frozenset({0}))


def measure() -> list[Figure]:
    """More processor time for each frame with each observer, in per cent of that without."""
    ends: dict[str, Callable[[Path, int], None]] = {
        "alone": lambda _place, _port: None,
        "monitor": lambda place, _port: _look(place),
        "metrics": _scrape,
        "capture": lambda place, _port: _take(place, "capture", b""),
    }
    times: dict[str, list[float]] = {name: [] for name in ends}
    with tempfile.TemporaryDirectory() as name:
        file = big_vehicle.write(Path(name))
        for _ in range(ROUNDS):
            for kind, end in ends.items():
                times[kind].append(_drive(file, Path(name), end))
    base = statistics.median(times["alone"])
    against = f"a vehicle alone takes {base * 1e6:.1f} us of a processor for each frame"
    return [
        Figure(f"observing.{kind}", _paired(times["alone"], times[kind]) * 100, "%", against)
        for kind in ends
        if kind != "alone"
    ]


def _drive(file: Path, folder: Path, end: Callable[[Path, int], None]) -> float:
    """Processor time for each frame of a vehicle in the middle of its drive, in `WINDOW_S`."""
    place, port = folder / "vehicle.sock", _free_port()
    command = [sys.executable, "-m", "gateway", "run", str(file), "--clock", "wall", "--json"]
    command += ["--for", f"{WARM_S + WINDOW_S + REST_S}s", "--metrics", str(port)]
    environment = {**os.environ, "VEHICLE_GATEWAY_SOCKET": str(place)}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        told = [process.stderr.readline(), process.stderr.readline()]
        assert "metrics" in "".join(told), told
        threading.Thread(target=end, args=(place, port), daemon=True).start()
        time.sleep(WARM_S)
        before, frames = _processor_s(process.pid), _frames(port)
        time.sleep(WINDOW_S)
        taken, frames = _processor_s(process.pid) - before, _frames(port) - frames
        problem = process.communicate(timeout=60)[1]
    if process.returncode:
        raise AssertionError(problem)
    return taken / frames


def _paired(alone: list[float], observed: list[float]) -> float:
    """The median of the rounds' ratios, less one."""
    return statistics.median(more / less for less, more in zip(alone, observed, strict=True)) - 1


def _processor_s(pid: int) -> float:
    """User and system time of a process so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _frames(port: int) -> float:
    """Frames on all buses so far, as the vehicle's own metrics tell."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("gateway_bus_frames_total"))


def _take(place: Path, name: str, first: bytes) -> None:
    with contextlib.suppress(OSError), Client(place, name).stream(name) as stream:
        stream.sendall(first)
        while stream.recv(1 << 16):
            pass


def _look(place: Path) -> None:
    """As `gateway monitor` does, without a screen."""
    asyncio.run(VehicleLink(place).watch(SCREEN, lambda _snapshot: None))


def _scrape(_place: Path, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/metrics")
            connection.getresponse().read()
            time.sleep(1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


if __name__ == "__main__":
    for figure in measure():
        print(figure)
