"""Events with end-to-end protection from one vehicle's gateway to another's: what is spoiled, missing or stuck goes stale."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from someip_bench import FOLDER, MS

from gateway.ethernet import Packet, Segment, parse
from gateway.routing import Quality
from gateway.services.someip import Node
from gateway.sim import Kernel
from gateway.someip import Instance, Message, MessageType, messages
from gateway.vehicle import Vehicle, VehicleFileError, build, read_vehicle

NAME, DISTANCE = "Vehicle.Route.Name", "Vehicle.Route.Distance"
TEXT = """\
vehicle: {role}
buses:
  body: {{kind: can, bitrate: 500k, database: car.dbc, restbus: false}}
gateway:
  signals: signals.json
services:
  address: {address}
  {role}:
    Route:
      service: 0x1234
      {ports}
      fields:
        Name: {{type: string, signal: Vehicle.Route.Name, notify: 0x8001, e2e: {{profile: {profile}, data_id: 0x1234}}}}
      events:
        Distance:
          id: 0x8002
          type: float32
          signal: Vehicle.Route.Distance
          send: each
          cycle: 100ms
          e2e: {{profile: {profile}, data_id: 0x1235, max_delta: {max_delta}}}
"""


def write(
    folder: Path, role: str, address: str, ports: str, profile: str, max_delta: int = 1, text: str = TEXT
) -> Path:
    for name in ("car.dbc", "signals.json"):
        shutil.copy(FOLDER / name, folder)
    path = folder / f"{role}.yaml"
    path.write_text(text.format(role=role, address=address, ports=ports, profile=profile, max_delta=max_delta))
    return path


class Protected:
    """One gateway offers a protected field and a protected event, others consume them. `events`: those on the wire."""

    def __init__(self, folder: Path, profile: str = "P05", max_delta: int = 1, text: str = TEXT) -> None:
        self.kernel = Kernel()
        self.segment = Segment(self.kernel, random.Random(1))
        self.events: list[Message] = []
        self.segment.listeners.append(lambda _time, frame: self._note(parse(frame)))
        self._folder, self._profile, self._max_delta, self._text = folder, profile, max_delta, text
        self.giver, self.offering = self._node("offer", "10.0.0.1", "udp: 30501")
        self.taker, self.consuming = self._node("consume", "10.0.0.2", "transport: udp")
        self.until(lambda: bool(self.consuming.consumers[0].found))
        self.run(10)

    def _node(self, role: str, address: str, ports: str) -> tuple[Vehicle, Node]:
        path = write(self._folder, role, address, ports, self._profile, self._max_delta, self._text)
        vehicle = build(read_vehicle(path), self.kernel)
        assert vehicle.someip is not None
        host = self.segment.attach(address, address)
        vehicle.someip.open(host)
        if role == "offer":
            self._other = host.open_udp(40000, lambda *_: None)
        return vehicle, vehicle.someip

    def another(self, address: str) -> Vehicle:
        vehicle, node = self._node("consume", address, "transport: udp")
        self.until(lambda: bool(node.consumers[0].found))
        self.run(10)
        return vehicle

    def _note(self, packet: Packet | None) -> None:
        if packet is not None and packet.target.port != 30490:
            self.events += [each for each in messages(packet.payload) if each.type == MessageType.NOTIFICATION]

    def run(self, ms: int) -> None:
        self.kernel.run(self.kernel.now + ms * MS)

    def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(3000):
            if condition():
                return
            self.run(1)
        raise AssertionError("it did not come about")

    def give(self, value: float | str) -> None:
        path = NAME if isinstance(value, str) else DISTANCE
        self.giver.gateway.store[path].publish(value)
        self.run(10)

    def forge(self, message: Message) -> None:
        """An event of the giver's host to the consumer that its gateway has not sent."""
        (subscriber,) = self.offering.discovery.offers.subscribers(Instance(0x1234, 1), 1)
        assert subscriber.udp is not None
        self._other.send(message.build(), subscriber.udp)
        self.run(1)

    @property
    def faults(self) -> dict[str, int]:
        return self.consuming.status().consumed[0].faults


def taken(vehicle: Vehicle, path: str) -> object:
    point = vehicle.gateway.store[path].datapoint
    return point.value if point.quality is Quality.GOOD else point.quality


@pytest.fixture(params=["P04", "P05", "P06", "P07"])
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_events_and_fields_come_with_the_header_that_the_package_expects(tmp_path: Path, profile: str) -> None:
    pair = Protected(tmp_path, profile)
    pair.give("home")
    pair.give(12.5)
    pair.give(12.5)
    assert (taken(pair.taker, NAME), taken(pair.taker, DISTANCE)) == ("home", 12.5)
    assert pair.consuming.status().consumed[0].checks == {"Name": "init", "Distance": "valid"}
    name = profile.lower()
    check = getattr(import_module(f"e2e.{name}"), f"e2e_{name}_check")
    assert len(pair.events) == 3
    for each in pair.events:
        wire = each.build()[8:]
        assert check(bytearray(wire), 0x1234 if each.method == 0x8001 else 0x1235, offset=8, length=len(wire))
    assert pair.events[-1].payload.endswith(struct.pack(">f", 12.5))


