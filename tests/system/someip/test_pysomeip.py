"""pysomeip as client and as server, in a network namespace of its own: find, subscribe, events, fields, methods, restarts."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import can
from e2e.p05 import e2e_p05_check
from e2e.p07 import e2e_p07_check


def send(bus: can.BusABC, identifier: int, data: bytes) -> None:
    bus.send(can.Message(arbitration_id=identifier, data=data, is_extended_id=False))


def heard(bus: can.BusABC, identifier: int, data: bytes) -> bool:
    """Whether such a frame comes; pysomeip repeats its initial events with each renewal, so others may come before."""
    while (message := bus.recv(60)) is not None:
        if (message.arbitration_id, bytes(message.data)) == (identifier, data):
            return True
    return False


def test_a_client_finds_subscribes_gets_sets_and_calls(bench) -> None:
    gateway = bench.gateway()
    bus = bench.bus(gateway)
    send(bus, 0x100, b"\x64\x00")
    client = bench.peer("client")
    client.expect("offered", service=0x1234, host=bench.network.gateway)
    client.say("subscribe 1")
    client.expect("notification", method=0x8001, payload="01f4")  # the field's value, as soon as it is subscribed
    send(bus, 0x100, b"\x14\x01")
    client.expect("notification", method=0x8001, payload="0064")
    client.say("call 0001 - 30501")
    client.expect("response", method=1, payload="0064", code="E_OK")
    client.say("call 0003 07 30501")
    client.expect("response", method=3, payload="07", code="E_OK")
    assert heard(bus, 0x200, b"\x07\x00\x00")
    send(bus, 0x300, b"\x07")
    client.expect("notification", method=0x8002, payload="07")
    client.say("call 0010 03 30501")
    client.expect("response", method=0x10, code="E_OK")
    assert heard(bus, 0x200, b"\x03\x00\x00")
    for call, code in {
        "0099 - 30501": "E_UNKNOWN_METHOD",
        "0003 - 30501": "E_MALFORMED_MESSAGE",
        "0003 ff 30501": "E_NOT_OK",
        "0003 01 30501 9": "E_WRONG_INTERFACE_VERSION",
    }.items():
        client.say(f"call {call}")
        client.expect("error", code=code)
    gateway.end(signal.SIGTERM)
    client.expect("stopped", service=0x1234)


def test_a_client_is_served_again_after_the_gateway_was_killed(bench) -> None:
    gateway = bench.gateway()
    send(bench.bus(gateway), 0x100, b"\x64\x00")
    client = bench.peer("client")
    client.say("subscribe 1")
    client.expect("notification", method=0x8001, payload="01f4")
    gateway.end(signal.SIGKILL)
    gateway = bench.gateway()
    bus = bench.bus(gateway)
    send(bus, 0x100, b"\x02\x00")
    client.expect("notification", method=0x8001, payload="000a")


def test_a_server_feeds_the_bus_and_is_found_again_after_it_was_killed(bench) -> None:
    gateway = bench.gateway()
    bus = bench.bus(gateway)
    for level in (b"\x09", b"\x05"):
        server = bench.peer("server")
        server.expect("subscribed", host=bench.network.gateway)
        assert heard(bus, 0x200, b"\x01\x00\x00")  # the initial event
        server.say(f"notify 4 {level.hex()}")
        assert heard(bus, 0x200, level + b"\x00\x00")
        server.end(signal.SIGKILL)


def test_tshark_understands_all_that_was_recorded(bench, require_tool: Callable[..., str], tmp_path: Path) -> None:
    tshark = require_tool("tshark", package="tshark")
    trace = tmp_path / "trace.pcapng"
    gateway = bench.gateway("--trace", str(trace))
    bus = bench.bus(gateway)
    send(bus, 0x100, b"\x64\x00")
    server = bench.peer("server")
    server.expect("subscribed")
    server.end()
    client = bench.peer("client")
    client.say("subscribe 1")
    client.expect("notification", method=0x8001)
    client.say("call 0003 07 30501")
    client.expect("response", method=3)
    client.end()
    gateway.end(signal.SIGTERM)
    ports = [f"udp.port=={port},someip" for port in (30490, 30501, 40222)]
    options = [part for port in ports for part in ("-d", port)]
    done = subprocess.run(
        [tshark, "-r", str(trace), *options, "-T", "json", "-e", "_ws.col.Protocol", "-e", "_ws.col.Info"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [packet["_source"]["layers"] for packet in json.loads(done.stdout)]
    texts = [f"{row['_ws.col.Protocol'][0]} {row['_ws.col.Info'][0]}" for row in rows]
    assert not [text for text in texts if "Malformed" in text]
    for wanted in ("[Offer]", "[Find]", "[Subscribe]", "[SubscribeAck]", "SOME/IP "):
        assert any(wanted in text for text in texts), wanted
    assert any(text.startswith("CAN ") for text in texts)


def test_protected_events_reach_the_client_as_the_package_autosar_e2e_has_them(bench) -> None:
    text = bench.vehicle.read_text()
    for event, profile in (
        ("notify: 0x8001", "profile: P05, data_id: 0x1234"),
        ("id: 0x8010", "profile: P07, data_id: 7"),
    ):
        assert event in text
        comma = "," if event.startswith("notify") else "\n         "
        text = text.replace(event, f"{event}{comma} e2e: {{{profile}}}", 1)
    bench.vehicle.write_text(text)
    bus = bench.bus(bench.gateway())
    send(bus, 0x100, b"\x64\x00")
    client = bench.peer("client")
    client.expect("offered", service=0x1234)
    client.say("subscribe 1")
    wire = bytes.fromhex(client.expect("notification", method=0x8001)["wire"])
    assert wire.endswith(b"\x01\xf4")
    assert e2e_p05_check(wire[8:], 0x1234, offset=8)
    # Nobody tells when the subscription is there, and a change is told only to who has subscribed: the pedal never rests.
    moving = [
        can.Message(arbitration_id=0x100, data=bytes([position, 1]), is_extended_id=False) for position in (40, 41)
    ]
    pedals = bus.send_periodic(moving, 0.1)
    client.say("subscribe 2")
    wire = bytes.fromhex(client.expect("notification", method=0x8010)["wire"])
    pedals.stop()
    assert e2e_p07_check(wire[8:], 7, offset=8)
