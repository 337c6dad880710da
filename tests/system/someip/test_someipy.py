"""someipy as a second peer, for events and a call.

It is GPL-3.0 and stays in an environment of its own, build/someipy, which `make peers` makes.
"""

from __future__ import annotations

import json
from pathlib import Path

import can
import pytest


@pytest.fixture
def someipy() -> Path:
    found = Path(__file__).parents[3] / "build" / "someipy" / "bin" / "python"
    if not found.with_name("someipyd").exists():
        pytest.skip("needs someipy: make peers")
    return found


def test_someipy_subscribes_and_calls(bench, someipy: Path) -> None:
    gateway = bench.gateway()
    bus = bench.bus(gateway)
    bus.send(can.Message(arbitration_id=0x100, data=b"\x64\x00", is_extended_id=False))
    socket = str(bench.folder / "someipyd.sock")
    config = bench.folder / "someipyd.json"
    config.write_text(
        json.dumps({"socket_path": socket, "sd_address": "224.224.224.245", "interface": bench.network.peer})
    )
    bench.program([str(someipy.parent / "someipyd"), "--config", str(config)])
    peer = bench.program([str(someipy), str(Path(__file__).parent / "someipy_peer.py"), bench.network.peer, socket])
    peer.expect("event", event=0x8001, payload="01f4")
    peer.expect("answer", code="E_OK", payload="07")
    bus.send(can.Message(arbitration_id=0x300, data=b"\x07", is_extended_id=False))
    peer.expect("event", event=0x8002, payload="07")
