"""ACF and PDU transport between two linked buses, and as tshark dissects what they send."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ethernet_bench import fields, write_ethernet, write_udp
from free_ports import free_port

from gateway.can import BRS, ESI, EXTENDED, FD, ID_MASK, LENGTHS, REMOTE, BitRates, BusEventKind, Frame
from gateway.links import LinkedBus, LinkError, LinkRates, open_link, parse_address
from gateway.links.acf import ETHERTYPE, UDP_PORT, CanMessage, Form, LinMessage, encode_can, encode_lin, ntscf
from gateway.links.acf_carrier import AcfCarrier
from gateway.links.pdu_transport import PduCarrier, PduMap
from gateway.sim import Clock, Kernel, run

LIMIT_S = 60.0
RATES = BitRates(500_000, 2_000_000)
STREAM = bytes.fromhex("0200000000010001")
SENT = [
    Frame(0x100, b"\x01"),
    Frame(EXTENDED | 0x18DAF110, bytes(range(8))),
    Frame(FD | BRS | 0x200, bytes(range(64))),
    Frame(FD | 0x7FF, bytes(12)),
    Frame(0x300, b""),
]
AS_PDUS = [Frame(frame.header | BRS if frame.header & FD else frame.header, frame.data) for frame in SENT]
"""PDU transport does not say whether the data phase was faster; on this bus it is."""
COMES = {"acf": SENT, "pdu": AS_PDUS}
Require = Callable[..., str]


def some_frames(count: int) -> list[Frame]:
    chance = random.Random(7)
    frames = []
    for number in range(count):
        header = chance.choice((chance.randrange(0x800), EXTENDED | chance.randrange(ID_MASK + 1)))
        if number % 3:
            frames.append(Frame(header, chance.randbytes(chance.randrange(9))))
        else:
            flags = FD | chance.choice((0, BRS, ESI))
            frames.append(Frame(header | flags, chance.randbytes(chance.choice(LENGTHS))))
    return frames


# What tshark says


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("over_udp", [True, False])
def test_tshark_understands_acf(require_tool: Require, tmp_path: Path, form: Form, over_udp: bool) -> None:
    tshark = require_tool("tshark", package="tshark")
    carrier = AcfCarrier(5, STREAM, form, over_udp=over_udp)
    frames = [*some_frames(600), Frame(REMOTE | 0x55, b"")]
    packets = [frames[at : at + 7] for at in range(0, len(frames), 7)]
    datagrams = [carrier.pack([carrier.encode(frame) or b"" for frame in packet]) for packet in packets]
    path = tmp_path / "acf.pcap"
    if over_udp:
        write_udp(path, datagrams, UDP_PORT)
    else:
        write_ethernet(path, datagrams, ETHERTYPE)
    shown = fields(tshark, path, "can.id", "can.len", "acf-can.bus_id", "ntscf.seqnum", "ntscf.stream_id")
    assert len(shown) == len(packets)
    for number, (packet, (identifiers, lengths, buses, sequence, streams)) in enumerate(
        zip(packets, shown, strict=True)
    ):
        assert [int(one, 0) for one in identifiers] == [frame.arbitration_id for frame in packet]
        assert [int(one) for one in lengths] == [len(frame.data) for frame in packet]
        assert {int(one, 0) for one in buses} == {5}
        assert [int(one, 0) for one in sequence] == [number % 256]
        assert int(streams[0], 0) == int.from_bytes(STREAM, "big")


def test_tshark_understands_a_lin_message_beside_a_can_message(require_tool: Require, tmp_path: Path) -> None:
    tshark = require_tool("tshark", package="tshark")
    lin = [encode_lin(LinMessage(3, 0x9C, bytes(length), 5)) for length in range(1, 9)]
    can = encode_can(CanMessage(1, Frame(0x123, b"\1")))
    path = tmp_path / "lin.pcap"
    write_ethernet(path, [ntscf([*lin, can], 0, STREAM)], ETHERTYPE)
    ((types, buses, identifiers),) = fields(tshark, path, "acf.msg_type", "acf-lin.bus_id", "can.id")
    assert [int(one, 0) for one in types] == [3] * 8 + [1]
    assert {int(one, 0) for one in buses} == {3}
    assert [int(one, 0) for one in identifiers] == [0x123]


def test_tshark_understands_pdu_transport(require_tool: Require, tmp_path: Path) -> None:
    tshark = require_tool("tshark", package="tshark")
    carrier = PduCarrier(PduMap())
    frames = some_frames(600)
    packets = [frames[at : at + 9] for at in range(0, len(frames), 9)]
    path = tmp_path / "pdu.pcap"
    write_udp(path, [carrier.pack([carrier.encode(frame) or b"" for frame in packet]) for packet in packets], 20000)
    shown = fields(
        tshark, path, "pdu_transport.id", "pdu_transport.length", decode_as=("udp.port==20000,pdu_transport",)
    )
    for packet, (identifiers, lengths) in zip(packets, shown, strict=True):
        assert [int(one, 0) for one in identifiers] == [frame.header & (EXTENDED | ID_MASK) for frame in packet]
        assert [int(one) for one in lengths] == [len(frame.data) for frame in packet]


# Two linked buses


class End:
    """One linked bus; `heard`: what an ECU on it gets; `events`: what the bus tells."""

    def __init__(self, kernel: Kernel, address: str, *, fd: bool = True) -> None:
        link = open_link(parse_address(address), LinkRates(RATES.nominal, RATES.data if fd else None))
        self.bus = LinkedBus(kernel, "chassis", RATES, link, fd=fd)
        self.ecu = self.bus.attach("ECU")
        self.heard: asyncio.Queue[Frame] = asyncio.Queue()
        self.bus.attach("Other").receive_all(self.heard.put_nowait)
        self.events: asyncio.Queue[BusEventKind] = asyncio.Queue()
        self.bus.event_listeners.append(lambda event: self.events.put_nowait(event.kind))
        self.bus.open()

    async def hears(self, count: int) -> list[Frame]:
        return [await self.heard.get() for _ in range(count)]


def linked(story: Callable[[Kernel], Coroutine[Any, Any, None]]) -> None:
    kernel = Kernel()

    async def drive() -> None:
        async with asyncio.timeout(LIMIT_S):
            await story(kernel)

    run(drive(), kernel, Clock.WALL)


@pytest.mark.parametrize("kind", ["acf", "pdu"])
@pytest.mark.parametrize("more", ["", ",after=2ms"])
def test_frames_go_both_ways_over_udp(kind: str, more: str) -> None:
    here, there = free_port(), free_port()

    async def story(kernel: Kernel) -> None:
        one = End(kernel, f"{kind}:{here},peer=127.0.0.1:{there}{more}")
        other = End(kernel, f"{kind}:{there}")
        try:
            for frame in SENT:
                assert one.ecu.send(frame)
            assert await other.hears(len(SENT)) == COMES[kind]
            assert await one.hears(len(SENT)) == SENT  # its own bus hears them too, once they are sent
            for frame in SENT:
                assert other.ecu.send(frame)  # to who sent last
            assert await one.hears(len(SENT)) == COMES[kind]
            assert one.bus.frames == other.bus.frames == 2 * len(SENT)
        finally:
            one.bus.close()
            other.bus.close()

    linked(story)


@pytest.mark.parametrize("kind", ["acf", "pdu"])
def test_an_urgent_frame_takes_along_those_that_wait(kind: str) -> None:
    port = free_port()

    async def story(kernel: Kernel) -> None:
        one = End(kernel, f"{kind}:0,peer=127.0.0.1:{port},after=1h,urgent=0x300")
        other = End(kernel, f"{kind}:{port}")
        try:
            for frame in SENT:  # 0x300 is the last of them
                assert one.ecu.send(frame)
            assert await other.hears(len(SENT)) == COMES[kind]
        finally:
            one.bus.close()
            other.bus.close()

    linked(story)


def test_frames_go_both_ways_over_tcp_and_again_after_a_peer_was_away() -> None:
    port = free_port()

    async def story(kernel: Kernel) -> None:
        client = End(kernel, f"pdu:0,peer=127.0.0.1:{port},over=tcp")
        try:
            while await client.events.get() is not BusEventKind.LINK_DOWN:
                pass
            for _ in range(2):
                server = End(kernel, f"pdu:{port},over=tcp")
                while await client.events.get() is not BusEventKind.LINK_UP:
                    pass
                for frame in SENT:
                    assert client.ecu.send(frame)
                assert await server.hears(len(SENT)) == AS_PDUS
                assert await client.hears(len(SENT)) == SENT
                assert server.ecu.send(SENT[0])
                assert await client.hears(1) == SENT[:1]
                server.bus.close()
                while await client.events.get() is not BusEventKind.LINK_DOWN:
                    pass
        finally:
            client.bus.close()

    linked(story)


@pytest.mark.parametrize("kind", ["acf", "pdu"])
def test_without_a_peer_a_frame_is_not_sent_and_the_bus_says_so(kind: str) -> None:
    async def story(kernel: Kernel) -> None:
        alone = End(kernel, f"{kind}:0")
        try:
            alone.ecu.send(SENT[0])
            assert await alone.events.get() is BusEventKind.REFUSED
            assert alone.heard.empty()
        finally:
            alone.bus.close()

    linked(story)


@pytest.mark.parametrize("kind", ["acf", "pdu"])
def test_nonsense_is_counted_told_and_survived(kind: str) -> None:
    port = free_port()

    async def story(kernel: Kernel) -> None:
        end = End(kernel, f"{kind}:{port}", fd=False)
        peer = End(kernel, f"{kind}:0,peer=127.0.0.1:{port}")
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(b"nonsense", ("127.0.0.1", port))
            assert await end.events.get() is BusEventKind.ERROR
            peer.ecu.send(Frame(FD | 0x10, bytes(64)))  # a classic bus cannot carry it
            peer.ecu.send(Frame(0x11, b"\1"))
            assert await end.hears(1) == [Frame(0x11, b"\1")]
            assert (end.bus.link.wrong, end.bus.link.unfit) == (1, 1)  # type: ignore[attr-defined]
        finally:
            end.bus.close()
            peer.bus.close()

    linked(story)


def test_an_address_that_is_taken_is_told() -> None:
    port = free_port()

    async def story(kernel: Kernel) -> None:
        one = End(kernel, f"acf:{port}")
        try:
            with pytest.raises(LinkError, match="cannot use .*: Address already in use"):
                End(kernel, f"pdu:{port}")
        finally:
            one.bus.close()

    linked(story)


# Raw Ethernet

SPACE, HERE, THERE = "vgacf", "vgacf0", "vgacf1"


@pytest.fixture
def cable(require_tool: Require) -> Iterator[tuple[str, str]]:
    """Two ends of a cable, both in this network namespace."""
    require_tool("ip", package="iproute2")
    try:
        subprocess.run(
            ["ip", "link", "add", HERE, "type", "veth", "peer", "name", THERE], check=True, capture_output=True
        )
    except subprocess.CalledProcessError as error:
        pytest.skip(f"needs root and veth devices: {error.stderr.decode().strip()} (uid {os.getuid()})")
    try:
        for name in (HERE, THERE):
            subprocess.run(["ip", "link", "set", name, "up"], check=True, capture_output=True)
        yield HERE, THERE
    finally:
        subprocess.run(["ip", "link", "del", HERE], check=False, capture_output=True)


def switch(interface: str, state: str) -> None:
    subprocess.run(["ip", "link", "set", interface, state], check=True)


def test_acf_over_raw_ethernet_and_a_cable_that_is_pulled(cable: tuple[str, str]) -> None:
    here, there = cable

    async def story(kernel: Kernel) -> None:
        one, other = End(kernel, f"acf:{here},bus=3"), End(kernel, f"acf:{there},bus=3,form=brief")
        elsewhere = End(kernel, f"acf:{there},bus=4")
        try:
            for _ in range(2):
                for frame in SENT:
                    assert one.ecu.send(frame)
                assert await other.hears(len(SENT)) == SENT
                assert await one.hears(len(SENT)) == SENT
                assert other.ecu.send(SENT[0])
                assert await one.hears(1) == SENT[:1]
                assert await other.hears(1) == SENT[:1]
                await asyncio.to_thread(switch, here, "down")
                while await one.events.get() is not BusEventKind.LINK_DOWN:
                    pass
                await asyncio.to_thread(switch, here, "up")
                while await one.events.get() is not BusEventKind.LINK_UP:
                    pass
            assert elsewhere.heard.empty()
        finally:
            for end in (one, other, elsewhere):
                end.bus.close()

    linked(story)
