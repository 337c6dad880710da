"""cannelloni over UDP, by hand, and over TCP with PyPI's can-cannelloni."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import can
import pytest

from gateway.can import BRS, EXTENDED, FD, REMOTE, Frame
from gateway.links import LinkError
from gateway.links.addresses import Address
from gateway.links.cannelloni import datagrams, decode
from gateway.links.cannelloni_link import link_cannelloni
from gateway.links.cannelloni_tcp import serve_cannelloni

LIMIT_S = 60.0


class Peer:
    """A cannelloni by hand."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(LIMIT_S)
        self.socket.bind(("127.0.0.1", 0))

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def address(self) -> Address:
        return Address(*self.socket.getsockname())

    def say(self, to: Address, *data: bytes) -> None:
        for each in data:
            self.socket.sendto(each, to)

    def hear(self, count: int) -> tuple[list[Frame], list[int]]:
        """So many frames, and the sequence numbers of the datagrams that they came in."""
        frames: list[Frame] = []
        sequence: list[int] = []
        while len(frames) < count:
            datagram = decode(self.socket.recv(2048))
            frames += datagram.frames
            sequence.append(datagram.sequence)
        return frames, sequence


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as there:
        yield there


def test_frames_go_both_ways_with_sequence_numbers(simulation, peer: Peer) -> None:
    link = simulation.link_cannelloni("chassis", peer.address)
    # version 2, DATA, sequence 9, two frames: 123#DEADBEEF, and 321##1 with 12 bytes
    peer.say(link.address, bytes.fromhex("02 00 09 0002 00000123 04 deadbeef 00000321 8c 01 000102030405060708090a0b"))
    expected = [Frame(0x123, bytes.fromhex("deadbeef")), Frame(FD | BRS | 0x321, bytes(range(12)))]
    assert [simulation.next_heard()[1] for _ in expected] == expected
    sent = [Frame(0x100, b"\1"), Frame(EXTENDED | 0x1ABCDEF0, b""), Frame(REMOTE | 0x7FF, b"")]
    simulation.ecu_sends("chassis", *sent)
    frames, sequence = peer.hear(3)
    assert sorted(frames, key=lambda frame: frame.header) == sorted(sent, key=lambda frame: frame.header)
    simulation.ecu_sends("chassis", Frame(0x55, b""))
    last, following = peer.hear(1)
    assert last == [Frame(0x55, b"")]
    assert sequence + following == list(range(len(sequence) + 1))
    assert simulation.call(lambda: (link.received, link.sent, link.wrong, link.missing)) == (2, 4, 0, 0)


def test_frames_that_end_together_share_datagrams(simulation, peer: Peer) -> None:
    simulation.link_cannelloni("powertrain", peer.address)
    simulation.call(lambda: simulation.flood("powertrain", 2000))
    frames, sequence = peer.hear(2000)
    assert [int.from_bytes(frame.data) for frame in frames] == list(range(2000))
    assert len(sequence) < 1000
    assert sequence == [number % 256 for number in range(len(sequence))]


def test_a_peer_that_is_not_named_is_whoever_speaks_first(simulation, peer: Peer) -> None:
    link = simulation.link_cannelloni("powertrain")
    simulation.ecu_sends("powertrain", Frame(0x1, b""))  # nobody is there yet
    peer.say(link.address, *datagrams([Frame(0x2, b"")], 0))
    assert simulation.next_heard()[1] == Frame(0x2, b"")
    simulation.ecu_sends("powertrain", Frame(0x3, b""))
    assert peer.hear(1)[0] == [Frame(0x3, b"")]


def test_only_a_named_peer_is_heard(simulation, peer: Peer) -> None:
    link = simulation.link_cannelloni("powertrain", peer.address)
    with Peer() as stranger:
        stranger.say(link.address, *datagrams([Frame(0x666, b"")], 0))
    peer.say(link.address, *datagrams([Frame(0x2, b"")], 0))
    assert simulation.next_heard()[1] == Frame(0x2, b"")
    assert link.received == 1


def test_wrong_missing_and_unfit_are_counted(simulation, peer: Peer) -> None:
    link = simulation.link_cannelloni("powertrain")
    good = [next(datagrams([Frame(0x10 + number, b"")], number)) for number in range(6)]
    peer.say(link.address, b"", b"nonsense", good[0][:-1], good[0], good[3], good[2])
    peer.say(link.address, *datagrams([Frame(FD | 0x1, bytes(12)), Frame(0x7, b"")], 4))
    while simulation.next_heard()[1] != Frame(0x7, b""):
        pass
    assert (link.wrong, link.last_wrong) == (3, "a datagram that ends before its last frame")
    assert link.missing == 2  # 1 and 2 when 3 came; 2 came late
    assert link.unfit == 1
    assert link.received == 5


def test_can_cannelloni_is_a_client_over_tcp(simulation, cleanup: ExitStack) -> None:
    server = simulation.serve_cannelloni("powertrain")
    with cleanup:
        host, port = server.address
        bus = cleanup.enter_context(can.Bus(interface="cannelloni", channel=f"{host}:{port}", reconnect=False))
        bus.send(can.Message(arbitration_id=0x123, is_extended_id=False, data=b"\1\2"))
        assert simulation.next_heard() == ("powertrain", Frame(0x123, b"\1\2"))
        simulation.call(lambda: simulation.flood("powertrain", 500))
        assert [int.from_bytes(bus.recv(LIMIT_S).data) for _ in range(500)] == list(range(500))
        simulation.ecu_sends("powertrain", Frame(EXTENDED | 0x1ABCDEF0, b"12345678"))
        last = bus.recv(LIMIT_S)
        assert (last.arbitration_id, last.is_extended_id, bytes(last.data)) == (0x1ABCDEF0, True, b"12345678")


def test_a_tcp_peer_that_does_not_greet_is_left(simulation) -> None:
    server = simulation.serve_cannelloni("powertrain")
    with socket.create_connection(server.address, LIMIT_S) as client:
        client.sendall(b"HELLO")
        received = b""
        while piece := client.recv(100):
            received += piece
    assert received == b"CANNELLONIv1"
    assert simulation.call(lambda: server.clients.broken) == 1


def test_a_peer_on_another_machine_needs_an_address_that_it_can_reach(simulation) -> None:
    peer = Address("192.0.2.77", 20000)  # TEST-NET-1, RFC 5737
    with pytest.raises(LinkError, match=r"from 127\.0\.0\.1:0, which is this machine only: write 0\.0\.0\.0:0,192"):
        simulation.link_cannelloni("powertrain", peer)


def test_addresses_in_use_are_told(simulation, peer: Peer) -> None:
    link = simulation.link_cannelloni("powertrain")
    with pytest.raises(LinkError, match=r"cannelloni cannot use .*: Address already in use"):
        simulation.open(lambda: link_cannelloni(simulation.buses["chassis"], link.address))
    server = simulation.serve_cannelloni("powertrain")
    with pytest.raises(LinkError, match=r"cannelloni cannot listen at .*: Address already in use"):
        simulation.open(lambda: serve_cannelloni(simulation.buses["chassis"], server.address))
