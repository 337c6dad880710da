"""Network namespaces joined by veth, a gateway in one and a peer in the other."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import can
import pytest

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data" / "someip"
LIMIT_S = 60.0
IPV6 = Path("/proc/net/if_inet6").exists()
_V6 = ("fd00:9", "fe80")
"""Both hosts have an address of each network of IPv6: ...::1 and ...::2."""


class Network(NamedTuple):
    """Two hosts: where the gateway is and where the peer is, each with its prefix for commands."""

    gateway: str
    peer: str
    at_gateway: list[str]
    at_peer: list[str]
    interfaces: tuple[str, str]


class Program:
    """A program of a namespace that tells lines; those of JSON are kept until a test asks for them."""

    def __init__(self, command: list[str], folder: Path, **environment: str) -> None:
        self.errors = (folder / f"errors-{len(list(folder.iterdir()))}.txt").open("w+")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        )
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith('{"what"'):
                self._lines.put(json.loads(line))
        self._lines.put(None)

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def expect(self, what: str, **fields: object) -> dict[str, Any]:
        """The next thing told that is this; what comes before it is passed over."""
        passed = []
        while True:
            try:
                told = self._lines.get(timeout=LIMIT_S)
            except queue.Empty:
                raise AssertionError(f"no {what} {fields} within {LIMIT_S} s, but {passed}; {self.said()}") from None
            assert told is not None, f"ended before {what} {fields}; it told {passed}; {self.said()}"
            if told["what"] == what and all(told.get(key) == value for key, value in fields.items()):
                return told
            passed.append(told)

    def said(self) -> str:
        self.errors.seek(0)
        return self.errors.read()

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(LIMIT_S)
        finally:
            self.process.kill()
            self.process.wait()
            self._thread.join(LIMIT_S)
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()

    def close(self) -> None:
        self.end(signal.SIGKILL)
        self.errors.close()


@pytest.fixture
def ipv6() -> None:
    """Skips where the kernel has no IPv6."""
    if not IPV6:
        fail = os.environ.get("CI", "").lower() == "true"
        (pytest.fail if fail else pytest.skip)("needs a kernel with IPv6 (boot it without ipv6.disable=1)")


@pytest.fixture(scope="session")
def network(require_tool: Callable[..., str]) -> Iterator[Network]:
    """Two namespaces joined by veth. Skips where this user may not make them."""
    ip = require_tool("ip", package="iproute2")
    names = [f"gw{os.getpid()}", f"hu{os.getpid()}"]
    addresses = ["10.9.0.1", "10.9.0.2"]
    with ExitStack() as stack:
        for name in names:
            made = subprocess.run([ip, "netns", "add", name], check=False, capture_output=True, text=True)
            if made.returncode:
                reason = f"needs network namespaces, which this user may not make: {made.stderr.strip()} (run as root)"
                (pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip)(reason)
            stack.callback(subprocess.run, [ip, "netns", "delete", name], capture_output=True)
        commands = [
            f"link add {names[0]} netns {names[0]} type veth peer name {names[1]} netns {names[1]}",
            *(f"-n {name} addr add {address}/24 dev {name}" for name, address in zip(names, addresses, strict=True)),
            *(
                f"-n {name} addr add {each}::{at}/64 dev {name} nodad"
                for at, name in enumerate(names, 1)
                for each in (_V6 if IPV6 else ())
            ),
            *(f"-n {name} link set {device} up" for name in names for device in (name, "lo")),
            *(f"-n {name} route add 224.0.0.0/4 dev {name}" for name in names),
        ]
        for command in commands:
            subprocess.run([ip, *command.split()], check=True, capture_output=True, text=True)
        prefixes = ([ip, "netns", "exec", name] for name in names)
        yield Network(*addresses, *prefixes, (names[0], names[1]))


class Bench:
    """The test vehicle's gateway, a pysomeip peer, and python-can on the vehicle's bus."""

    def __init__(self, network: Network, folder: Path, stack: ExitStack) -> None:
        self.network = network
        self.folder = folder
        self._stack = stack
        for path in DATA.iterdir():
            shutil.copy(path, folder)
        self.vehicle = folder / "vehicle.yaml"
        self.vehicle.write_text(self.vehicle.read_text().replace("10.0.0.2", network.peer))
        self.socket = folder / "gateway.sock"

    def gateway(self, *options: str) -> Program:
        """Start the gateway, and wait until its bus can be opened."""
        command = [sys.executable, "-m", "gateway", "run", str(self.vehicle), "--clock", "wall", "--json"]
        command = [*self.network.at_gateway, *command, "--someip", self.network.gateway, *options]
        program = Program(command, self.folder, VEHICLE_GATEWAY_SOCKET=str(self.socket))
        self._stack.callback(program.close)
        return program

    def peer(self, role: str, *address: str) -> Program:
        """`address`: the peer's, the gateway's, the interface, where it is IPv6."""
        where = address or (self.network.peer,)
        command = [sys.executable, str(Path(__file__).parent / "pysomeip_peer.py"), role, *where]
        program = Program([*self.network.at_peer, *command], self.folder)
        self._stack.callback(program.close)
        program.expect("ready")
        return program

    def program(self, command: list[str]) -> Program:
        """Another program of the peer's namespace."""
        program = Program([*self.network.at_peer, *command], self.folder)
        self._stack.callback(program.close)
        return program

    def bus(self, gateway: Program) -> can.BusABC:
        """python-can on the running gateway's bus."""
        waited = threading.Event()
        for _ in range(600):
            assert gateway.process.poll() is None, gateway.said()
            try:
                bus = can.Bus(interface="gateway", channel="body", socket=str(self.socket))
            except can.CanError:
                waited.wait(0.1)
                continue
            self._stack.callback(bus.shutdown)
            return bus
        raise AssertionError(f"the gateway's bus cannot be opened: {gateway.said()}")


@pytest.fixture
def bench(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(network, tmp_path_factory.mktemp("bus"), stack)
