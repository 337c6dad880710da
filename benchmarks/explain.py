"""Asking a recording of a million frames why a signal is stale, or what happened to one frame."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.hil import vehicle_file
from benchmarks.measure import Figure, seconds
from gateway.explain import asked, names_of, open_recording
from gateway.sim import Kernel
from gateway.trace import Event, Recorded, open_reader, open_writer
from gateway.vehicle import Recorder, load
from gateway.vehicle.assembly.lin import bus_info

FRAMES = 1_000_000
DRIVEN_S = 10
NS_PER_S = 1_000_000_000


def million(path: Path) -> None:
    """Ten seconds of the demo vehicle with all that a recording has, again and again, each time later."""
    short = path.with_name("short.pcapng")
    vehicle = load(vehicle_file(), Kernel())
    recorder = Recorder(vehicle, short, seed=0)
    recorder.start()
    vehicle.start()
    vehicle.kernel.run(DRIVEN_S * NS_PER_S)
    recorder.close()
    with open_reader(short) as reader:
        records = list(reader.records())
        comment = reader.comment
    names = list(vehicle.buses)
    infos = [bus_info(bus) for bus in vehicle.buses.values()]
    written, later_ns = 0, 0
    with open_writer(path, infos, comment) as writer:
        while written < FRAMES:
            for record in records:
                if isinstance(record, Recorded):
                    writer.write(record.time_ns + later_ns, names.index(record.bus), record.frame, record.comment)
                    written += 1
                elif isinstance(record, Event):
                    writer.write_event(record.time_ns + later_ns, record.text, record.severity)
            later_ns += DRIVEN_S * NS_PER_S


def ask(path: Path, question: str) -> None:
    """As the command does, its start aside: open, load the vehicle file, answer."""
    recording = open_recording(path)
    asked(recording, names_of(recording.about, load(vehicle_file(), Kernel())), question)


def command(path: Path) -> float:
    """The whole command, its start included: processor time of its process."""
    before = os.times()
    code = "from gateway.cli import main; main()"
    arguments = ["explain", str(path), "--signal", "Vehicle.Speed", "--vehicle", str(vehicle_file())]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def measure() -> list[Figure]:
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            path = Path(folder) / "million.pcapng"
            million(path)
            first = seconds(lambda: ask(path, "signal Vehicle.Speed"))
            signal = seconds(lambda: ask(path, "signal Vehicle.Speed"))
            frame = seconds(lambda: ask(path, "frame body/ClusterInfo@300s"))
            whole = command(path)
        finally:
            del os.environ["XDG_CACHE_HOME"]
            if before is not None:
                os.environ["XDG_CACHE_HOME"] = before
    about = "1,000,000 frames with comments and events, the vehicle file read as well"
    return [
        Figure("explain.first", first, "s", f"{about}, without an index"),
        Figure("explain.signal", signal, "s", about),
        Figure("explain.frame", frame, "s", about),
        Figure(
            "explain.command",
            whole,
            "s",
            "gateway explain --signal as a process, Python's start and databases included",
        ),
    ]
