"""A bus linked through python-can, on the two of its interfaces that need no hardware."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import can
import pytest
from free_ports import free_port

from gateway.can import BRS, FD, BitRates, BusEventKind, Frame
from gateway.links import LinkedBus, LinkError, LinkRates, open_link, parse_address
from gateway.links.python_can import QUEUE
from gateway.sim import Clock, Kernel, run

LIMIT_S = 60.0
RATES = BitRates(500_000, 2_000_000)


@pytest.fixture
def channel() -> str:
    return f"test-{uuid4()}"


def linked(kernel: Kernel, address: str) -> LinkedBus:
    link = open_link(parse_address(address), LinkRates(RATES.nominal, RATES.data))
    return LinkedBus(kernel, "chassis", RATES, link, fd=True)


async def heard(frames: asyncio.Queue[Frame], count: int) -> list[Frame]:
    async with asyncio.timeout(LIMIT_S):
        return [await frames.get() for _ in range(count)]


def answers(address: str, peer: can.BusABC, sent: list[Frame]) -> tuple[list[Frame], list[Frame], LinkedBus]:
    """Send frames, let `peer` answer each with the identifier plus 1; what another ECU here heard of both."""
    kernel = Kernel()

    async def drive() -> tuple[list[Frame], list[Frame], LinkedBus]:
        bus = linked(kernel, address)
        one, other = bus.attach("One"), bus.attach("Other")
        frames: asyncio.Queue[Frame] = asyncio.Queue()
        other.receive_all(frames.put_nowait)
        bus.open()
        try:
            got = []
            for frame in sent:
                one.send(frame)
                message = await asyncio.to_thread(_next, peer, frame.arbitration_id)
                got.append(message)
                message.arbitration_id += 1
                await asyncio.to_thread(peer.send, message)
            return await heard(frames, 2 * len(sent)), got, bus
        finally:
            bus.close()

    return run(drive(), kernel, Clock.WALL)


def _next(peer: can.BusABC, identifier: int) -> can.Message:
    """Its next message of an identifier: on a multicast bus it hears itself as well."""
    while (message := peer.recv(LIMIT_S)) is not None:
        if message.arbitration_id == identifier:
            return message
    raise TimeoutError(f"no message {identifier:X}")


SENT = [Frame(0x100, b"\x01"), Frame(0x200 | FD | BRS, bytes(64)), Frame(0x300, b"")]


def test_on_a_virtual_bus_frames_go_both_ways_and_own_ones_are_heard_once(channel: str) -> None:
    with can.Bus(channel, interface="virtual") as peer:
        frames, got, bus = answers(f"virtual:{channel}", peer, SENT)
    assert set(frames) == {*SENT, *(Frame(frame.header + 1, frame.data) for frame in SENT)}
    assert [bytes(message.data) for message in got] == [frame.data for frame in SENT]
    assert bus.frames == 6
    assert bus.waiting == 0


def test_on_a_multicast_bus_frames_go_both_ways_and_own_ones_are_heard_once() -> None:
    port = free_port()
    with can.Bus("239.74.163.2", interface="udp_multicast", port=port) as peer:
        frames, _, bus = answers(f"udp_multicast:239.74.163.2,port={port}", peer, SENT)
    assert sorted(map(str, frames)) == sorted([*map(str, SENT), *(str(Frame(f.header + 1, f.data)) for f in SENT)])
    assert bus.frames == 6


def test_what_comes_faster_than_it_is_read_is_counted(channel: str) -> None:
    kernel = Kernel()
    flood = 4 * QUEUE

    async def drive(peer: can.BusABC) -> LinkedBus:
        bus = linked(kernel, f"virtual:{channel}")
        all_told = asyncio.Event()
        # What was lost is told before what came, so the last frame that is heard completes the count.
        listener = bus.attach("Listener")
        listener.receive_all(lambda _: all_told.set() if bus.frames + bus.lost_frames + 1 >= flood else None)
        bus.open()
        try:
            for number in range(flood):  # the loop does not run meanwhile, only the reading thread does
                peer.send(can.Message(arbitration_id=number & 0x7FF, is_extended_id=False))
            async with asyncio.timeout(LIMIT_S):
                await all_told.wait()
            return bus
        finally:
            bus.close()

    with can.Bus(channel, interface="virtual") as peer:
        bus = run(drive(peer), kernel, Clock.WALL)
    assert bus.frames + bus.lost_frames == flood
    assert bus.lost_frames > 0
    assert bus.event_counts[BusEventKind.LINK_LOST] >= 1


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nosuch:0", "there is no interface 'nosuch'"),
        ("pcan:PCAN_USBBUS1@125k", "link pcan:PCAN_USBBUS1 cannot be opened"),
        ("kvaser:0", "link kvaser:0 cannot be opened"),
        ("socketcand:x", "link socketcand:x cannot be opened"),
    ],
)
def test_what_python_can_cannot_open_is_told_in_a_sentence(address: str, sentence: str) -> None:
    kernel = Kernel()

    async def drive() -> None:
        linked(kernel, address).open()

    with pytest.raises(LinkError) as caught:
        run(drive(), kernel, Clock.WALL)
    assert sentence in caught.value.sentence
