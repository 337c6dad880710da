"""python-can's own `socketcand` interface, and one by hand, as clients of a simulated bus."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import can
import pytest

from gateway.can import BRS, EXTENDED, FD, Frame
from gateway.links import LinkError
from gateway.links.addresses import Address
from gateway.links.socketcand_server import SocketcandServer, serve_socketcand

LIMIT_S = 60.0


@pytest.fixture
def server(simulation) -> SocketcandServer:
    return simulation.serve_socketcand()


@pytest.fixture
def open_bus(server: SocketcandServer, cleanup: ExitStack) -> Iterator[Callable[[str], can.BusABC]]:
    def open_(channel: str) -> can.BusABC:
        host, port = server.address
        return cleanup.enter_context(can.Bus(interface="socketcand", channel=channel, host=host, port=port))

    with cleanup:
        yield open_


class ByHand:
    """A client that speaks the protocol by hand."""

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection(address, LIMIT_S)
        self.received = ""

    def __enter__(self) -> ByHand:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, text: str) -> None:
        self.socket.sendall(text.encode())

    def hear(self) -> str:
        """The next element; nothing at the end."""
        while ">" not in self.received:
            piece = self.socket.recv(1024).decode()
            if not piece:
                return ""
            self.received += piece
        element, _, self.received = self.received.partition(">")
        return element + ">"


def test_python_cans_client_receives_and_sends(simulation, open_bus: Callable[[str], can.BusABC]) -> None:
    bus = open_bus("powertrain")
    simulation.ecu_sends("powertrain", Frame(0x123, b"\1\2\3"), Frame(EXTENDED | 0x1ABCDEF0, b""))
    first, second = bus.recv(LIMIT_S), bus.recv(LIMIT_S)
    assert (first.arbitration_id, first.is_extended_id, bytes(first.data)) == (0x123, False, b"\1\2\3")
    assert (second.arbitration_id, second.is_extended_id, bytes(second.data)) == (0x1ABCDEF0, True, b"")
    assert second.timestamp > first.timestamp > 1.7e9
    bus.send(can.Message(arbitration_id=0x1ABCDEF0, data=b"12345678"))
    assert simulation.next_heard() == ("powertrain", Frame(EXTENDED | 0x1ABCDEF0, b"12345678"))


def test_many_of_python_cans_clients_open_a_busy_bus(simulation, open_bus: Callable[[str], can.BusABC]) -> None:
    # Its handshake fails when a frame stands behind the answer to rawmode.
    simulation.call(lambda: simulation.buses["powertrain"].attach("witness"))  # somebody acknowledges
    simulation.call(lambda: simulation.flood("powertrain", 1_000_000))
    for bus in [open_bus("powertrain") for _ in range(10)]:
        first = bus.recv(LIMIT_S)
        second = bus.recv(LIMIT_S)
        assert int.from_bytes(second.data) == int.from_bytes(first.data) + 1


def test_clients_hear_each_other_in_the_order_of_the_bus(simulation, open_bus: Callable[[str], can.BusABC]) -> None:
    sender, receiver = open_bus("chassis"), open_bus("chassis")
    for number in range(500):
        sender.send(can.Message(arbitration_id=0x100, is_extended_id=False, data=number.to_bytes(4)))
    assert [int.from_bytes(receiver.recv(LIMIT_S).data) for _ in range(500)] == list(range(500))


def test_an_unknown_bus_is_refused(server: SocketcandServer) -> None:
    with ByHand(server.address) as client:
        client.say("< open can0 >")
        assert [client.hear() for _ in range(3)] == [
            "< hi >",
            "< error could not open bus can0; there are: powertrain, chassis >",
            "",
        ]


def test_can_fd_goes_both_ways_by_hand(simulation, server: SocketcandServer) -> None:
    with ByHand(server.address) as client:
        client.say("< open chassis >< rawmode >")
        assert [client.hear() for _ in range(3)] == ["< hi >", "< ok >", "< ok >"]
        client.say("< fdsend 123 1 2 AA BB >")
        assert simulation.next_heard() == ("chassis", Frame(FD | BRS | 0x123, b"\xaa\xbb"))
        simulation.ecu_sends("chassis", Frame(FD | BRS | 0x321, bytes(12)))
        words = client.hear().split()
        assert words[:4] == ["<", "fdframe", "321", "01"]
        assert words[5:] == ["00" * 12, ">"]


def test_a_job_of_bcm_mode_is_sent_at_its_interval_in_the_simulations_time(
    simulation, server: SocketcandServer
) -> None:
    with ByHand(server.address) as client:
        client.say("< open powertrain >< add 0 10000 123 1 42 >")
        for _ in range(5):
            assert simulation.next_heard() == ("powertrain", Frame(0x123, b"\x42"))
        client.say("< update 123 1 43 >")
        while simulation.next_heard()[1].data != b"\x43":
            pass
    requested = [entry[4] for entry in simulation.call(lambda: list(simulation.trace))]
    steps = [later - earlier for earlier, later in itertools.pairwise(requested)]
    assert all(step % 10_000_000 == 0 for step in steps)


def test_bcm_mode_passes_what_is_subscribed(simulation, server: SocketcandServer) -> None:
    with ByHand(server.address) as client:
        client.say("< open powertrain >< subscribe 0 0 123 >< echo >")
        assert [client.hear() for _ in range(3)] == ["< hi >", "< ok >", "< echo >"]
        simulation.ecu_sends("powertrain", Frame(0x100, b""), Frame(0x123, b"\1\2"))
        assert client.hear().split()[:3] == ["<", "frame", "123"]


def test_nonsense_is_answered_and_ends(simulation, server: SocketcandServer) -> None:
    with ByHand(server.address) as client:
        client.say("<" + "A" * 5000)
        assert client.hear() == "< hi >"
        assert "more than 1024 characters" in client.hear()
        assert client.hear() == ""
    assert simulation.call(lambda: server.clients.broken) == 1


def test_an_address_in_use_is_told(simulation, server: SocketcandServer) -> None:
    with pytest.raises(LinkError, match=r"socketcand cannot listen at .*: Address already in use"):
        simulation.open(lambda: serve_socketcand(simulation.buses, server.address))
