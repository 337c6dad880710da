"""SOME/IP over IPv6 on real sockets: pysomeip as client and as server, at addresses of a site and of one link."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import can
import pytest


@pytest.fixture(params=["fd00:9::", "fe80::"], ids=["site", "link"])
def addresses(ipv6: None, bench, request: pytest.FixtureRequest) -> tuple[str, str]:
    """The gateway's and the peer's; one of a link names its interface. The vehicle file is for IPv6."""
    text = bench.vehicle.read_text().replace("239.1.1.1:30600", "[ff12::30]:30600")
    bench.vehicle.write_text(text.replace(f"from: {bench.network.peer}", f'from: "{request.param}2"'))
    at_gateway, at_peer = bench.network.interfaces
    link = request.param == "fe80::"
    return (
        f"{request.param}1%{at_gateway}" if link else f"{request.param}1",
        f"{request.param}2%{at_peer}" if link else f"{request.param}2",
    )


def of_the_peer(address: str, bench) -> str:
    """The gateway's address as the peer writes it."""
    return re.sub(r"%.*", f"%{bench.network.interfaces[1]}", address)


def test_a_client_finds_calls_and_subscribes_and_the_monitor_sees_it(bench, addresses: tuple[str, str]) -> None:
    gateway = bench.gateway("--someip", addresses[0])
    bus = bench.bus(gateway)
    bus.send(can.Message(arbitration_id=0x100, data=b"\x64\x00", is_extended_id=False))
    where = (addresses[1], of_the_peer(addresses[0], bench), bench.network.interfaces[1])
    client = bench.peer("client", *where)
    client.expect("offered", service=0x1234)
    client.say("call 0001 - 30501")
    client.expect("response", method=1, payload="01f4", code="E_OK")
    client.say("subscribe 1")
    client.expect("notification", method=0x8001, payload="01f4")
    bus.send(can.Message(arbitration_id=0x100, data=b"\x14\x01", is_extended_id=False))
    client.expect("notification", method=0x8001, payload="0064")
    command = [sys.executable, "-m", "gateway", "someip", "monitor", "--address", addresses[1], "--for", "2s", "--json"]
    done = subprocess.run([*bench.network.at_peer, *command], capture_output=True, text=True, check=True, timeout=60)
    seen = json.loads(done.stdout)
    assert [each["host"] for each in seen["services"]] == [re.sub("%.*", "", addresses[0])]
    assert seen["network"] == []


def test_a_server_is_found_and_its_events_become_frames(bench, addresses: tuple[str, str]) -> None:
    gateway = bench.gateway("--someip", addresses[0])
    bus = bench.bus(gateway)
    server = bench.peer("server", addresses[1], of_the_peer(addresses[0], bench), bench.network.interfaces[1])
    server.expect("subscribed")
    server.say("notify 4 09")
    while True:
        frame = bus.recv(60)
        assert frame is not None
        if (frame.arbitration_id, bytes(frame.data)) == (0x200, b"\x09\x00\x00"):
            break
