"""`gateway run` as a user has it: clients of every kind at once, and the run's own recording as the witness."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import can
import pytest
from free_ports import free_port

from gateway.links.cannelloni import decode

LIMIT_S = 60.0
VEHICLE = Path(__file__).parents[2] / "data" / "links" / "vehicle.yaml"
GATEWAY = [sys.executable, "-c", "from gateway.cli import main; main()", "run", str(VEHICLE)]
RUNS: list[subprocess.Popen[str]] = []
LAST = 0x7FF
"""The identifier after which everyone stops."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("VEHICLE_GATEWAY_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    return tmp_path


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as everything:
        yield everything
        for run in RUNS:  # of a test that failed: what still runs would be waited for
            run.kill()
        RUNS.clear()


def started(*options: str) -> subprocess.Popen[str]:
    run = subprocess.Popen([*GATEWAY, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    RUNS.append(run)
    return run


def told(run: subprocess.Popen[str], lines: int) -> list[str]:
    """The lines that the run says when its sockets are there."""
    assert run.stderr is not None
    return [run.stderr.readline().rstrip() for _ in range(lines)]


def ended(run: subprocess.Popen[str]) -> tuple[str, str]:
    """End it as Ctrl-C does; what it wrote on both outputs. It must end well."""
    run.send_signal(signal.SIGINT)
    output, errors = run.communicate(timeout=LIMIT_S)
    assert run.returncode == 0, errors
    return output, errors


class Listener(threading.Thread):
    """Receives messages until the last one."""

    def __init__(self, bus: can.BusABC) -> None:
        super().__init__()
        self.bus = bus
        self.got: list[tuple[int, bytes]] = []

    def run(self) -> None:
        while not self.got or self.got[-1][0] != LAST:
            message = self.bus.recv(LIMIT_S)
            assert message is not None
            self.got.append((message.arbitration_id, bytes(message.data)))


class UdpListener(threading.Thread):
    """Receives cannelloni's datagrams until the last frame."""

    def __init__(self, there: socket.socket) -> None:
        super().__init__()
        self.socket = there
        self.got: list[tuple[int, bytes]] = []

    def run(self) -> None:
        while not self.got or self.got[-1][0] != LAST:
            self.got += [(frame.arbitration_id, frame.data) for frame in decode(self.socket.recv(2048)).frames]


def test_clients_of_all_kinds_receive_what_the_run_records(home: Path, stack: ExitStack) -> None:
    trace = home / "run.log"
    udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.settimeout(LIMIT_S)
    udp.bind(("127.0.0.1", 0))
    peer = f"127.0.0.1:{udp.getsockname()[1]}"
    tcp_port, udp_port, socketcand_port = (
        free_port(),
        free_port(),
        free_port(),
    )
    run = stack.enter_context(
        started(
            *("--clock", "wall", "--json", "--trace", str(trace), "--socketcand", str(socketcand_port)),
            *("--cannelloni", f"powertrain={udp_port},{peer}", "--cannelloni", f"powertrain=tcp:{tcp_port}"),
        )
    )
    assert told(run, 4) == [
        f"CAN tools find link-test at {home}/vehicle-gateway/link-test.sock",
        f"socketcand listens at 127.0.0.1:{socketcand_port}",
        f"cannelloni for powertrain listens at 127.0.0.1:{udp_port} (UDP)",
        f"cannelloni for powertrain listens at 127.0.0.1:{tcp_port} (TCP)",
    ]
    options = {"socketcand": {"host": "127.0.0.1", "port": socketcand_port}, "cannelloni": {"reconnect": False}}
    channels = {"cannelloni": f"127.0.0.1:{tcp_port}"}
    listeners: list[Listener | UdpListener] = [UdpListener(udp)]
    for interface in ("gateway", "socketcand", "cannelloni"):
        channel = channels.get(interface, "powertrain")
        bus = can.Bus(interface=interface, channel=channel, **options.get(interface, {}))
        listeners.append(Listener(stack.enter_context(bus)))
    for listener in listeners:
        listener.start()
    sender = stack.enter_context(can.Bus(interface="gateway", channel="powertrain", name="sender"))
    for number in range(300):
        sender.send(can.Message(arbitration_id=0x123, is_extended_id=False, data=number.to_bytes(8)))
    sender.send(can.Message(arbitration_id=LAST, is_extended_id=False))
    for listener in listeners:
        listener.join(LIMIT_S)
    sender.shutdown()
    report = json.loads(ended(run)[0])

    with can.LogReader(trace) as reader:
        recorded = [(line.arbitration_id, bytes(line.data)) for line in reader if line.channel == "powertrain"]
    recorded = recorded[: next(number for number, (identifier, _) in enumerate(recorded) if identifier == LAST) + 1]
    for listener in listeners:
        # Each came at a moment of its own; from there to the end it has what the recording has, in its order.
        assert listener.got == recorded[len(recorded) - len(listener.got) :]
        assert len(listener.got) > 300
    assert report["buses"]["powertrain"]["errors"] == 0
    assert not (home / "vehicle-gateway" / "link-test.sock").exists()


def test_a_plain_run_in_wall_time_is_found_without_being_told(home: Path, stack: ExitStack) -> None:
    run = stack.enter_context(started())
    told(run, 1)
    configs = list(can.detect_available_configs("gateway"))
    assert configs == [{"interface": "gateway", "channel": name} for name in ("powertrain", "chassis")]
    with can.Bus(**configs[1]) as chassis, can.Bus(**configs[0]) as powertrain:
        powertrain.send(can.Message(arbitration_id=0x123, is_extended_id=False, data=b"routed"))
        while (message := chassis.recv(LIMIT_S)).arbitration_id != 0x123:
            pass
        assert bytes(message.data) == b"routed"
    output, _ = ended(run)
    assert "Traceback" not in output


def test_a_second_run_is_another_channel_of_the_same_name(home: Path, stack: ExitStack) -> None:
    first, second = (stack.enter_context(started()) for _ in range(2))
    told(first, 1)
    told(second, 1)
    with pytest.raises(can.CanInitializationError, match="several simulations are running"):
        can.Bus(interface="gateway", channel="powertrain")
    for config in can.detect_available_configs("gateway"):
        with can.Bus(**config) as bus:
            assert bus.recv(LIMIT_S) is not None
    for run in (first, second):
        ended(run)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--clock", "virtual", "--for", "1s", "--serve"), "a socket for CAN tools cannot follow virtual time"),
        (("--clock", "virtual", "--for", "1s", "--socketcand", "1"), "socketcand cannot follow virtual time"),
        (("--socketcand", "host:"), "'host:' is not an address"),
        (("--cannelloni", "body"), "write BUS=[HOST:]PORT[,PEER:PORT] for UDP"),
        (("--cannelloni", "powertrian=0"), "there is no bus 'powertrian' in link-test (did you mean 'powertrain'?)"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(home: Path, options: tuple[str, ...], sentence: str) -> None:
    done = subprocess.run([*GATEWAY, *options], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_socket_that_is_named_and_taken_is_not_taken_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEHICLE_GATEWAY_SOCKET", str(home / "mine.sock"))
    with started() as first:
        told(first, 1)
        second = subprocess.run(GATEWAY, capture_output=True, text=True, timeout=120, check=False)
        assert second.returncode == 2
        assert f"a simulation listens at {home}/mine.sock already" in second.stderr
        ended(first)


def test_virtual_time_opens_no_socket(home: Path) -> None:
    done = subprocess.run([*GATEWAY, "--for", "1s"], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (home / "vehicle-gateway").exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_wrong_datagrams_are_told_at_once_and_however_the_run_ends(
    end: signal.Signals, home: Path, stack: ExitStack
) -> None:
    del home, stack
    run = started("--no-serve", "--cannelloni", "powertrain=0")
    assert run.stderr is not None
    place = run.stderr.readline().partition(" listens at ")[2].partition(" ")[0]
    host, _, port = place.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"hello", (host, int(port)))
    first = run.stderr.readline()
    assert first.startswith("cannelloni for powertrain: a wrong datagram: ")
    run.send_signal(end)
    _, errors = run.communicate(timeout=LIMIT_S)
    assert "cannelloni for powertrain: 1 wrong datagram, the last: " in errors
