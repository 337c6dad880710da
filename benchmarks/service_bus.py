"""Signals to mosquitto and back, against a plain aiomqtt loop: the same topics, the same number, in turn.

Both ways publish values as retained JSON and have them come back to a subscriber of the same process, over a mosquitto
on a free port of this machine. Time is this process's own, publishing and taking back: other programs on the machine
count little. Plain is what a user would write: json.dumps and one `await client.publish` a value. Ours goes through the
whole of it: the store, the event policy, the outbox, MQTT 5 with its expiry.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure
from gateway.errors import GatewayError
from gateway.sim import Clock, Kernel, run

SIGNALS = 50
VALUES = 2000
ROUNDS = 5
_PATIENCE_S = 60.0


def measure() -> list[Figure]:
    """Values a second over the broker and back, ours over plain."""
    rates: dict[str, list[float]] = {"ours": [], "plain": []}
    with _mosquitto() as port:
        for _ in range(ROUNDS):
            for way, work in (("plain", _plain), ("ours", _ours)):
                rates[way].append(VALUES / run(_timed(work, port), Kernel(), Clock.WALL))
    ours, plain = (statistics.median(rates[way]) for way in ("ours", "plain"))
    against = f"a plain aiomqtt loop; {ours:.0f} and {plain:.0f} values/s"
    return [Figure("service_bus.mqtt_round_trip", ours / plain, "times", against)]


async def _timed(work: Callable[[int], Awaitable[float]], port: int) -> float:
    async with asyncio.timeout(_PATIENCE_S):
        return await work(port)


async def _listen(port: int, done: asyncio.Event, ready: asyncio.Event) -> None:
    """Count what comes back, until all has."""
    import aiomqtt

    seen = 0
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("vss/Vehicle/#")
        ready.set()
        async for message in client.messages:
            if message.retain:
                continue  # of the round before
            json.loads(message.payload)  # type: ignore[arg-type]
            seen += 1
            if seen == VALUES:
                done.set()


async def _with_listener(port: int, publish: Callable[[], Awaitable[None]]) -> float:
    done, ready = asyncio.Event(), asyncio.Event()
    listener = asyncio.create_task(_listen(port, done, ready))
    await ready.wait()
    begun = time.process_time()
    await publish()
    await done.wait()
    taken = time.process_time() - begun
    listener.cancel()
    await asyncio.wait([listener])
    return taken


async def _plain(port: int) -> float:
    import aiomqtt

    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:

        async def publish() -> None:
            for number in range(VALUES):
                payload = json.dumps({"value": float(number), "time": time.time(), "quality": "good"})
                await client.publish(f"vss/Vehicle/Signal{number % SIGNALS}", payload, retain=True)
                if number % SIGNALS == 0:
                    await asyncio.sleep(0)

        return await _with_listener(port, publish)


async def _ours(port: int) -> float:
    from gateway.links.addresses import Address
    from gateway.services.mqtt import serve_mqtt
    from gateway.services.mqtt_options import MqttOptions
    from gateway.services.policy import EventPolicy, Send
    from gateway.services.rules import Rules, SignalRule

    rules = Rules([SignalRule(("**",), EventPolicy(Send.EACH, cycle_ns=10_000_000_000))])
    options = MqttOptions(address=Address("127.0.0.1", port), rules=rules)
    signals = _signals()
    async with serve_mqtt(signals, options, "bench", sys.stderr.write) as bus:
        await bus.connected.wait()

        async def publish() -> None:
            for number in range(VALUES):
                signals.by_path[f"Vehicle.Signal{number % SIGNALS}"].publish(float(number))
                if number % SIGNALS == SIGNALS - 1:
                    while bus.waiting:  # noqa: ASYNC110  # each value is to go out, none is to be overwritten
                        await asyncio.sleep(0)

        return await _with_listener(port, publish)


def _signals() -> Any:
    from gateway.routing import SignalStore, VssLeaf, VssTree
    from gateway.routing.vss import Kind
    from gateway.services.signals import Signals

    paths = [f"Vehicle.Signal{number}" for number in range(SIGNALS)]
    leaves = {path: VssLeaf(path=path, datatype="double", kind=Kind.SENSOR) for path in paths}
    loop = asyncio.get_running_loop()
    kernel = loop.kernel  # type: ignore[attr-defined]
    return Signals(kernel, SignalStore(kernel), VssTree("bench", leaves, {"Vehicle": ""}, lambda _: ("bench", None)))


@contextmanager
def _mosquitto() -> Iterator[int]:
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if path is None:
        raise GatewayError("there is no mosquitto: apt-get install mosquitto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "mosquitto.conf")
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_type none\nmax_queued_messages 100000\n"
        )
        broker = subprocess.Popen([path, "-c", str(config)], stderr=subprocess.DEVNULL)
        try:
            limit = time.monotonic() + _PATIENCE_S
            while time.monotonic() < limit:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.02)
            yield port
        finally:
            broker.kill()
            broker.wait()
