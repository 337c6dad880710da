"""Real buses: from vcan0 to vcan1 through our gateway, and through what a user would write today with python-can.

Where there is no vcan, all of it runs under `gateway vcan`. Frames come from cangen; candump notes them on both
buses with the kernel's time stamps, so that no measuring program stands in the way: latency is the time on vcan1 minus
the time on vcan0 of the frame with the same data. The ways are taken in turn, several rounds; the kernel's own gateway
(cangw) is one of them, for what no program outside the kernel can be better than.

At a paced rate an observer and a sender of our own take the places of candump and cangen: one system call for many frames.
Inside User-Mode Linux one call costs 15 us whatever it does, and candump needs four for a frame on each bus: at 5,000
frames/s more than half of the only processor.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Figure
from gateway.errors import GatewayError
from gateway.links import LinkAddress
from gateway.links.batch import SO_TIMESTAMPNS, Batch
from gateway.links.send_batch import SendBatch
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
_SO_RCVBUFFORCE = 33
_OBSERVED_EVERY_S = 0.005
"""Between two looks at the sockets: the frames have the kernel's times, so it need not hurry."""

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


def _kernel() -> None:
    """The kernel's own gateway: nothing runs but it."""
    ends = ["-s", "vcan0", "-d", "vcan1", "-e"]
    subprocess.run(["cangw", "-A", *ends], check=True)

    def end(*_: object) -> None:
        subprocess.run(["cangw", "-D", *ends], check=True)
        os._exit(0)

    signal.signal(signal.SIGINT, end)
    while True:
        signal.pause()


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
    packets = [
        struct.pack("=IBxxx8s", _ID, 8, number.to_bytes(8, "little")) for number in range(1000 * PACED_S * together)
    ]
    batch = SendBatch(together)
    with _raw("vcan0") as sender:
        begun = time.monotonic()
        for tick in range(1000 * PACED_S):
            ahead = begun + tick / 1000 - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            if batch.send(sender.fileno(), packets[tick * together : (tick + 1) * together]) != together:
                raise GatewayError("vcan0 did not take all frames")


class Passage(NamedTuple):
    """One frame on one of the buses. `time_ns`: the kernel's, by the calendar; `data`: the eight bytes as a number."""

    bus: str
    time_ns: int
    data: int


@contextmanager
def _observer(folder: Path) -> Iterator[Path]:
    """A fork that notes what passes on both buses; the file is complete afterwards."""
    kept = folder / "passages"

    def observe() -> None:
        gc.disable()  # a look through all that is noted would keep the only processor from the others
        ended: list[int] = []
        signal.signal(signal.SIGINT, lambda *_: ended.append(1))
        with _raw("vcan0") as first, _raw("vcan1") as second:
            sockets = {"vcan0": first, "vcan1": second}
            # Plain numbers: inside User-Mode Linux each new page of memory costs as much as a system call.
            noted = {bus: (array("q"), array("Q")) for bus in sockets}
            for each in sockets.values():
                each.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                each.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 16 << 20)
            batch = Batch(128)
            came = 1
            while came or not ended:
                time.sleep(_OBSERVED_EVERY_S)
                came = 0
                for bus, each in sockets.items():
                    times, data = noted[bus]
                    for reading in batch.read(each.fileno()):
                        came += 1
                        times.append(reading.time_ns)
                        data.append(int.from_bytes(reading.packet[8:16], "big"))
        kept.write_bytes(pickle.dumps(noted))

    with _process(observe):
        time.sleep(0.5)
        yield kept
        time.sleep(0.5)


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
    passages = []
    for line in lines:
        stamp, bus, frame = line.split()
        passages.append(Passage(bus, round(float(stamp[1:-1]) * 1e9), int(frame.partition("#")[2], 16)))
    return _between(passages)


def _between(passages: list[Passage]) -> Latencies:
    """From vcan0 to vcan1, of the frames with the same data."""
    begun = {passage.data: passage.time_ns for passage in passages if passage.bus == "vcan0"}
    taken = [
        (passage.time_ns - begun[passage.data]) / 1e3
        for passage in passages
        if passage.bus == "vcan1" and passage.data in begun
    ]
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


def _paced(work: Callable[[], None], folder: Path) -> Latencies:
    with _process(work):
        _wait_until_through()
        with _observer(folder) as kept:
            _send_paced()
    noted = pickle.loads(kept.read_bytes())
    passages = [Passage(bus, *each) for bus, (times, data) in noted.items() for each in zip(times, data, strict=True)]
    sent = [passage.time_ns for passage in passages if passage.bus == "vcan0"]
    rate = len(sent) * 1e9 / (sent[-1] - sent[0])
    found = _between(passages)
    told = f"{rate:.0f} frames/s were sent, {found.lost} lost, p50 {found.p50:.0f} us, p99 {found.p99:.0f} us"
    print(f"paced: {told}", file=sys.stderr)
    return found


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
    for tool in ("cangen", "candump", "cangw"):
        if shutil.which(tool) is None:
            raise GatewayError(f"there is no {tool}: apt-get install can-utils")
    ways = {"bridge": _bridge, "kernel": _kernel, "frame": _gateway(_FRAME_ROUTE), "signal": _gateway(_SIGNAL_ROUTE)}
    rounds: dict[str, list[Latencies]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(ROUNDS):
            for way, work in ways.items():
                rounds[way].append(_round(work, folder))
        paced, bridged = _paced(ways["frame"], folder), _paced(ways["bridge"], folder)
        unaccounted, memory = _flooded(folder)
    p50 = {way: statistics.median(one.p50 for one in taken) for way, taken in rounds.items()}
    figures = [
        Figure(f"links.{way}_latency", p50[way] / p50["bridge"], "times", f"python-can's bridge; p50 {p50[way]:.0f} us")
        for way in ("kernel", "frame", "signal")
    ]
    at_rate = f"{PACED_RATE}/s asked for, {PACED_S} s"
    return [
        *figures,
        Figure("links.paced_lost", paced.lost, "frames", f"{at_rate}; python-can's bridge lost {bridged.lost}"),
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
