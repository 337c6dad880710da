"""someipy as a second peer, for events and a call.

It is GPL-3.0 and stays in an environment of its own: VEHICLE_GATEWAY_SOMEIPY names the Python of one that has it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import can
import pytest


@pytest.fixture
def someipy() -> Path:
    found = os.environ.get("VEHICLE_GATEWAY_SOMEIPY")
    if not found:
        pytest.skip("needs someipy: python3 -m venv E; E/bin/pip install someipy; VEHICLE_GATEWAY_SOMEIPY=E/bin/python")
    return Path(found)


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
