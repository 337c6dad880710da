"""Wireshark, which knows nothing of us, reads the names of the buses in our BLF files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from gateway.can.frame import Frame
from gateway.trace import BusInfo, open_writer


def test_tshark_calls_the_interfaces_as_the_buses_are_called(require_tool: Callable[..., str], tmp_path: Path) -> None:
    tshark = require_tool("tshark", package="tshark")
    path = tmp_path / "drive.blf"
    with open_writer(path, [BusInfo("powertrain"), BusInfo("chassis"), BusInfo("body")]) as writer:
        writer.write(1_000, 0, Frame(0x12, b"\1"))
        writer.write(2_000, 2, Frame(0x13, b"\1\2"))
    fields = [tshark, "-r", str(path), "-T", "fields", "-e", "frame.interface_name", "-e", "can.id"]
    done = subprocess.run(fields, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines() == ["powertrain\t18", "body\t19"]
