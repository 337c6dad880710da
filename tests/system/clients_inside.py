"""Clients of every kind on one run, whose bus is a vcan: what each of them logs between two frames that all of them see."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import can
from inside_tools import Started, candump, cli, lines, listeners, seen, until

from gateway.links.cannelloni import decode

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "vehicle.yaml")
FIRST, LAST = "7F0#01", "7F1#02"
"""Sent by cansend when all listen, and at the end."""
PORTS = {"socketcand": 29536, "udp": 20000, "tcp": 20001, "peer": 20002}
"""The kernel has been booted for this alone: no port is taken."""
SLOWLY = ("--speed", "0.25")
"""Six processes share one processor."""

Log = Callable[[str], object]


def clients(folder: Path) -> dict[str, Any]:
    """The demo vehicle's powertrain on vcan0, heard by candump and by clients of each server; the trace is the witness."""
    trace, log = folder / "trace.log", folder / "candump.log"
    here = {"VEHICLE_GATEWAY_SOCKET": str(folder / "run.sock")}
    with patch.dict(os.environ, here), candump(log, "vcan0"):
        run = cli(
            *(folder, "clients", "run", DEMO, "--link", "powertrain=vcan0", "--trace", str(trace), "--json"),
            *("--socketcand", str(PORTS["socketcand"]), "--cannelloni", f"powertrain=tcp:{PORTS['tcp']}"),
            *("--cannelloni", f"powertrain={PORTS['udp']},127.0.0.1:{PORTS['peer']}", *SLOWLY),
        )
        until(lambda: listeners("vcan0") == 2 and seen(log, "vcan0") > 20, "the vehicle does not drive")
        with _all_listening(folder) as heard:
            subprocess.run(["cansend", "vcan0", FIRST], check=True)
            until(lambda: all(FIRST in _read(file) for file in heard.values()), "not all hear the first frame")
            before = seen(log, "vcan0")
            until(lambda: seen(log, "vcan0") > before + 200, "the vehicle does not drive on")
            subprocess.run(["cansend", "vcan0", LAST], check=True)
            until(lambda: all(LAST in _read(file) for file in heard.values()), "not all hear the last frame")
            logs = {name: _read(file) for name, file in heard.items()}
        report = run.interrupt()
    logs["candump"] = [frame for _, _, frame in lines(log)]
    logs["trace"] = [frame for _, bus, frame in lines(trace) if bus == "powertrain"]
    return {"logs": logs, "link": report["buses"]["powertrain"]["link"]}


@contextmanager
def _all_listening(folder: Path) -> Iterator[dict[str, Path]]:
    """A process for each kind of client, by name, with what it writes."""
    host = {"host": "127.0.0.1", "port": PORTS["socketcand"]}
    works: dict[str, Callable[[Log], None]] = {
        "plugin": partial(_python_can, interface="gateway", channel="powertrain"),
        "socketcand": partial(_python_can, interface="socketcand", channel="powertrain", **host),
        "cannelloni TCP": partial(_python_can, interface="cannelloni", channel=f"127.0.0.1:{PORTS['tcp']}"),
        "cannelloni UDP": _datagrams,
    }
    running = {name: Started(partial(_logged, work), folder / f"{name}.log") for name, work in works.items()}
    try:
        until(lambda: all(_read(started.output) for started in running.values()), "a client hears nothing")
        yield {name: started.output for name, started in running.items()}
    finally:
        for started in running.values():
            started.kill()


def _logged(work: Callable[[Log], None]) -> None:
    work(lambda line: print(line, flush=True))


def _python_can(log: Log, **options: Any) -> None:
    with can.Bus(**options) as bus:
        for message in bus:
            log(f"{message.arbitration_id:03X}#{message.data.hex().upper()}")


def _datagrams(log: Log) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", PORTS["peer"]))
        while True:
            for frame in decode(udp.recv(2048)).frames:
                log(f"{frame.arbitration_id:03X}#{frame.data.hex().upper()}")


def _read(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []
