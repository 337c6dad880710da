"""`gateway run --bus mqtt` as a user has it: our own broker, mosquitto's clients, a gateway that is killed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiomqtt
import pytest
from bus_bench import WITHIN_S, Mosquitto, watching

ROOT = Path(__file__).parents[3]


class Run:
    """A `gateway run` process."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._said = folder / "said"
        command = [sys.executable, "-m", "gateway", "run", "--no-serve", *words]
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )

    def port(self) -> int:
        """Where the signals are, once it says so."""
        limit = time.monotonic() + WITHIN_S
        while (found := re.search(r"MQTT of .* at .*:(\d+)$", self.said(), re.MULTILINE)) is None:
            assert self.process.poll() is None and time.monotonic() < limit, self.said()
            time.sleep(0.05)
        return int(found[1])

    def said(self) -> str:
        return self._said.read_text()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(*words: str) -> Run:
        runs.append(Run(tmp_path, *words))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGINT)
            run.process.wait(WITHIN_S)


def test_our_own_broker_and_mosquittos_clients(
    car: Path, started: Callable[..., Run], require_tool: Callable[..., str]
) -> None:
    listen, publish = (require_tool(f"mosquitto_{what}", package="mosquitto-clients") for what in ("sub", "pub"))
    run = started(str(car), "--bus", "mqtt:0")
    port = run.port()
    words = [listen, "-p", str(port), "-C", "1", "-W", "30", "-t", "vss/Vehicle/Length"]
    assert '"value":4200' in subprocess.run(words, capture_output=True, text=True, check=True).stdout
    ask = [publish, "-p", str(port), "-t", "vss/Vehicle/Lamp/set", "-m", "42"]

    async def story() -> None:
        async with asyncio.timeout(WITHIN_S), watching(port, protocol=aiomqtt.ProtocolVersion.V311) as client:
            # A client that only sends and leaves, while another listens to everything: amqtt alone loses what it sent.
            for _ in range(3):
                client.last.pop("vss/Vehicle/Lamp/set/answer", None)
                await asyncio.to_thread(subprocess.run, ask, check=True)
                assert await client.until("vss/Vehicle/Lamp/set/answer", lambda _: True) == {"ok": True}

    asyncio.run(story())
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(WITHIN_S) == 0
    assert "Traceback" not in run.said()
    with pytest.raises(subprocess.CalledProcessError):  # our broker has ended with us
        subprocess.run(ask, check=True, capture_output=True)


def test_the_last_will_of_a_gateway_that_is_killed(
    car: Path, started: Callable[..., Run], mosquitto: Callable[..., Mosquitto]
) -> None:
    broker = mosquitto("allow_anonymous true")
    run = started(str(car), "--bus", f"mqtt://127.0.0.1:{broker.port}")
    run.port()

    async def story() -> None:
        async with asyncio.timeout(WITHIN_S), watching(broker.port) as client:
            await client.until("vss/gateways/small-car", lambda state: state["state"] == "online")
            run.process.kill()
            await client.until("vss/gateways/small-car", lambda state: state["state"] == "offline")

    asyncio.run(story())
    run.process.wait()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--bus", "amqp"), "write mqtt, mqtt:[HOST:]PORT, mqtt://HOST"),
        (("--bus", "mqtt:70000"), "70000 is no port"),
        (("--bus", "mqtt", "--clock", "virtual"), "use --clock wall"),
        (("--bus", "zenoh:7447"), "is no endpoint of Zenoh"),
        (("--bus", "zenoh", "--clock", "virtual"), "use --clock wall"),
    ],
)
def test_what_cannot_be_is_told_without_a_traceback(
    car: Path, started: Callable[..., Run], words: tuple[str, ...], sentence: str
) -> None:
    run = started(str(car), "--for", "1s", *words)
    assert run.process.wait(WITHIN_S) == 2
    assert sentence in run.said()
    assert "Traceback" not in run.said()


def test_a_port_that_is_taken_is_told(
    car: Path, started: Callable[..., Run], mosquitto: Callable[..., Mosquitto]
) -> None:
    broker = mosquitto("allow_anonymous true")
    run = started(str(car), "--bus", f"mqtt:{broker.port}")
    assert run.process.wait(WITHIN_S) == 2
    assert f"cannot listen at 127.0.0.1:{broker.port}: address already in use" in run.said()


def test_it_is_not_told_to_be_at_a_broker_that_cannot_be_reached(car: Path, started: Callable[..., Run]) -> None:
    with socket.socket() as silent:  # its port is taken, and nobody listens there
        silent.bind(("127.0.0.1", 0))
        run = started(str(car), "--for", "100ms", "--bus", f"mqtt://127.0.0.1:{silent.getsockname()[1]}")
        assert run.process.wait(WITHIN_S) == 0
    assert "cannot be reached" in run.said() and "trying again" in run.said()
    assert "MQTT of" not in run.said()


HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
sys.argv = ["gateway", *{words!r}]
from gateway.cli import main
main()
"""


@pytest.mark.parametrize(
    ("hidden", "bus", "sentence"),
    [
        ("aiomqtt", "mqtt://127.0.0.1:1", "(--bus mqtt) needs aiomqtt: pip install 'vehicle-gateway[mqtt]'"),
        ("zenoh", "zenoh", "(--bus zenoh) needs zenoh: pip install 'vehicle-gateway[zenoh]'"),
    ],
)
def test_an_extra_that_is_missing_is_named(car: Path, hidden: str, bus: str, sentence: str) -> None:
    code = HIDE.format(hidden=hidden, words=["run", str(car), "--no-serve", "--for", "1s", "--bus", bus])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, sentence in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr
