"""Real buses: from vcan0 to vcan1 through our gateway, and through what a user would write today with python-can.

Where there is no vcan, all of it runs under `gateway vcan`. Frames come from cangen; candump notes them on both
buses with the kernel's time stamps, so that no measuring program stands in the way: latency is the time on vcan1 minus
the time on vcan0 of the frame with the same data. The two ways are taken in turn, several rounds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Figure
from gateway.errors import GatewayError
from gateway.links import LinkAddress
from gateway.sim import Clock
from gateway.vehicle import RunOptions, drive, read_vehicle

ROUNDS = 5
FRAMES_A_ROUND = 1000
GAP_MS = 2
PACED_RATE = 5000
PACED_S = 20
FLOOD = 50_000
_ID = 0x123
_PATIENCE_S = 60.0

_DBC = """VERSION ""
NS_ :
BS_:
BU_: Sender GW
BO_ {id} {name}: 8 {sender}
 SG_ Value : 0|64@1+ (1,0) [0|0] "" Vector__XXX
"""
_VEHICLE = """vehicle: bench
buses:
  a: {{kind: can, bitrate: 1M, database: a.dbc, restbus: false}}
  b: {{kind: can, bitrate: 1M, database: b.dbc, restbus: false}}
gateway:
  routes:
    - {route}
"""
_FRAME_ROUTE = "{from: a.Probe, to: b}"
_SIGNAL_ROUTE = "{from: a.Probe.Value, to: b.Repacked.Value, send: each}"


class Latencies(NamedTuple):
    """One round, in microseconds; `lost`: frames of vcan0 that never came to vcan1."""

    p50: float
    p99: float
    frames: int
    lost: int


# The three ways from vcan0 to vcan1, each a process


def _bridge() -> None:
    import can

    first = can.Bus("vcan0", interface="socketcan")
    second = can.Bus("vcan1", interface="socketcan")
    notifiers = [can.Notifier(first, [can.RedirectReader(second)]), can.Notifier(second, [can.RedirectReader(first)])]
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    while notifiers:
        time.sleep(60)


def _gateway(route: str, report: Path | None = None) -> Callable[[], None]:
    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a.dbc").write_text(_DBC.format(id=_ID, name="Probe", sender="Sender"))
            Path(folder, "b.dbc").write_text(_DBC.format(id=_ID, name="Repacked", sender="GW"))
            file = Path(folder, "vehicle.yaml")
            file.write_text(_VEHICLE.format(route=route))
            links = {"a": LinkAddress("socketcan", "vcan0"), "b": LinkAddress("socketcan", "vcan1")}
            result = drive(read_vehicle(file), RunOptions(clock=Clock.WALL, links=links))
            if report is not None:
                report.write_text(json.dumps(result.as_json()))

    return run


@contextmanager
def _process(work: Callable[[], None]) -> Iterator[int]:
    """A fork: what is imported already need not be imported again, which is slow inside User-Mode Linux."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGINT)
        os.waitpid(pid, 0)


# Measuring


def _raw(interface: str) -> socket.socket:
    raw = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    raw.bind((interface,))
    return raw


def _wait_until_through() -> None:
    """Send until something comes out at the other end."""
    packet = struct.pack("=IBxxx8s", _ID, 8, b"\xff" * 8)
    with _raw("vcan0") as sender, _raw("vcan1") as receiver:
        receiver.settimeout(0.1)
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            sender.send(packet)
            try:
                receiver.recv(16)
            except TimeoutError:
                continue
            time.sleep(0.2)
            return
    raise GatewayError("nothing came from vcan0 to vcan1")


def _send_paced() -> None:
    """PACED_RATE frames a second by the clock, a few together each millisecond: cangen's own sleeps add up inside UML."""
    together = PACED_RATE // 1000
    with _raw("vcan0") as sender:
        begun = time.monotonic()
        for tick in range(1000 * PACED_S):
            time.sleep(max(0.0, begun + tick / 1000 - time.monotonic()))
            for number in range(tick * together, (tick + 1) * together):
                sender.send(struct.pack("=IBxxx8s", _ID, 8, number.to_bytes(8, "little")))


def _observed(generate: Callable[[], object], folder: Path) -> list[str]:
    """What candump saw on both buses while a generator ran."""
    log = folder / "observed.log"
    with log.open("w") as stream:
        candump = subprocess.Popen(["candump", "-L", "-r", "8000000", "vcan0", "vcan1"], stdout=stream)
        time.sleep(0.5)
        generate()
        time.sleep(0.5)
        candump.terminate()
        candump.wait()
    return log.read_text().splitlines()


