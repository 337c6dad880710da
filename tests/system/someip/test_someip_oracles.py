"""Others read what we write: tshark a whole conversation, scapy ten thousand random messages."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.ethernet import Endpoint, Transport
from gateway.someip import (
    ConfigurationOption,
    EndpointKind,
    EndpointOption,
    Entry,
    EntryType,
    LoadBalancingOption,
    Message,
    MessageType,
    ReturnCode,
    SdMessage,
    Text,
    parse,
    parse_sd,
)
from gateway.trace import Interface, LinkType, PcapngWriter

sys.path.insert(0, str(Path(__file__).parents[2] / "vehicle" / "someip"))

from someip_bench import NAVIGATION, SomeIpBench

LONG = Text().encode("x" * 5000)
PORTS = ("udp.port==30490", "udp.port==30501", "udp.port==40000", "tcp.port==30502")
CHECKED = ("ip.check_checksum:TRUE", "udp.check_checksum:TRUE", "tcp.check_checksum:TRUE", "someip.tp:TRUE")


def conversation() -> list[tuple[int, bytes]]:
    """Everything once: find, offer, subscribe, ack, nack, events, TP, TCP, an error, the end."""
    bench = SomeIpBench()
    bench.subscribed(1)
    bench.peer.subscribe(9)
    bench.pedal(10)
    bench.run(5)
    bench.peer.offer(NAVIGATION, 1)
    bench.run(50)
    bench.peer.notify(Message(0x2222, 0x8001, LONG, MessageType.NOTIFICATION, 0, 1, 1), 1)
    connection = bench.peer.connect()
    bench.run(5)
    request = bench.peer.calls.request(0x1234, 0x0003, b"\x04", 1, 1 << 40, lambda _: None)
    assert request is not None
    connection.send(request.build())
    bench.run(5)
    assert bench.call(0x0077).return_code == ReturnCode.UNKNOWN_METHOD
    bench.vehicle.stop()
    bench.run(10)
    return bench.packets


def test_tshark_understands_a_whole_conversation(require_tool: Callable[..., str], tmp_path: Path) -> None:
    tshark = require_tool("tshark", package="tshark")
    path = tmp_path / "conversation.pcapng"
    with path.open("wb") as stream:
        writer = PcapngWriter(stream, [Interface("ethernet", LinkType.ETHERNET)])
        for time_ns, frame in conversation():
            writer.packet(0, time_ns, frame)
        writer.close()
    options = [part for port in PORTS for part in ("-d", f"{port},someip")]
    options += [part for option in CHECKED[:3] for part in ("-o", option)]
    fields = ("_ws.col.Protocol", "_ws.col.Info", "ip.checksum.status", "udp.checksum.status", "tcp.checksum.status")
    fields += ("someip.payload", "_ws.expert.severity")
    command = [tshark, "-r", str(path), *options, "-T", "json", *(part for field in fields for part in ("-e", field))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [packet["_source"]["layers"] for packet in json.loads(done.stdout)]
    texts = [row["_ws.col.Info"][0] for row in rows]
    assert not [text for text in texts if "Malformed" in text]
    assert not [
        row for row in rows if "0" in [*row.get("udp.checksum.status", []), *row.get("tcp.checksum.status", [])]
    ]
    assert {row["_ws.col.Protocol"][0] for row in rows} == {"SOME/IP", "SOME/IP-SD", "TCP"}
    said = {part for text in texts if "Discovery" in text for part in text.rpartition("Protocol ")[2].split("][")}
    words = {word.strip("[]") for word in said}
    assert words == {"Find", "Offer", "Subscribe", "SubscribeAck", "SubscribeNack", "StopOffer", "StopSubscribe"}
    payloads = [text.replace(":", "") for row in rows for text in row.get("someip.payload", [])]
    assert LONG.hex() in payloads  # the four segments, put together


def random_message(dice: random.Random) -> Message:
    return Message(
        dice.randrange(0xFFFF),
        dice.randrange(0x8000),
        dice.randbytes(dice.randrange(64)),
        dice.choice([MessageType.REQUEST, MessageType.REQUEST_NO_RETURN, MessageType.RESPONSE, MessageType.ERROR]),
        dice.randrange(0x10000),
        dice.randrange(0x10000),
        dice.randrange(0x100),
        dice.choice(list(ReturnCode)[:11]),
    )


def random_sd(dice: random.Random) -> SdMessage:
    options = (
        EndpointOption(
            Endpoint(f"10.0.{dice.randrange(256)}.1", dice.randrange(1, 65536)), dice.choice(list(Transport))
        ),
        EndpointOption(Endpoint(f"fd00::{dice.randrange(1, 0xFFFF):x}", dice.randrange(1, 65536))),
        EndpointOption(Endpoint("239.1.1.1", dice.randrange(1, 65536)), Transport.UDP, EndpointKind.MULTICAST),
        LoadBalancingOption(dice.randrange(0x10000), dice.randrange(0x10000)),
        ConfigurationOption((("key", "value"),)),
    )
    entries = []
    for _ in range(dice.randrange(1, 4)):
        chosen = tuple(dice.sample(options, dice.randrange(3)))
        head = (dice.randrange(0xFFFF), dice.randrange(1, 0xFFFF), dice.randrange(0x100), dice.randrange(1 << 24))
        if dice.random() < 0.5:
            kind = dice.choice([EntryType.FIND, EntryType.OFFER])
            entries.append(Entry(kind, *head, dice.randrange(1 << 32), options=chosen))
        else:
            group = {"eventgroup": dice.randrange(0x10000), "counter": dice.randrange(16)}
            kind = dice.choice([EntryType.SUBSCRIBE, EntryType.ACK])
            entries.append(Entry(kind, *head, **group, options=chosen))
    return SdMessage(tuple(entries), dice.random() < 0.5)


def test_scapy_agrees_on_ten_thousand_messages() -> None:
    someip = pytest.importorskip("scapy.contrib.automotive.someip")
    dice = random.Random(1)
    for _ in range(8_000):
        message = random_message(dice)
        data = message.build()
        theirs = someip.SOMEIP(data)
        assert (theirs.srv_id, theirs.sub_id, theirs.len) == (*message[:2], len(data) - 8)
        assert (theirs.client_id, theirs.session_id, theirs.iface_ver) == message[4:7]
        assert (theirs.msg_type, theirs.retcode) == (message.type, message.return_code)
        assert b"".join(bytes(each) for each in theirs.data) == message.payload
    for _ in range(2_000):
        sd = random_sd(dice)
        data = sd.build()
        theirs = someip.SD(data)
        assert bytes(theirs) == data
        assert theirs.flags >> 7 == sd.reboot
        assert len(theirs.entry_array) == len(sd.entries)
        for entry, other in zip(sd.entries, theirs.entry_array, strict=True):
            assert (other.type, other.srv_id, other.inst_id, other.major_ver, other.ttl) == entry[:5]
            assert other.n_opt_1 == len(entry.options)


def test_we_agree_on_what_scapy_builds() -> None:
    someip = pytest.importorskip("scapy.contrib.automotive.someip")
    packet = pytest.importorskip("scapy.packet")
    dice = random.Random(2)
    for _ in range(300):
        message = random_message(dice)
        fields = {"srv_id": message.service, "sub_id": message.method, "client_id": message.client}
        fields |= {"session_id": message.session, "iface_ver": message.interface_version}
        theirs = someip.SOMEIP(**fields, msg_type=message.type, retcode=message.return_code) / packet.Raw(
            message.payload
        )
        assert parse(bytes(theirs)) == message
    option = someip.SDOption_IP4_EndPoint(addr="10.0.0.1", l4_proto=17, port=30501)
    entry = someip.SDEntry_Service(type=1, srv_id=0x1234, inst_id=1, major_ver=1, ttl=3, minor_ver=0, n_opt_1=1)
    theirs = someip.SD(flags=0x80, entry_array=[entry], option_array=[option])
    found = parse_sd(bytes(theirs))
    assert found.entries == (
        Entry(EntryType.OFFER, 0x1234, 1, 1, 3, 0, options=(EndpointOption(Endpoint("10.0.0.1", 30501)),)),
    )
