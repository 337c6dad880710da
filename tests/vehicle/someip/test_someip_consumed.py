"""What a vehicle consumes over SOME/IP: another ECU's fields and events become signals and CAN frames."""

from __future__ import annotations

import pytest
from someip_bench import NAVIGATION, Peer, S, SomeIpBench

from gateway.routing import Quality
from gateway.someip import Message, MessageType, Text

NAME, DISTANCE, VOLUME = "Vehicle.Route.Name", "Vehicle.Route.Distance", "Vehicle.Route.Volume"


def event(method: int, payload: bytes, version: int = 1) -> Message:
    return Message(0x2222, method, payload, MessageType.NOTIFICATION, 0, 1, version)


@pytest.fixture
def navigating(bench: SomeIpBench) -> SomeIpBench:
    """The peer offers the navigation, and the gateway has subscribed."""
    bench.start()
    bench.peer.answers = {0x0001: Text().encode("home"), 0x0003: b"\x05", 0x0020: b""}
    bench.peer.offer(NAVIGATION, 1)
    bench.until(lambda: bool(bench.peer.discovery.offers.subscribers(NAVIGATION, 1)))
    bench.run(20)
    return bench


def value(bench: SomeIpBench, path: str) -> object:
    point = bench.vehicle.gateway.store[path].datapoint
    return point.value if point.quality is Quality.GOOD else point.quality


def test_a_field_is_asked_for_when_its_service_appears(navigating: SomeIpBench) -> None:
    assert value(navigating, NAME) == "home"
    assert value(navigating, DISTANCE) is Quality.ABSENT


def test_events_become_signals(navigating: SomeIpBench) -> None:
    navigating.peer.notify(event(0x8001, Text().encode("work")), 1)
    navigating.peer.notify(event(0x8002, bytes.fromhex("41480000")), 1)
    navigating.run(5)
    assert (value(navigating, NAME), value(navigating, DISTANCE)) == ("work", 12.5)


def test_an_event_becomes_a_can_frame(navigating: SomeIpBench) -> None:
    navigating.peer.notify(event(0x8004, b"\x09"), 1)
    navigating.run(5)
    assert navigating.sent(0x200) == [b"\x09\x00\x00"]


def test_a_long_event_comes_in_segments(navigating: SomeIpBench) -> None:
    navigating.peer.notify(event(0x8001, Text().encode("x" * 5000)), 1)
    navigating.run(5)
    assert value(navigating, NAME) == "x" * 5000


def test_a_target_value_calls_the_setter_of_the_field(navigating: SomeIpBench) -> None:
    navigating.vehicle.gateway.store[VOLUME].actuate(5)
    navigating.run(5)
    assert [(each.method, each.payload) for each in navigating.peer.requests[1:]] == [(0x0003, b"\x05")]
    assert value(navigating, VOLUME) is Quality.ABSENT  # it is what its owner says it is
    navigating.peer.notify(event(0x8003, b"\x05"), 1)
    navigating.run(5)
    assert value(navigating, VOLUME) == 5
    assert len(navigating.peer.requests) == 2


def test_a_changed_signal_calls_the_method(navigating: SomeIpBench) -> None:
    navigating.pedal(50)
    navigating.run(5)
    assert [(each.method, each.payload.hex()) for each in navigating.peer.requests[1:]] == [(0x0020, "42480000")]


def test_what_a_lost_service_told_is_stale(navigating: SomeIpBench) -> None:
    navigating.peer.stop()
    navigating.run(5)
    assert value(navigating, NAME) is Quality.STALE
    (status,) = navigating.node.status().consumed
    assert status.missing == "10.0.0.2 no longer offers it: taken back"


def test_a_service_that_is_cut_off_is_missed_within_its_time_to_live(navigating: SomeIpBench) -> None:
    navigating.segment.faults.cut.add("HU")
    navigating.run(3500)
    assert value(navigating, NAME) is Quality.STALE
    navigating.segment.faults.cut.clear()
    navigating.until(lambda: value(navigating, NAME) == "home")


def test_a_peer_that_starts_anew_is_subscribed_to_again(navigating: SomeIpBench) -> None:
    host = navigating.peer.host
    for port in list(host._udp):
        port.close()
    del navigating.segment.hosts["HU"], navigating.segment._by_address["10.0.0.2"]
    again = navigating.peer = Peer(navigating.segment, "HU", "10.0.0.2")
    again.answers = {0x0001: Text().encode("new")}
    again.offer(NAVIGATION, 1)
    navigating.until(lambda: bool(again.discovery.offers.subscribers(NAVIGATION, 1)), within_ms=3000)
    navigating.until(lambda: value(navigating, NAME) == "new")
    assert navigating.node.counts["reboots of peers"] == 1


def test_a_stranger_is_not_believed(navigating: SomeIpBench) -> None:
    stranger = Peer(navigating.segment, "Stranger", "10.0.0.66")
    stranger.offer(NAVIGATION, 1)
    (subscriber,) = navigating.peer.discovery.offers.subscribers(NAVIGATION, 1)
    assert subscriber.udp is not None
    stranger.port.send(event(0x8001, Text().encode("trap")).build(), subscriber.udp)
    navigating.run(100)
    assert value(navigating, NAME) == "home"
    assert any("10.0.0.66 offers 2222.0001, which is 10.0.0.2's" in note.text for note in navigating.node.notes.items)
    assert navigating.node.counts["events that nobody wants"] == 1


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (event(0x8001, b"\x00"), "Name: the length field at byte 0 is cut short"),
        (event(0x8002, b"\x00"), "Distance: float32 at byte 0 needs 4 bytes, and 1 are left"),
        (event(0x8009, b""), "event 0x8009 is not of Navigation"),
        (event(0x8002, bytes(4), 2), "Distance: interface version 2"),
        (event(0x8004, b"\x0b"), "Warm: "),
    ],
)
def test_an_event_that_cannot_be_is_counted(navigating: SomeIpBench, message: Message, fault: str) -> None:
    navigating.peer.notify(message, 1)
    navigating.run(5)
    (status,) = navigating.node.status().consumed
    assert [what.startswith(fault) for what in status.faults] == [True]
    assert navigating.sent(0x200) == []


def test_a_setter_that_is_not_answered_is_counted(navigating: SomeIpBench) -> None:
    del navigating.peer.answers[0x0003]
    navigating.vehicle.gateway.store[VOLUME].actuate(5)
    navigating.run(1100)
    (status,) = navigating.node.status().consumed
    assert status.faults == {"Volume: E_TIMEOUT (0x06)": 1}
    assert navigating.kernel.now < 10 * S
