"""A simulated segment: exact times, multicast, faults, TCP."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from gateway.ethernet import Connection, Endpoint, EthernetError, Host, Segment
from gateway.sim import FOREVER, Kernel

GROUP = "239.1.1.1"


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def segment(kernel: Kernel) -> Segment:
    return Segment(kernel, random.Random(1))


class Heard:
    """What a port has received, and when."""

    def __init__(self, host: Host, port: int) -> None:
        self.items: list[tuple[int, bytes, Endpoint, Endpoint]] = []
        self.host = host
        self.port = host.open_udp(port, self._receive)

    def _receive(self, payload: bytes, source: Endpoint, target: Endpoint) -> None:
        self.items.append((self.host.kernel.now, payload, source, target))


def test_a_datagram_takes_its_bits_on_both_links_and_the_switch(kernel: Kernel, segment: Segment) -> None:
    one, two = segment.attach("one", "10.0.0.1"), segment.attach("two", "10.0.0.2")
    heard = Heard(two, 1000)
    one.open_udp(2000, lambda *_: None).send(bytes(100), Endpoint("10.0.0.2", 1000))
    kernel.run(FOREVER)
    # 14 + 20 + 8 + 100 bytes and 24 of overhead, 80 ns a byte at 100 Mbit/s, twice, and 5 us in the switch
    assert heard.items == [(2 * 166 * 80 + 5000, bytes(100), Endpoint("10.0.0.1", 2000), Endpoint("10.0.0.2", 1000))]


def test_datagrams_of_one_host_follow_each_other(kernel: Kernel, segment: Segment) -> None:
    one, two = segment.attach("one", "10.0.0.1"), segment.attach("two", "10.0.0.2")
    heard = Heard(two, 1000)
    port = one.open_udp(2000, lambda *_: None)
    for number in range(3):
        port.send(bytes([number]), Endpoint("10.0.0.2", 1000))
    kernel.run(FOREVER)
    assert [payload for _, payload, _, _ in heard.items] == [b"\0", b"\1", b"\2"]
    times = [time for time, *_ in heard.items]
    assert [after - before for before, after in pairwise(times)] == [84 * 80] * 2


def test_a_group_is_heard_by_who_has_joined_it(kernel: Kernel, segment: Segment) -> None:
    hosts = [segment.attach(f"h{number}", f"10.0.0.{number}") for number in (1, 2, 3)]
    heard = [Heard(host, 1000) for host in hosts]
    for each in heard[:2]:
        each.port.join(GROUP)
    heard[0].port.send(b"x", Endpoint(GROUP, 1000))
    kernel.run(FOREVER)
    assert [len(each.items) for each in heard] == [0, 1, 0]
    assert heard[1].items[0][3] == Endpoint(GROUP, 1000)
    heard[1].port.close()
    heard[0].port.send(b"x", Endpoint(GROUP, 1000))
    kernel.run(FOREVER)
    assert segment.counts["delivered"] == 1


def test_a_cut_cable_and_losses_are_counted(kernel: Kernel, segment: Segment) -> None:
    one, two = segment.attach("one", "10.0.0.1"), segment.attach("two", "10.0.0.2")
    heard = Heard(two, 1000)
    port = one.open_udp(2000, lambda *_: None)
    segment.faults.cut.add("two")
    port.send(b"x", Endpoint("10.0.0.2", 1000))
    kernel.run(FOREVER)
    segment.faults.cut.clear()
    segment.faults.loss = 0.5
    for _ in range(100):
        port.send(b"x", Endpoint("10.0.0.2", 1000))
    kernel.run(FOREVER)
    assert segment.counts["lost: cable out"] == 1
    assert len(heard.items) == segment.counts["delivered"] == 100 - segment.counts["lost"]
    assert 30 < len(heard.items) < 70


def test_the_same_seed_loses_the_same_frames() -> None:
    def lost(seed: int) -> list[bytes]:
        kernel = Kernel()
        segment = Segment(kernel, random.Random(seed))
        one, two = segment.attach("one", "10.0.0.1"), segment.attach("two", "10.0.0.2")
        heard = Heard(two, 1000)
        segment.faults.loss, segment.faults.duplication, segment.faults.jitter_ns = 0.2, 0.2, 100_000
        port = one.open_udp(2000, lambda *_: None)
        for number in range(50):
            port.send(bytes([number]), Endpoint("10.0.0.2", 1000))
        kernel.run(FOREVER)
        return [payload for _, payload, _, _ in heard.items]

    assert lost(1) == lost(1) != lost(2)


def test_what_cannot_be_is_told(segment: Segment) -> None:
    one = segment.attach("one", "10.0.0.1")
    port = one.open_udp(1000, lambda *_: None)
    with pytest.raises(EthernetError, match="is open already"):
        one.open_udp(1000, lambda *_: None)
    with pytest.raises(EthernetError, match="10.0.0.1 is the address of one already"):
        segment.attach("two", "10.0.0.1")
    with pytest.raises(EthernetError, match="do not fit into one frame"):
        port.send(bytes(1473), Endpoint("10.0.0.2", 1))
    with pytest.raises(EthernetError, match="is no multicast address"):
        port.join("10.0.0.2")
    assert not port.send(b"x", Endpoint("10.0.0.9", 1))


class Conversation:
    """A server that doubles what it gets, and a client of it."""

    def __init__(self, segment: Segment, reply_close: bool = False) -> None:
        self.log: list[str] = []
        self.got = bytearray()
        server, client = segment.attach("server", "10.0.0.1"), segment.attach("client", "10.0.0.2")
        server.listen(80, self._accept)
        self.client = client.connect(Endpoint("10.0.0.1", 80))
        self.client.on_open = lambda: self.log.append("open")
        self.client.on_data = self.got.extend
        self.client.on_close = lambda: self.log.append("closed")

    def _accept(self, connection: Connection) -> None:
        self.log.append("accepted")
        connection.on_data = lambda data: connection.send(data * 2)
        connection.on_close = lambda: self.log.append("server closed")


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_a_connection_carries_bytes_in_order_whatever_is_lost(kernel: Kernel, segment: Segment, loss: float) -> None:
    segment.faults.loss = loss
    talk = Conversation(segment)
    kernel.run(2_000_000_000)
    assert sorted(talk.log) == ["accepted", "open"]
    data = bytes(range(256)) * 20
    assert talk.client.send(data)
    kernel.run(20_000_000_000)
    assert len(talk.got) == 2 * len(data)
    talk.client.close()
    kernel.run(FOREVER)
    assert "server closed" in talk.log


def test_nobody_at_a_port_ends_the_connection(kernel: Kernel, segment: Segment) -> None:
    segment.attach("server", "10.0.0.1")
    connection = segment.attach("client", "10.0.0.2").connect(Endpoint("10.0.0.1", 80))
    closed: list[int] = []
    connection.on_close = lambda: closed.append(kernel.now)
    kernel.run(FOREVER)
    assert len(closed) == 1
    assert not connection.send(b"x")


def test_a_peer_that_is_gone_ends_the_connection(kernel: Kernel, segment: Segment) -> None:
    talk = Conversation(segment)
    kernel.run(1_000_000_000)
    segment.faults.cut.add("server")
    talk.client.send(b"x")
    kernel.run(FOREVER)
    assert talk.log[-1] == "closed"
