"""`gateway someip get|set|subscribe`: values of a running service over the sockets of this machine."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port
from typer.testing import CliRunner

from gateway.cli.app import make_app
from gateway.cli.someip_client import client_of
from gateway.services.someip import Node
from gateway.services.someip.asking import find_asked, follow, get, put
from gateway.services.someip.sockets import SocketNetwork
from gateway.sim import Clock, Kernel, SimulationLoop, run
from gateway.someip import CallError, ReturnCode, SomeIpError
from gateway.vehicle import Vehicle, build, read_vehicle

DATA = Path(__file__).parents[2] / "data" / "someip"
LIMIT_S = 60.0
VEHICLE = """\
vehicle: asked
buses:
  body: {{kind: can, bitrate: 500k, database: car.dbc, restbus: false}}
gateway:
  signals: signals.json
services:
  address: 127.0.0.1
  discovery: {{port: {sd}}}
  offer:
    Route:
      service: 0x1234
      {transport}: {port}
      fields:
        Name: {{type: string, signal: Vehicle.Route.Name, get: 0x0001, notify: 0x8001}}
        Volume: {{type: uint8, signal: Vehicle.Route.Volume, get: 0x0002, set: 0x0003}}
"""


@pytest.fixture(params=["udp", "tcp"])
def car(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    for name in ("car.dbc", "signals.json"):
        shutil.copy(DATA / name, tmp_path)
    path = tmp_path / "vehicle.yaml"
    path.write_text(VEHICLE.format(sd=free_port(), port=free_port(), transport=request.param))
    return path


def beside(car: Path, main: Callable[[Vehicle], Coroutine[Any, Any, None]]) -> None:
    """Run `main` while the vehicle offers its services."""

    async def offering() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        vehicle = build(read_vehicle(car), loop.kernel)
        node = vehicle.someip
        assert isinstance(node, Node)
        network = SocketNetwork(loop, "127.0.0.1")
        node.open(network)
        try:
            async with asyncio.timeout(LIMIT_S):
                await main(vehicle)
        finally:
            node.close()
            await network.close()

    run(offering(), Kernel(), Clock.WALL)


def test_a_field_is_set_and_got(car: Path) -> None:
    options, services = client_of(read_vehicle(car), {})

    async def main(vehicle: Vehicle) -> None:
        volume = find_asked(services, "Route.Volume")
        with pytest.raises(CallError, match=r"Route.Volume: E_NOT_READY \(0x04\) from 127.0.0.1") as caught:
            await get(options, volume)
        assert caught.value.return_code == ReturnCode.NOT_READY
        assert await put(options, volume, 7) == 7
        assert vehicle.gateway.store["Vehicle.Route.Volume"].datapoint.value == 7
        assert await get(options, volume) == 7
        with pytest.raises(SomeIpError, match="does not fit into uint8"):
            await put(options, volume, 256)

    beside(car, main)


def test_events_are_followed(car: Path) -> None:
    options, services = client_of(read_vehicle(car), {})

    async def main(vehicle: Vehicle) -> None:
        told: list[object] = []
        name = vehicle.gateway.store["Vehicle.Route.Name"]

        def tell(value: object) -> None:
            told.append(value)
            if value == "north":
                name.publish("south")
            else:
                following.cancel()

        name.publish("north")
        following = asyncio.ensure_future(follow(options, find_asked(services, "Route.Name"), None, tell))
        assert await following == {}
        assert list(dict.fromkeys(told)) == ["north", "south"]  # the first value may be told by the change as well

    beside(car, main)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["get", "Route.Nam"], "no field or event 'Route.Nam' (did you mean 'Route.Name'?)"),
        (["set", "Route.Name", "west"], "Route.Name has no setter"),
        (["subscribe", "Route.Volume"], "Route.Volume has no notifier"),
    ],
)
def test_what_cannot_be_asked_for_is_told_at_once(car: Path, words: list[str], told: str) -> None:
    done = CliRunner().invoke(make_app("someip"), ["someip", *words, "--vehicle", str(car)])
    assert isinstance(done.exception, SomeIpError) and told in done.exception.sentence


@pytest.mark.parametrize("words", [["get"], ["set", "Route.Volume"], ["get", "Route.Volume", "--adress", "127.0.0.4"]])
def test_wrong_words_are_a_usage_error(car: Path, words: list[str]) -> None:
    done = CliRunner().invoke(make_app("someip"), ["someip", *words, "--vehicle", str(car)])
    assert done.exit_code == 2 and ("write `gateway someip" in done.output or "no option --adress" in done.output)
