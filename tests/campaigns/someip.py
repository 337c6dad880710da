"""Damaged SOME/IP by the million: each codec gives a value or this project's error, quickly and in bounded memory.

    python tests/campaigns/someip.py --inputs 1000000 --seed 1

For messages, streams, TP, the service discovery (as a codec and at work), payloads and Ethernet frames, so many inputs
each: good bytes with some of them changed, cut out, doubled or put elsewhere.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
# This folder has files named like packages (can.py, someip.py) and, being the script's, comes first where Python looks.
sys.path.sort(key=lambda entry: Path(entry or ".").resolve() == Path(__file__).resolve().parent)
sys.path.insert(0, str(ROOT))

from gateway.ethernet import Endpoint, Packet, TcpFlags, TcpHead, Transport, build, parse  # noqa: E402
from gateway.someip import (  # noqa: E402
    Array,
    Basic,
    Cast,
    ConfigurationOption,
    EndpointKind,
    EndpointOption,
    Entry,
    EntryType,
    Instance,
    Message,
    MessageStream,
    MessageType,
    Offer,
    OfferedGroup,
    Reassembler,
    SdMessage,
    SdTiming,
    ServiceDiscovery,
    SomeIpError,
    Struct,
    Text,
    Wanted,
    messages,
    parse_sd,
    segments,
)
from gateway.someip.sd_message import sd_message  # noqa: E402
from gateway.someip.stream import CLIENT_COOKIE  # noqa: E402

SLOWEST_S = 0.1
MEMORY_KB = 64 * 1024
"""What the process may grow by during a campaign of any length."""
OURS, PEER = Endpoint("10.0.0.1", 30490), Endpoint("10.0.0.2", 30490)
GROUP = Endpoint("224.224.224.245", 30490)
UDP = EndpointOption(Endpoint("10.0.0.2", 40000))
OPTIONS = (
    UDP,
    EndpointOption(Endpoint("fd00::1", 1), Transport.TCP),
    EndpointOption(Endpoint("239.1.1.1", 30600), Transport.UDP, EndpointKind.MULTICAST),
    ConfigurationOption((("key", "value"), ("flag", None))),
)
ENTRIES = (
    Entry(EntryType.FIND, 0x1234, 0xFFFF, 0xFF, 3, 0xFFFFFFFF),
    Entry(EntryType.OFFER, 0x2222, 1, 1, 3, 0, options=(UDP,)),
    Entry(EntryType.SUBSCRIBE, 0x1234, 1, 1, 3, eventgroup=1, options=OPTIONS[:1]),
    Entry(EntryType.ACK, 0x2222, 1, 1, 3, eventgroup=1, options=OPTIONS[2:]),
    Entry(EntryType.OFFER, 0x1234, 1, 1, 3, 0, options=OPTIONS),
)
SD = [SdMessage(ENTRIES[:count]).build() for count in range(1, len(ENTRIES) + 1)]
EVENT = Message(0x1234, 0x8001, bytes(range(64)), MessageType.NOTIFICATION, 0, 1)
DATAGRAMS = [EVENT.build(), EVENT.build() * 3, Message(0x1234, 1, b"", client=1, session=2).build()]
PARTS = [part.build() for part in segments(EVENT._replace(payload=bytes(range(256)) * 4), 256)]
LAYOUT = Struct(
    [
        ("number", Basic("uint16")),
        ("text", Text()),
        ("fixed", Text(size=16)),
        ("list", Array(Struct([("a", Basic("float32")), ("b", Text(length_bytes=1))]), length_bytes=2)),
        ("numbers", Array(Basic("int32"))),
    ]
)
PAYLOADS = [
    LAYOUT.encode({"number": 5, "text": "Öl", "fixed": "abc", "list": [{"a": 1.5, "b": "x"}] * 3, "numbers": [1, -2]})
]
FRAMES = [
    build(Packet(OURS, PEER, EVENT.build()), bytes(6), bytes(6)),
    build(Packet(Endpoint("fd00::1", 1), Endpoint("fd00::2", 2), EVENT.build()), bytes(6), bytes(6)),
    build(Packet(OURS, PEER, b"abc", TcpHead(1, 2, TcpFlags.ACK)), bytes(6), bytes(6)),
]
LENGTHS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x07", b"\x7f\xff\xff\xf0", b"\0\0\x10\0")


def damaged(data: bytes, dice: random.Random) -> bytes:
    """The bytes with one to four faults in them."""
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 5)):
        place = dice.randrange(len(changed) + 1)
        kind = dice.randrange(6)
        if kind <= 1 and place < len(changed):
            changed[place] = dice.randrange(256) if kind else changed[place] ^ 1 << dice.randrange(8)
        elif kind == 2:
            del changed[place : place + dice.randrange(1, 9)]
        elif kind == 3:
            changed[place:place] = dice.randbytes(dice.randrange(1, 9))
        elif kind == 4:
            changed[place : place + 4] = dice.choice(LENGTHS)
        else:
            changed[place:place] = changed[place // 2 : place]
    return bytes(changed[:4096])


def take_messages(data: bytes, dice: random.Random) -> None:
    for message in messages(data):
        assert len(message.build()) <= len(data)


class Streams:
    """A stream that goes on for a while, in pieces."""

    def __init__(self) -> None:
        self.stream = MessageStream()

    def __call__(self, data: bytes, dice: random.Random) -> None:
        if dice.random() < 0.05:
            self.stream = MessageStream()
        cut = dice.randrange(len(data) + 1)
        self.stream.feed(data[:cut])
        self.stream.feed(data[cut:] + (CLIENT_COOKIE if dice.random() < 0.2 else b""))


class Segments:
    """Segments of a few peers, in any order."""

    def __init__(self) -> None:
        self.reassembler = Reassembler()
        self.now = 0

    def __call__(self, data: bytes, dice: random.Random) -> None:
        self.now += 1_000_000
        for message in messages(data):
            whole = self.reassembler.feed(message, dice.randrange(30), self.now)
            assert whole is None or len(whole.payload) <= 1 << 20


class Discoveries:
    """A discovery at work: it is heard, woken and asked what it says."""

    def __init__(self) -> None:
        self.now = 0
        timing = SdTiming(initial_delay_ns=(0, 0))
        self.discovery = ServiceDiscovery(OURS, GROUP, timing, random.Random(1))
        place = Endpoint("10.0.0.1", 30501)
        self.discovery.offer(Offer(Instance(0x1234, 1), 1, 0, place, groups={1: OfferedGroup()}), 0)
        self.discovery.search(Wanted(0x2222), 0)

    def __call__(self, data: bytes, dice: random.Random) -> None:
        self.now += 10_000_000
        message = sd_message(data, dice.randrange(0x10000)).build()
        cast = dice.choice((Cast.UNICAST, Cast.MULTICAST))
        source = Endpoint(f"10.0.{dice.randrange(4)}.2", 30490)
        events = [*self.discovery.receive(message, source, self.now, cast), *self.discovery.wake(self.now)]
        assert all(str(event) for event in events)
        for datagram in self.discovery.outgoing():
            assert len(datagram.data) <= 1472


def take_sd(data: bytes, dice: random.Random) -> None:
    found = parse_sd(data)
    assert all(str(entry) for entry in found.entries)


def take_payload(data: bytes, dice: random.Random) -> None:
    LAYOUT.decode(data)


def take_frame(data: bytes, dice: random.Random) -> None:
    parse(data)


Take = Callable[[bytes, random.Random], None]


def codecs() -> dict[str, tuple[list[bytes], Take]]:
    return {
        "messages": (DATAGRAMS, take_messages),
        "streams": (DATAGRAMS, Streams()),
        "TP": (PARTS, Segments()),
        "SD messages": (SD, take_sd),
        "discovery": (SD, Discoveries()),
        "payloads": (PAYLOADS, take_payload),
        "Ethernet frames": (FRAMES, take_frame),
    }


def campaign(seeds: list[bytes], take: Take, inputs: int, dice: random.Random) -> tuple[int, float]:
    """So many damaged inputs; how many were refused, and how long the slowest took in seconds."""
    refused, slowest = 0, 0.0
    for _ in range(inputs):
        data = damaged(dice.choice(seeds), dice)
        began = time.process_time()
        try:
            take(data, dice)
        except SomeIpError:
            refused += 1
        except Exception:
            print(f"not refused but broken: {data.hex()}")
            raise
        slowest = max(slowest, time.process_time() - began)
    return refused, slowest


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--inputs", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    for name, (seeds, take) in codecs().items():
        campaign(seeds, take, min(2000, given.inputs), random.Random(0))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        refused, slowest = campaign(seeds, take, given.inputs, random.Random(given.seed))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"{name}: {given.inputs} inputs, {refused} refused, slowest {slowest * 1000:.1f} ms, memory +{grown} kB")
        assert slowest < SLOWEST_S, f"{name}: an input took {slowest} s"
        assert grown < MEMORY_KB, f"{name}: memory grew by {grown} kB"


if __name__ == "__main__":
    main()
