"""Frames that leave a socket together: with one system call, in order, each accounted for.

Pairs of datagram sockets stand for the kernel's CAN sockets; they take a few packets until somebody reads.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator

import pytest

from gateway.can import Frame
from gateway.links import LinkRates, parse_address, socketcan
from gateway.links.departures import Departures
from gateway.links.send_batch import SendBatch
from gateway.links.socketcan import TOGETHER, SocketCanLink
from gateway.links.socketcan_frames import from_socket, to_socket
from gateway.sim import Clock, Kernel, run

LIMIT_S = 60.0
NOBODY = ("connection refused", "transport endpoint is not connected")
FRAMES = [Frame(0x100 + number, bytes([number] * (number % 9))) for number in range(60)]


def narrow_pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the kernel makes it its smallest
    return ours, theirs


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = narrow_pair()
    with ours, theirs:
        yield ours, theirs


def test_packets_of_both_lengths_arrive_as_they_were(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    batch = SendBatch(4)
    for packets in ([b"a" * 16, b"b" * 72, b"c" * 16], [b"d" * 72, b"e" * 16], [b"f" * 16]):
        assert batch.send(ours.fileno(), packets) == len(packets)
        assert [theirs.recv(100) for _ in packets] == packets


def test_what_the_kernel_has_no_room_for_is_told(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    batch = SendBatch(64)
    packets = [bytes([number]) * 16 for number in range(64)]
    taken = batch.send(ours.fileno(), packets)
    assert 0 < taken < 64
    with pytest.raises(OSError, match="unavailable") as full:
        batch.send(ours.fileno(), packets[taken:])
    assert full.value.errno == errno.EAGAIN
    assert [theirs.recv(100) for _ in range(taken)] == packets[:taken]


class Answering:
    """A socket with things to send, that answers what it hears by letting another one send."""

    def __init__(self, departures: Departures, done: list[str], name: str) -> None:
        self.departures, self.done, self.name = departures, done, name
        self.other: Answering | None = None

    def depart(self) -> None:
        self.done.append(f"{self.name} departs")

    def hear(self) -> None:
        with self.departures.reading():
            self.done.append(f"{self.name} hears")
            if self.other is not None:
                self.departures.add(self.other)


def test_two_sockets_that_answer_each_other_do_not_keep_the_loop_from_everything_else() -> None:
    departures, done = Departures(), list[str]()
    one, other = Answering(departures, done, "one"), Answering(departures, done, "other")
    one.other, other.other = other, one
    with departures.reading():
        departures.add(one)
        departures.add(one)
        assert departures.wait and not done
    assert done == ["one departs", "one hears", "other departs"]
    assert not departures.wait


def test_a_read_that_fails_lets_depart_what_it_had_led_to() -> None:
    departures, done = Departures(), list[str]()

    def read() -> None:
        with departures.reading():
            departures.add(Answering(departures, done, "one"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read()
    assert done == ["one departs"] and not departures.wait


class Forwarding:
    """The user of a link: what comes from outside goes out on another link; what that refuses waits."""

    def __init__(self) -> None:
        self.out: SocketCanLink | None = None
        self.waiting: list[Frame] = []
        self.gone: asyncio.Queue[tuple[Frame, str]] = asyncio.Queue()
        self.one_waits = asyncio.Event()

    def received(self, frame: Frame, _time_ns: int) -> None:
        if self.out is not None and (self.waiting or not self.out.send(frame)):
            self.waiting.append(frame)
            self.one_waits.set()

    def rejected(self, frame: Frame, reason: str) -> None:
        self.gone.put_nowait((frame, reason))

    def ready(self) -> None:
        assert self.out is not None
        while self.waiting and self.out.send(self.waiting[0]):
            del self.waiting[0]


class Forwarded:
    """From `here` through two links to `there`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, first = narrow_pair()
        second, self.there = narrow_pair()
        sockets = {"first": first, "second": second}
        for each in (self.here, *sockets.values(), self.there):
            each.setblocking(False)
        monkeypatch.setattr(socketcan, "open_socket", lambda name, *_: sockets[name])
        monkeypatch.setattr(socketcan, "filter_frames", lambda *_: None)
        self.user = Forwarding()
        self.links = [SocketCanLink(parse_address(name), LinkRates(500_000, None)) for name in sockets]

    def __enter__(self) -> Forwarded:
        self.user.out = self.links[1]
        for link in self.links:
            link.open(self.user)  # type: ignore[arg-type]  # only what these tests need of a bus
        return self

    def __exit__(self, *_: object) -> None:
        for each in (*self.links, self.here, self.there):
            each.close()


async def until_sent(here: socket.socket, frames: list[Frame]) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT_S):
        for frame in frames:
            await loop.sock_sendall(here, to_socket(frame))


def test_all_frames_come_out_in_order_though_the_far_side_reads_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the way holds: some wait in the second link, some here, and go when there is room again."""

    async def drive() -> list[Frame | None]:
        with Forwarded(monkeypatch) as way:
            await until_sent(way.here, FRAMES)
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(LIMIT_S):
                await way.user.one_waits.wait()
                return [from_socket(await loop.sock_recv(way.there, 100)) for _ in FRAMES]

    assert run(drive(), Kernel(), Clock.WALL) == FRAMES


def test_frames_that_cannot_be_sent_are_told_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = FRAMES[: TOGETHER + 2]

    async def drive() -> list[tuple[Frame, str]]:
        with Forwarded(monkeypatch) as way:
            way.there.close()
            await until_sent(way.here, frames)
            async with asyncio.timeout(LIMIT_S):
                return [await way.user.gone.get() for _ in frames]

    told = run(drive(), Kernel(), Clock.WALL)
    assert [frame for frame, _ in told] == frames
    assert {reason for _, reason in told} <= {f"second: {why}" for why in NOBODY}
