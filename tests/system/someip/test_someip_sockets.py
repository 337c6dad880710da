"""Nodes over real sockets of one machine: TCP, segments, slow readers, ports that are taken, the monitor's command."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port

from gateway.ethernet import Endpoint, EthernetError, Transport
from gateway.services.someip import Node, NodeOptions
from gateway.services.someip.sockets import SocketNetwork
from gateway.sim import Clock, Kernel, SimulationLoop, run
from gateway.someip import EndpointOption, Entry, EntryType, MessageStream, SdMessage
from gateway.someip.sd_message import FOREVER_TTL, sd_message
from gateway.vehicle import build, read_vehicle

DATA = Path(__file__).parents[2] / "data" / "someip"
LIMIT_S = 60.0
VEHICLE = """\
vehicle: sockets
buses:
  body: {{kind: can, bitrate: 500k, database: car.dbc, restbus: false}}
gateway:
  signals: signals.json
services:
  address: 127.0.0.1
  discovery: {{port: {sd}}}
  {role}:
    Route:
      service: 0x1234
      {ports}
      fields:
        Name: {{type: string, signal: Vehicle.Route.Name, get: 0x0001, notify: 0x8001}}
"""


def node_of(folder: Path, role: str, ports: str, sd: int, address: str = "127.0.0.1") -> tuple[Any, Node]:
    for name in ("car.dbc", "signals.json"):
        shutil.copy(DATA / name, folder)
    text = VEHICLE.format(sd=sd, role=role, ports=ports).replace("address: 127.0.0.1", f"address: {address}")
    path = folder / f"{role}.yaml"
    path.write_text(text)
    kernel = asyncio.get_running_loop().kernel  # type: ignore[attr-defined]
    vehicle = build(read_vehicle(path), kernel)
    assert vehicle.someip is not None
    return vehicle, vehicle.someip


def in_wall_time(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(LIMIT_S):
            await main()

    run(limited(), Kernel(), Clock.WALL)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the limit is that of the whole test
        await asyncio.sleep(0.01)


def network(address: str = "127.0.0.1") -> SocketNetwork:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    return SocketNetwork(loop, address)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_two_gateways_share_a_signal_over_sockets(tmp_path: Path, transport: str) -> None:
    """A text of 5,000 bytes: over UDP in segments, over TCP as it is."""

    async def main() -> None:
        sd, port = free_port(), free_port()
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        one, offering = node_of(tmp_path / "a", "offer", f"{transport}: {port}", sd)
        two, consuming = node_of(tmp_path / "b", "consume", f"transport: {transport}", sd, "127.0.0.2")
        networks = [network(), network("127.0.0.2")]
        offering.open(networks[0])
        consuming.open(networks[1])
        try:
            await until(lambda: bool(offering.discovery.offers.changes))
            one.gateway.store["Vehicle.Route.Name"].publish("x" * 5000)
            name = two.gateway.store["Vehicle.Route.Name"]
            await until(lambda: name.datapoint.value == "x" * 5000)
            offering.close()
            await until(lambda: name.datapoint.quality.value == "stale")
        finally:
            for node, opened in zip((offering, consuming), networks, strict=True):
                node.close()
                await opened.close()

    in_wall_time(main)


def test_a_tcp_subscriber_that_does_not_read_costs_only_itself(tmp_path: Path) -> None:
    async def main() -> None:
        sd, port = free_port(), free_port()
        vehicle, node = node_of(tmp_path, "offer", f"tcp: {port}", sd)
        opened = network()
        node.open(opened)
        lazy, lazy_writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 10)
        eager, eager_writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: len(node.discovery.offers.connected) == 2)
        for session, writer in enumerate((lazy_writer, eager_writer), start=1):
            place = Endpoint(*writer.get_extra_info("sockname"))
            option = EndpointOption(place, Transport.TCP)
            entry = Entry(EntryType.SUBSCRIBE, 0x1234, 1, 1, FOREVER_TTL, eventgroup=1, options=(option,))
            data = sd_message(SdMessage((entry,)).build(), session).build()
            list(node.discovery.receive(data, Endpoint("127.0.0.2", sd), 0))
        lazy_writer.transport.pause_reading()  # type: ignore[attr-defined]
        stream, came = MessageStream(), 0
        for number in range(300):
            vehicle.gateway.store["Vehicle.Route.Name"].publish(f"{number:06}" + "x" * 60_000)
            while came <= number:
                came += len(stream.feed(await eager.read(1 << 16)))
        lost = [count for what, count in node.counts.items() if what.startswith("events not sent to")]
        assert came == 300
        assert len(lost) == 1 and 0 < lost[0] < 300
        for writer in (lazy_writer, eager_writer):
            writer.transport.abort()
        node.close()
        await opened.close()
        del lazy

    in_wall_time(main)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        sd, port = free_port(), free_port()
        _, node = node_of(tmp_path, "offer", f"udp: {port}", sd)
        other = Node(Kernel(), random.Random(1), NodeOptions("127.0.0.1", sd_port=sd))
        opened = network()
        node.open(opened)
        with pytest.raises(EthernetError, match=f"UDP port {sd} of 127.0.0.1 cannot be had: .*in use"):
            other.open(network())
        node.close()
        await opened.close()

    in_wall_time(main)


def test_the_command_tells_what_is_offered_and_missing(tmp_path: Path) -> None:
    async def main() -> None:
        sd, port = free_port(), free_port()
        _, node = node_of(tmp_path, "offer", f"udp: {port}", sd)
        opened = network()
        node.open(opened)
        (tmp_path / "b").mkdir()
        node_of(tmp_path / "b", "consume", "major: 2", sd)
        command = [sys.executable, "-m", "gateway", "someip", "monitor", str(tmp_path / "b" / "consume.yaml"), "--json"]
        process = await asyncio.create_subprocess_exec(*command, "--for", "3s", stdout=subprocess.PIPE)
        told = json.loads((await process.communicate())[0])
        assert process.returncode == 0
        assert [(each["service"], each["host"], each["at"]) for each in told["services"]] == [
            ("1234.0001", "127.0.0.1", [f"UDP 127.0.0.1:{port}"])
        ]
        assert told["missing"] == [
            {
                "service": "1234.any",
                "who": "Route of this vehicle",
                "why": "127.0.0.1 offers major version 1, and the file says 2",
            }
        ]
        node.close()
        await opened.close()

    in_wall_time(main)


def test_the_command_refuses_what_it_cannot_do() -> None:
    for options, wrong in (
        (["someip", "watch"], "there is no verb 'watch'"),
        (["someip", "monitor", "--address", "10.255.255.1", "--for", "1s"], "cannot join the multicast group"),
        (["run", str(DATA.parent / "links" / "vehicle.yaml"), "--someip", "127.0.0.1"], "has no `services`"),
    ):
        command = [sys.executable, "-m", "gateway", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert done.returncode == 2
        assert wrong in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
