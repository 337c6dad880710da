"""Signals over Zenoh: told, asked for, taken by other gateways, on one machine and through a router between networks."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import zenoh
from bus_bench import WITHIN_S, Car, in_wall_time, write_vehicle
from free_ports import free_port

from gateway.services.errors import ServiceError
from gateway.vehicle.served.service_bus import serve_zenoh_bus, zenoh_options

ROOT = Path(__file__).parents[3]
NODE = Path(__file__).with_name("zenoh_node.py")
SPACES = tuple(f"vgzen-{name}-{os.getpid()}" for name in "abr")
KILLS = 2


class Node:
    """A process of `zenoh_node.py`, and what it has said."""

    def __init__(self, *words: str, space: str | None = None) -> None:
        inside = ["ip", "netns", "exec", space] if space else []
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        command = [*inside, sys.executable, str(NODE), *words]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(json.loads(line))

    def until(self, **wanted: object) -> dict[str, Any]:
        """The next that was said with these words."""
        while True:
            said = self._said.get(timeout=WITHIN_S)
            if all(said.get(key) == value for key, value in wanted.items()):
                return said

    def until_told(self, part: str, key: str = "told") -> None:
        while part not in self._said.get(timeout=WITHIN_S).get(key, ""):
            pass

    def until_without(self, gateway: str) -> None:
        """The gateway is gone, and so is the belief in the speed; which of both first is a matter of what it told last."""
        gone = stale = False
        while not (gone and stale):
            said = self._said.get(timeout=WITHIN_S)
            gone |= f"gateway {gateway} is gone" in said.get("told", "")
            stale |= (said.get("path"), said.get("quality")) == ("Vehicle.Speed", "stale")

    def do(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(WITHIN_S)
        self.process.stdout.close()


@pytest.fixture
def nodes() -> Iterator[Callable[..., Node]]:
    with ExitStack() as stack:

        def start(*words: str, space: str | None = None) -> Node:
            node = Node(*words, space=space)
            stack.callback(lambda: node.process.poll() is None and node.end())
            return node

        yield start


@pytest.fixture
def session() -> Iterator[tuple[zenoh.Session, str]]:
    """A client of its own, and the endpoint where it listens."""
    endpoint = f"tcp/127.0.0.1:{free_port()}"
    config = zenoh.Config()
    config.insert_json5("listen/endpoints", json.dumps([endpoint]))
    config.insert_json5("scouting/multicast/enabled", "false")
    with zenoh.open(config) as opened:
        yield opened, endpoint


def file_of(folder: Path, name: str, more: str = "") -> str:
    folder = folder / name
    folder.mkdir()
    return str(write_vehicle(folder, f"domains:\n  zenoh: {{name: {name}{more}}}\n"))


def test_a_client_is_told_and_asks(
    session: tuple[zenoh.Session, str], nodes: Callable[..., Node], tmp_path: Path
) -> None:
    client, endpoint = session
    told: queue.Queue[zenoh.Sample] = queue.Queue()
    alive: queue.Queue[zenoh.Sample] = queue.Queue()
    subscriber = client.declare_subscriber("vss/Vehicle/*", told.put)
    token = client.liveliness().declare_subscriber("vss/gateways/*", alive.put, history=True)
    gateway = nodes(file_of(tmp_path, "one"), f"zenoh:{endpoint}")
    assert str(alive.get(timeout=WITHIN_S).key_expr) == "vss/gateways/one"
    gateway.do("drive 12.5")
    while str((sample := told.get(timeout=WITHIN_S)).key_expr) != "vss/Vehicle/Speed":
        pass
    point = json.loads(sample.payload.to_string())
    assert (point["value"], point["quality"], set(point)) == (12.5, "good", {"value", "time", "quality"})
    (reply,) = client.get("vss/Vehicle/Length")
    assert json.loads(reply.ok.payload.to_string())["value"] == 4200  # type: ignore[union-attr]
    known = {str(reply.ok.key_expr) for reply in client.get("vss/**") if reply.ok is not None}
    assert known == {"vss/Vehicle/Speed", "vss/Vehicle/Mode", "vss/Vehicle/Length"}
    (reply,) = client.get("vss/Vehicle/Lamp/set", payload="42")
    assert reply.ok is not None
    gateway.until(lamp=42)
    (reply,) = client.get("vss/Vehicle/Lamp/set", payload="101")
    assert reply.err is not None and "cannot be 101" in reply.err.payload.to_string()
    client.put("vss/Vehicle/Lamp/set", "43")
    gateway.until(lamp=43)
    gateway.kill()
    assert alive.get(timeout=WITHIN_S).kind == zenoh.SampleKind.DELETE
    del subscriber, token


def test_one_gateway_takes_what_another_tells(nodes: Callable[..., Node], tmp_path: Path) -> None:
    endpoint = f"tcp/127.0.0.1:{free_port()}"
    front = nodes(file_of(tmp_path, "front", f', listen: "{endpoint}"'), "zenoh")
    front.until_told("Zenoh of small car")
    front.do("drive 5")
    front.until(path="Vehicle.Speed", value=5)
    rear = nodes(file_of(tmp_path, "rear", ", take: [Vehicle.Speed, Vehicle.Lamp]"), f"zenoh:{endpoint}")
    rear.until_told("gateway front is there")
    front.do("drive 6")
    rear.until(path="Vehicle.Speed", value=6, quality="good")
    # Nobody has told the lamp, so nobody is known to drive it.
    rear.do("set Vehicle.Lamp 7")
    rear.until_told("no gateway on Zenoh tells Vehicle.Lamp", "refused")
    front.do("drive 8")
    rear.until(path="Vehicle.Speed", value=8)
    front.kill()
    rear.until_without("front")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def networks(require_tool: Callable[..., str]) -> Iterator[None]:
    """Three network namespaces: the router's has a cable to each of the others, which do not see each other."""
    require_tool("ip", package="iproute2")
    front, rear, middle = SPACES
    try:
        for space in SPACES:
            ip("netns", "add", space)
        for number, space in enumerate((front, rear)):
            here, there = f"vgz{number}", f"vgr{number}"
            ip("link", "add", here, "netns", space, "type", "veth", "peer", "name", there, "netns", middle)
            ip("-n", space, "addr", "add", f"10.213.{number}.2/24", "dev", here)
            ip("-n", middle, "addr", "add", f"10.213.{number}.1/24", "dev", there)
            for name, device in ((space, here), (middle, there), (space, "lo"), (middle, "lo")):
                ip("-n", name, "link", "set", device, "up")
    except subprocess.CalledProcessError as error:
        _remove()
        pytest.skip(f"needs root and veth devices: {error.stderr.decode().strip()} (uid {os.getuid()})")
    yield
    _remove()


