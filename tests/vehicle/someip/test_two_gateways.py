"""Two vehicles' gateways on one segment, over IPv4 and IPv6, UDP and TCP, whatever the network loses."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from someip_bench import FOLDER, MS, S

from gateway.ethernet import Segment
from gateway.routing import Quality
from gateway.services.someip import Node
from gateway.sim import Kernel
from gateway.vehicle import Vehicle, build, read_vehicle

NAME = "Vehicle.Route.Name"
TEXT = """\
vehicle: {role}
buses:
  body: {{kind: can, bitrate: 500k, database: car.dbc, restbus: false}}
gateway:
  signals: signals.json
services:
  address: "{address}"
  discovery: {{group: "{group}"}}
  {role}:
    Route:
      service: 0x1234
      {ports}
      fields:
        Name: {{type: string, signal: Vehicle.Route.Name, get: 0x0001, notify: 0x8001}}
"""


class Pair:
    """One gateway offers a name, the other consumes it."""

    def __init__(self, folder: Path, addresses: tuple[str, str], group: str, transport: str) -> None:
        self.kernel = Kernel()
        self.segment = Segment(self.kernel, random.Random(1))
        for name in ("car.dbc", "signals.json"):
            shutil.copy(FOLDER / name, folder)
        self.giver, self.offering = self._node(folder, "offer", addresses[0], group, f"{transport}: 30501")
        self.taker, self.consuming = self._node(folder, "consume", addresses[1], group, f"transport: {transport}")

    def _node(self, folder: Path, role: str, address: str, group: str, ports: str) -> tuple[Vehicle, Node]:
        path = folder / f"{role}.yaml"
        path.write_text(TEXT.format(role=role, address=address, group=group, ports=ports))
        vehicle = build(read_vehicle(path), self.kernel)
        assert vehicle.someip is not None
        vehicle.someip.open(self.segment.attach(role, address))
        return vehicle, vehicle.someip

    def run(self, ms: int) -> None:
        self.kernel.run(self.kernel.now + ms * MS)

    @property
    def taken(self) -> object:
        point = self.taker.gateway.store[NAME].datapoint
        return point.value if point.quality is Quality.GOOD else point.quality


@pytest.fixture(
    params=[("10.0.0.1", "10.0.0.2", "224.224.224.245"), ("fd00::1", "fd00::2", "ff14::4:0")], ids=["IPv4", "IPv6"]
)
def network(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_signal_goes_from_one_to_the_other(tmp_path: Path, network: tuple[str, str, str], transport: str) -> None:
    pair = Pair(tmp_path, network[:2], network[2], transport)
    pair.giver.gateway.store[NAME].publish("before")
    pair.run(500)
    assert pair.taken == "before"
    pair.giver.gateway.store[NAME].publish("y" * 3000)
    pair.run(10)
    assert pair.taken == "y" * 3000
    pair.offering.close()
    pair.run(10)
    assert pair.taken is Quality.STALE
    pair.offering.open(pair.segment.hosts["offer"])
    pair.run(500)
    assert pair.taken == "y" * 3000


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("seed", range(5))
def test_a_cut_cable_is_survived_within_three_seconds(tmp_path: Path, transport: str, seed: int) -> None:
    pair = Pair(tmp_path, ("10.0.0.1", "10.0.0.2"), "224.224.224.245", transport)
    pair.giver.gateway.store[NAME].publish("one")
    pair.run(500)
    dice = random.Random(seed)
    pair.segment.faults.cut.add("offer")
    pair.run(1000 + dice.randrange(8000))
    pair.giver.gateway.store[NAME].publish("two")
    pair.segment.faults.cut.clear()
    back = pair.kernel.now
    while pair.taken != "two":
        pair.run(10)
        assert pair.kernel.now - back < 3 * S, pair.consuming.status()


def test_a_lost_network_serves_nothing_stale_as_fresh(tmp_path: Path) -> None:
    pair = Pair(tmp_path, ("10.0.0.1", "10.0.0.2"), "224.224.224.245", "udp")
    pair.giver.gateway.store[NAME].publish("one")
    pair.run(500)
    assert pair.taken == "one"
    pair.segment.faults.loss = 1.0
    pair.run(3010)
    assert pair.taken is Quality.STALE
