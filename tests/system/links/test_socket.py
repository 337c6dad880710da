"""The socket for CAN tools: where it lies, who may use it, and clients that behave badly."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import can
import pytest

from gateway.can import Frame
from gateway.cli import main
from gateway.links import LinkError, place_for, serve
from gateway.links.places import find, folders, listen, remove, running
from gateway.links.record_stream import RecordStream
from gateway.links.records import Carried, Failure, Hello, Lost, Open, Opened, Record, Welcome
from gateway.links.wire import HEAD, decode, encode, record_length
from gateway.sim import Clock, Kernel, run

LIMIT_S = 60.0


class RawClient:
    """Speaks the protocol by hand."""

    def __init__(self, place: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(LIMIT_S)
        self.socket.connect(str(place))

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, *records: Record) -> None:
        self.socket.sendall(b"".join(map(encode, records)))

    def hear(self) -> Record | None:
        """The next record; None at the end."""
        head = self._exactly(HEAD)
        return decode(self._exactly(record_length(head))) if head else None

    def join(self, bus: str) -> None:
        self.say(Hello(1, "raw"), Open(bus, False))
        assert isinstance(self.hear(), Welcome)
        assert isinstance(self.hear(), Opened)
        self.hear()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                return b""
            data += piece
        return data


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of the test's own."""
    monkeypatch.delenv("VEHICLE_GATEWAY_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@contextlib.contextmanager
def listening(place: Path) -> Iterator[None]:
    server, inode = listen(place)
    try:
        yield
    finally:
        server.close()
        remove(place, inode)


# Where it lies


def test_sockets_lie_in_the_users_runtime_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = f"/run/user/{os.getuid()}"
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    own = Path(f"/tmp/vehicle-gateway-{os.getuid()}")
    assert folders() == [Path(runtime, "vehicle-gateway"), own]
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert folders() == [own]


def test_with_a_runtime_folder_of_ones_own_only_the_simulations_there_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/somewhere")
    assert folders() == [Path("/somewhere/vehicle-gateway")]


def test_a_socket_is_its_users_alone(home: Path) -> None:
    place = place_for("demo ev/2")
    assert place == home / "vehicle-gateway" / "demo-ev-2.sock"
    with listening(place):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert not place.exists()


def test_a_second_run_of_a_vehicle_gets_a_name_of_its_own_and_clients_are_asked_which(home: Path) -> None:
    first = place_for("demo")
    with listening(first):
        second = place_for("demo")
        assert second.name == "demo-2.sock"
        assert find() == first
        with listening(second):
            assert sorted(running()) == sorted([first, second])
            with pytest.raises(LinkError, match=f"several simulations are running: {second}, {first}; choose"):
                find()
            assert find(second) == second


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (["trace", "--attach", "--pipe", "-"], "--socket PATH"),
        (["explain", "--signal", "Vehicle.Speed"], "`gateway explain PATH`"),
    ],
)
def test_each_command_tells_how_it_is_told_which_of_several(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    hint: str,
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setattr("sys.argv", ["gateway", *command])
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(listening(place_for("demo")))
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 2
    assert f"; choose with {hint} or VEHICLE_GATEWAY_SOCKET=PATH" in capsys.readouterr().err


def test_without_a_simulation_the_user_is_told_what_to_type(home: Path) -> None:
    with pytest.raises(can.CanInitializationError, match=r"no simulation is running .*: start one with `gateway run"):
        can.Bus(interface="gateway", channel="powertrain")
    with pytest.raises(can.CanInitializationError, match="no simulation listens at /nowhere"):
        can.Bus(interface="gateway", channel="powertrain", socket="/nowhere")
    assert list(can.detect_available_configs("gateway")) == []


def test_the_environment_names_the_socket_for_both_sides(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = home / "mine"
    monkeypatch.setenv("VEHICLE_GATEWAY_SOCKET", str(named))
    assert place_for("demo") == named
    with listening(named):
        assert find() == named
        assert running() == [named]


def test_a_live_socket_is_not_taken_and_one_left_over_is_replaced(home: Path) -> None:
    place = place_for("demo")
    crashed = socket.socket(socket.AF_UNIX)
    crashed.bind(str(place))
    crashed.listen()
    with pytest.raises(LinkError, match=r"a simulation listens at .* already; stop it"):
        listen(place)
    crashed.close()  # the path stays, as after a crash
    assert place.exists()
    with listening(place):
        assert find() == place


def test_a_file_that_is_no_socket_is_left_alone(home: Path) -> None:
    place = home / "precious.txt"
    place.write_text("data")
    with pytest.raises(LinkError, match="is a file and no socket"):
        listen(place)
    assert place.read_text() == "data"


def test_a_path_that_is_too_long_is_told(home: Path) -> None:
    with pytest.raises(LinkError, match="at most 107 bytes"):
        listen(home / ("x" * 120))


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_folder_that_others_may_use_is_refused(home: Path, mode: int) -> None:
    (home / "vehicle-gateway").mkdir()
    (home / "vehicle-gateway").chmod(mode)
    with pytest.raises(LinkError, match="must be a folder of this user alone"):
        place_for("demo")


def test_virtual_time_has_no_socket(home: Path) -> None:
    async def main() -> None:
        async with serve("demo", {}, home / "demo.sock"):
            raise AssertionError("served")

    with pytest.raises(LinkError, match=r"cannot follow virtual time.*use --clock wall"):
        run(main(), Kernel(), Clock.VIRTUAL)


# Clients that behave badly


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "this is not the protocol"),
        (encode(Hello(1, "x")) + b"\0\1\x99", "no kind of record 0x99"),
        (encode(Hello(1, "x"))[:-1], "the connection ended in the middle of a record"),
        (encode(Hello(7, "x")), "version 1"),
    ],
)
def test_garbage_is_answered_with_a_reason_and_the_end(simulation, said: bytes, reason: str) -> None:
    server = simulation.serve()
    with RawClient(simulation.place) as client:
        client.socket.sendall(said)
        client.socket.shutdown(socket.SHUT_WR)
        heard = []
        while (record := client.hear()) is not None:
            heard.append(record)
    assert isinstance(heard[-1], Failure)
    assert reason in heard[-1].reason
    assert simulation.call(lambda: server.clients.broken) == 1