def test_a_field_in_segments_is_protected_as_a_whole(tmp_path: Path) -> None:
    pair = Protected(tmp_path, "P04")
    pair.give("x" * 5000)
    assert taken(pair.taker, NAME) == "x" * 5000
    assert pair.faults == {}


def test_an_event_without_protection_is_not_believed(tmp_path: Path) -> None:
    pair = Protected(tmp_path)
    pair.give(1.0)
    pair.forge(Message(0x1234, 0x8002, struct.pack(">f", 9.0), MessageType.NOTIFICATION, 0, 7))
    assert taken(pair.taker, DISTANCE) == 1.0
    assert pair.faults == {"Distance: end-to-end check: error": 1}


def test_a_replayed_event_is_not_believed(tmp_path: Path) -> None:
    pair = Protected(tmp_path)
    pair.give(1.0)
    old = pair.events[-1]
    pair.give(2.0)
    pair.give(3.0)
    pair.forge(old)
    assert taken(pair.taker, DISTANCE) == 3.0
    assert pair.faults == {"Distance: end-to-end check: wrong sequence": 1}


def test_a_flood_of_spoiled_events_makes_the_signal_stale_until_enough_are_good(tmp_path: Path) -> None:
    pair = Protected(tmp_path)
    for value in (1.0, 2.0, 3.0):
        pair.give(value)
    for _ in range(3):
        pair.forge(pair.events[-1]._replace(payload=b"spoilt and sent"))
    assert taken(pair.taker, DISTANCE) is Quality.STALE
    assert pair.consuming.status().consumed[0].checks["Distance"] == "invalid"
    for value in (4.0, 5.0, 6.0, 7.0, 8.0):
        pair.give(value)
    assert taken(pair.taker, DISTANCE) == 8.0


@pytest.mark.parametrize(
    "protection", ["          e2e: {{profile: {profile}, data_id: 0x1235, max_delta: {max_delta}}}\n", ""]
)
def test_what_does_not_come_any_more_is_stale_after_three_cycles(tmp_path: Path, protection: str) -> None:
    before, _, _ = TEXT.partition("          e2e: ")
    pair = Protected(tmp_path, text=before + protection)
    pair.give(1.0)
    pair.run(500)  # told again each 100 ms
    assert taken(pair.taker, DISTANCE) == 1.0
    pair.segment.faults.cut.add("10.0.0.1")
    pair.run(250)
    assert taken(pair.taker, DISTANCE) == 1.0
    pair.run(150)
    assert taken(pair.taker, DISTANCE) is Quality.STALE


def test_lost_events_are_a_wrong_sequence_unless_so_many_may_be_missing(tmp_path: Path) -> None:
    for max_delta, expected in ((1, 1.0), (3, 4.0)):
        folder = tmp_path / str(max_delta)
        folder.mkdir()
        pair = Protected(folder, max_delta=max_delta)
        pair.give(1.0)
        pair.segment.faults.loss = 1.0
        pair.give(2.0)
        pair.give(3.0)
        pair.segment.faults.loss = 0.0
        pair.give(4.0)
        assert taken(pair.taker, DISTANCE) == expected


def test_a_new_subscriber_disturbs_nobody(tmp_path: Path) -> None:
    pair = Protected(tmp_path)
    pair.give("home")
    third = pair.another("10.0.0.3")
    assert taken(third, NAME) == "home"
    pair.give("work")
    assert (taken(pair.taker, NAME), taken(third, NAME)) == ("work", "work")
    assert pair.faults == {}


def test_a_service_that_begins_anew_is_believed_from_its_first_event(tmp_path: Path) -> None:
    pair = Protected(tmp_path)
    for value in (1.0, 2.0, 3.0):
        pair.give(value)
    pair.offering.close()
    pair.run(10)
    assert taken(pair.taker, DISTANCE) is Quality.STALE
    pair.offering.open(pair.segment.hosts["10.0.0.1"])
    pair.until(lambda: bool(pair.consuming.consumers[0].found))
    pair.run(10)
    pair.give(4.0)
    assert taken(pair.taker, DISTANCE) == 4.0
    assert pair.faults == {}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("notify: 0x8001, ", "get: 0x0001, ", "`e2e` protects the notifier of a field, and it has none"),
        ("notify: 0x8001, ", "notify: 0x8001, get: 0x0001, ", "the getter's answer would come unchecked"),
        ("data_id: 0x1234", "data_id: 0x12345", "E2E P05: the data identifier is a number of 16 bits"),
        ("max_delta: 1", "max_delta: 256", "E2E P05: max_delta is 1 to 255, not 256"),
    ],
)
def test_protection_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = write(tmp_path, "consume", "10.0.0.2", "transport: udp", "P05")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(VehicleFileError) as caught:
        build(read_vehicle(path), Kernel())
    assert sentence in str(caught.value)