def _remove() -> None:
    for space in SPACES:
        subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


def test_two_gateways_meet_through_a_router_and_one_is_killed_and_restarted(
    networks: None, nodes: Callable[..., Node], tmp_path: Path
) -> None:
    front_file = file_of(tmp_path, "front")
    rear_file = file_of(tmp_path, "rear", ", take: [Vehicle.Speed]")
    front_space, rear_space, middle = SPACES
    router = nodes("router", "tcp/0.0.0.0:7447", space=middle)
    router.until_told("router")
    rear = nodes(rear_file, "zenoh:tcp/10.213.1.1:7447", space=rear_space)
    rear.until_told("Zenoh of small car")
    for number in range(KILLS):
        front = nodes(front_file, "zenoh:tcp/10.213.0.1:7447", space=front_space)
        rear.until_told("gateway front is there")
        front.until_told("gateway rear is there")
        front.do(f"drive {10 + number}")
        rear.until(path="Vehicle.Speed", value=10 + number)
        front.kill()
        rear.until_without("front")


def test_a_router_that_is_not_there_yet_or_killed_is_found(nodes: Callable[..., Node], tmp_path: Path) -> None:
    endpoint = f"tcp/127.0.0.1:{free_port()}"
    front = nodes(file_of(tmp_path, "front"), f"zenoh:{endpoint}")
    rear = nodes(file_of(tmp_path, "rear", ", take: Vehicle.Speed"), f"zenoh:{endpoint}")
    front.until_told(f"nobody is at {endpoint} yet")
    router = nodes("router", endpoint)
    router.until_told("router")
    rear.until_told("gateway front is there")
    front.do("drive 3")
    rear.until(path="Vehicle.Speed", value=3)
    router.kill()
    rear.until(path="Vehicle.Speed", quality="stale")
    nodes("router", endpoint).until_told("router")
    rear.until_told("gateway front is there")
    front.do("drive 4")
    rear.until(path="Vehicle.Speed", value=4)


def test_settings_that_zenoh_does_not_take_are_told(tmp_path: Path) -> None:
    async def story(car: Car) -> None:
        with pytest.raises(ServiceError, match="Zenoh cannot begin: "):
            async with serve_zenoh_bus(car.vehicle, zenoh_options(car.file, "zenoh"), car.told.append):
                pass

    in_wall_time(Path(file_of(tmp_path, "front", ", listen: [tcp/256.0.0.1:1]")), story)