def _latencies(lines: list[str]) -> Latencies:
    begun: dict[str, float] = {}
    taken: list[float] = []
    for line in lines:
        stamp, bus, frame = line.split()
        data = frame.partition("#")[2]
        if bus == "vcan0":
            begun[data] = float(stamp[1:-1])
        elif data in begun:
            taken.append((float(stamp[1:-1]) - begun[data]) * 1e6)
    taken.sort()
    if not taken:
        raise GatewayError("no frame came from vcan0 to vcan1")
    return Latencies(statistics.median(taken), taken[int(len(taken) * 0.99)], len(begun), len(begun) - len(taken))


def _cangen(frames: int, gap_ms: int) -> None:
    command = ["cangen", "vcan0", "-i", "-g", str(gap_ms), "-I", f"{_ID:X}", "-L", "8", "-D", "i", "-n", str(frames)]
    subprocess.run(command, check=True)


def _round(work: Callable[[], None], folder: Path) -> Latencies:
    with _process(work):
        _wait_until_through()
        return _latencies(_observed(lambda: _cangen(FRAMES_A_ROUND, GAP_MS), folder))


def _paced(folder: Path) -> Latencies:
    with _process(_gateway(_FRAME_ROUTE)):
        _wait_until_through()
        lines = _observed(_send_paced, folder)
    sent = [float(line.split()[0][1:-1]) for line in lines if line.split()[1] == "vcan0"]
    rate = len(sent) / (sent[-1] - sent[0])
    print(f"paced: {rate:.0f} frames/s were sent", file=sys.stderr)
    return _latencies(lines)


def _received(interface: str) -> int:
    return int(Path("/sys/class/net", interface, "statistics/rx_packets").read_text())


def _flooded(folder: Path) -> tuple[int, float]:
    """Frames of a flood that are not accounted for, and the gateway's memory after it in MiB."""
    report = folder / "flood.json"
    before = {bus: _received(bus) for bus in ("vcan0", "vcan1")}
    with _process(_gateway(_FRAME_ROUTE, report)) as pid:
        _wait_until_through()
        probes = _received("vcan1") - before["vcan1"]  # those that the gateway has read already
        before["vcan0"] = _received("vcan0")
        _cangen(FLOOD, 0)
        peak = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    found = json.loads(report.read_text())
    bus, route = found["buses"]["a"], found["routes"][0]
    came = _received("vcan0") - before["vcan0"] + probes
    gone = route["forwarded"] + route["filtered"] + sum(route["dropped"].values()) + bus["link"]["lost"]
    return came - gone, int(peak.split()[1]) / 1024


def measure() -> list[Figure]:
    """All figures; where this machine has no vcan, inside a kernel that has."""
    if not all(Path("/sys/class/net", interface).exists() for interface in ("vcan0", "vcan1")):
        return _measured_inside()
    for tool in ("cangen", "candump"):
        if shutil.which(tool) is None:
            raise GatewayError(f"there is no {tool}: apt-get install can-utils")
    ways = {"bridge": _bridge, "frame": _gateway(_FRAME_ROUTE), "signal": _gateway(_SIGNAL_ROUTE)}
    rounds: dict[str, list[Latencies]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(ROUNDS):
            for way, work in ways.items():
                rounds[way].append(_round(work, folder))
        paced = _paced(folder)
        unaccounted, memory = _flooded(folder)
    p50 = {way: statistics.median(one.p50 for one in taken) for way, taken in rounds.items()}
    figures = [
        Figure(f"links.{way}_latency", p50[way] / p50["bridge"], "times", f"python-can's bridge; p50 {p50[way]:.0f} us")
        for way in ("frame", "signal")
    ]
    at_rate = f"{PACED_RATE}/s asked for, {PACED_S} s"
    return [
        *figures,
        Figure("links.paced_lost", paced.lost, "frames", at_rate),
        Figure("links.paced_spread", paced.p99 / paced.p50, "p99/p50", f"{at_rate}; p50 {paced.p50:.0f} us"),
        Figure("links.flood_unaccounted", unaccounted, "frames", f"of {FLOOD}, as fast as cangen can"),
        Figure("links.flood_memory", memory, "MiB", "peak"),
    ]


def _measured_inside() -> list[Figure]:
    """The same command under `gateway vcan`."""
    command = [sys.executable, "-c", "from gateway.cli import main; main()"]
    done = subprocess.run(
        [*command, "vcan", "--", *command, "bench", "links", "--json"], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise GatewayError("the figures of real buses could not be taken; `gateway vcan -- true` tells more")
    return [Figure(**figure) for figure in json.loads(done.stdout)]


def measure_start() -> list[Figure]:
    """How long `gateway vcan -- true` takes; not meaningful where the machine's own kernel has vcan."""
    taken = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "from gateway.cli import main; main()", "vcan", "--", "true"], check=True)
        taken.append(time.monotonic() - began)
    return [Figure("vcan.start", statistics.median(taken), "s", "gateway vcan -- true")]