def test_who_connects_and_says_nothing_harms_nobody(simulation) -> None:
    server = simulation.serve()
    with RawClient(simulation.place), RawClient(simulation.place) as talker:
        talker.join("powertrain")
        simulation.ecu_sends("powertrain", Frame(0x1, b""))
        record = talker.hear()
        assert isinstance(record, Carried)
        assert record.frame == Frame(0x1, b"")
        assert simulation.call(lambda: len(server.clients)) == 2


def test_a_client_that_does_not_read_loses_frames_and_is_told_while_others_get_all(simulation, cleanup) -> None:
    simulation.serve(room=100)
    count = 8000
    with RawClient(simulation.place) as sleeper, cleanup:
        sleeper.join("powertrain")
        reader, sender = (cleanup.enter_context(can.Bus(interface="gateway", channel="powertrain")) for _ in range(2))
        for first in range(
            0, count, 50
        ):  # no more than the reader has room for: how busy the machine is does not count
            simulation.call(partial(simulation.flood, "powertrain", 50, first))
            got = [reader.recv(LIMIT_S) for _ in range(50)]
            assert [int.from_bytes(message.data) for message in got if message] == list(range(first, first + 50))
        sender.send(can.Message(arbitration_id=0x7FF, is_extended_id=False))
        received, lost = 0, 0
        while not (isinstance(record := sleeper.hear(), Carried) and record.frame.header == 0x7FF):
            received += isinstance(record, Carried)
            lost += record.frames if isinstance(record, Lost) else 0
    assert received + lost == count
    assert lost > 0


def test_a_client_that_is_killed_leaves_the_bus(simulation) -> None:
    server = simulation.serve()
    with RawClient(simulation.place) as client:
        client.join("powertrain")
        client.say(Carried(0, Frame(0x55, b"")))
        assert simulation.next_heard() == ("powertrain", Frame(0x55, b""))
    with RawClient(simulation.place) as witness:
        witness.join("powertrain")
        while simulation.call(lambda: len(server.clients)) > 1:
            simulation.ecu_sends("powertrain", Frame(1, b""))
            witness.hear()
        while len(simulation.call(lambda: list(simulation.buses["powertrain"].controllers))) > 2:
            simulation.ecu_sends("powertrain", Frame(1, b""))
            witness.hear()


def test_a_hundred_clients_get_the_same_frames(simulation, cleanup: ExitStack) -> None:
    simulation.serve()
    with cleanup:
        clients = [cleanup.enter_context(RawClient(simulation.place)) for _ in range(100)]
        for client in clients:
            client.join("chassis")
        simulation.ecu_sends("chassis", *(Frame(0x100 + number, bytes([number])) for number in range(20)))
        heard = [tuple(client.hear() for _ in range(20)) for client in clients]
        names = simulation.call(lambda: {controller.name for controller in simulation.buses["chassis"].controllers})
    assert len(set(heard)) == 1
    assert [record.frame.arbitration_id for record in heard[0]] == [0x100 + number for number in range(20)]
    assert names == {"ECU", *(f"raw-{number + 1}" for number in range(100))}


def test_the_bytes_are_those_of_the_description(simulation) -> None:
    simulation.serve()
    with RawClient(simulation.place) as client:
        client.socket.sendall(bytes.fromhex("000c 01 5647 4341 4e 01 04 746f6f6c000d 02 00 0a 706f7765727472 61696e"))
        stream, records = RecordStream(), []
        while len(records) < 3:
            stream.feed(client.socket.recv(4096))
            while (record := stream.next()) is not None:
                records.append(record)
    assert records[1] == Opened("tool-1")
