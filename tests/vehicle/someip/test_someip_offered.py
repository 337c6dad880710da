"""What a vehicle offers over SOME/IP: fields, events, methods, who subscribes and what is refused."""

from __future__ import annotations

import pytest
from someip_bench import COMFORT, MS, Peer, S, SomeIpBench

from gateway.ethernet import Endpoint
from gateway.someip import (
    Answer,
    Gone,
    Instance,
    Message,
    MessageType,
    NotAcknowledged,
    ReturnCode,
    Text,
    Unavailable,
)
from gateway.vehicle.report import report


def payloads(bench: SomeIpBench, event: int) -> list[bytes]:
    return [message.payload for _, message in bench.peer.events if message.method == event]


# Events


def test_an_event_goes_out_on_change_only(bench: SomeIpBench) -> None:
    bench.subscribed(1)
    for position in (10, 10, 20, 20, 10):
        bench.pedal(position)
        bench.run(5)
    assert payloads(bench, 0x8001) == [b"\x00\x64", b"\x00\xc8", b"\x00\x64"]
    assert [message.session for _, message in bench.peer.events] == [1, 2, 3]


def test_an_event_keeps_its_smallest_interval_and_its_last_value(bench: SomeIpBench) -> None:
    bench.subscribed(2)
    for position in (10, 20, 30, 40):
        bench.pedal(position, position == 40)
        bench.run(5)
    bench.run(100)
    assert payloads(bench, 0x8010) == [b"\x00\x14\x00", b"\x00\x50\x01"]
    times = [time for time, _ in bench.peer.events]
    assert times[1] - times[0] == 50 * MS


def test_members_that_change_together_make_one_event(bench: SomeIpBench) -> None:
    bench.subscribed(2)
    bench.pedal(10, False)
    bench.run(100)
    bench.pedal(20, True)
    bench.run(100)
    assert payloads(bench, 0x8010) == [b"\x00\x14\x00", b"\x00\x28\x01"]


def test_a_cyclic_event_keeps_coming(bench: SomeIpBench) -> None:
    bench.subscribed(3)
    bench.pedal(10)
    bench.run(1000)
    assert 9 <= len(payloads(bench, 0x8011)) <= 11
    assert set(payloads(bench, 0x8011)) == {bytes.fromhex("41200000")}


def test_an_event_without_any_value_yet_stays_away(bench: SomeIpBench) -> None:
    bench.subscribed(1, 2, 3)
    bench.run(1000)
    assert bench.peer.events == []


def test_events_go_to_the_group_once_there_are_enough_subscribers(bench: SomeIpBench) -> None:
    bench.subscribed(3)
    other = Peer(bench.segment, "Cluster", "10.0.0.3")
    group = Endpoint("239.1.1.1", 30600)
    for peer in (bench.peer, other):
        peer.host.open_udp(group.port, peer.take).join(group.host)
    bench.pedal(10)
    bench.run(150)
    assert len(payloads(bench, 0x8011)) == 2
    other.find(COMFORT.service)
    bench.run(1100)
    other.subscribe(3)
    bench.run(20)
    bench.packets.clear()
    bench.run(200)
    events = [frame for _, frame in bench.packets if frame[36:38] == (30600).to_bytes(2, "big")]
    assert len(events) == 2
    assert {frame[:6].hex(":") for frame in events} == {"01:00:5e:01:01:01"}
    assert other.events


def test_a_subscriber_in_two_groups_gets_an_event_once(bench: SomeIpBench) -> None:
    bench.subscribed(1, 2)
    bench.pedal(10)
    bench.run(20)
    assert sorted(message.method for _, message in bench.peer.events) == [0x8001, 0x8010]


def test_events_over_tcp_follow_the_connection(bench: SomeIpBench) -> None:
    bench.subscribed()
    connection = bench.peer.connect()
    bench.run(5)
    bench.peer.subscribe(1, connection=connection)
    bench.run(5)
    bench.pedal(10)
    bench.run(5)
    assert payloads(bench, 0x8001) == [b"\x00\x64"]
    connection.close()
    bench.run(5)
    bench.pedal(20)
    bench.run(5)
    assert payloads(bench, 0x8001) == [b"\x00\x64"]
    assert bench.node.status().offered[0].subscribers[1] == []


def test_a_subscription_over_tcp_without_a_connection_is_refused(bench: SomeIpBench) -> None:
    bench.subscribed()
    connection = bench.peer.connect()
    bench.run(5)
    connection.close()
    bench.run(5)
    bench.peer.subscribe(1, connection=connection)
    bench.run(5)
    assert not [event for event in bench.peer.told if isinstance(event, NotAcknowledged)]  # it may be on its way
    bench.run(400)  # with each offer the peer asks anew
    assert NotAcknowledged(COMFORT, 1, "10.0.0.1") in bench.peer.told


def test_a_subscriber_that_is_cut_off_gets_no_more_after_its_time_to_live(bench: SomeIpBench) -> None:
    bench.subscribed(1)
    bench.segment.faults.cut.add("HU")
    bench.run(4000)
    assert bench.node.status().offered[0].subscribers[1] == []
    assert any("its time to live ran out" in note.text for note in bench.node.notes.items)
    bench.segment.faults.cut.clear()
    bench.until(lambda: any(isinstance(event, Unavailable) for event in bench.peer.told))


# Fields and methods


def test_a_field_is_got_and_set_down_to_can_and_comes_back_as_an_event(bench: SomeIpBench) -> None:
    bench.subscribed(1)
    assert bench.call(0x0002) == Answer(ReturnCode.NOT_READY)
    assert bench.call(0x0003, b"\x07") == Answer(ReturnCode.OK, b"\x07")
    bench.run(5)
    assert bench.sent(0x200) == [b"\x07\x00\x00"]
    assert payloads(bench, 0x8002) == []  # the heater has not said anything yet
    from gateway.can import Frame

    bench.vehicle.buses["body"].send(bench.tester, Frame(0x300, b"\x07"))
    bench.run(5)
    assert payloads(bench, 0x8002) == [b"\x07"]
    assert bench.call(0x0002) == Answer(ReturnCode.OK, b"\x07")


def test_a_setter_is_answered_with_what_was_taken(bench: SomeIpBench) -> None:
    """Bytes after a known layout may be those of a newer peer."""
    bench.subscribed()
    assert bench.call(0x0003, b"\x07\x01\x02") == Answer(ReturnCode.OK, b"\x07")


def test_a_method_sends_one_frame_for_all_its_signals(bench: SomeIpBench) -> None:
    bench.subscribed()
    bench.pedal(50)
    bench.run(5)
    request = bytes([40]) + Text().encode("screen")
    assert bench.call(0x0011, request) == Answer(ReturnCode.OK, bytes.fromhex("42480000 01"))
    bench.run(5)
    assert bench.sent(0x200) == [b"\x00\x02\x28"]
    assert bench.call(0x0012) == Answer(ReturnCode.OK)
    bench.run(5)
    assert bench.sent(0x200)[1:] == [b"\x00\x00\x00"]


@pytest.mark.parametrize(
    ("method", "payload", "code"),
    [
        (0x0003, b"", ReturnCode.MALFORMED_MESSAGE),
        (0x0003, b"\x0b", ReturnCode.NOT_OK),
        (0x0010, b"\xff", ReturnCode.NOT_OK),
        (0x0011, b"\x28\x00\x00\x00\x09", ReturnCode.MALFORMED_MESSAGE),
        (0x0011, b"\x28" + Text().encode("sideways"), ReturnCode.MALFORMED_MESSAGE),
        (0x0011, b"\x65" + Text().encode("feet"), ReturnCode.NOT_OK),
        (0x7777, b"", ReturnCode.UNKNOWN_METHOD),
    ],
)
def test_a_call_that_cannot_be_is_refused_and_sends_nothing(
    bench: SomeIpBench, method: int, payload: bytes, code: ReturnCode
) -> None:
    bench.subscribed()
    assert bench.call(method, payload).return_code == code
    bench.run(5)
    assert bench.sent(0x200) == []
    assert bench.node.status().offered[0].answers == {code.name: 1}


def test_several_requests_in_one_datagram_are_all_answered(bench: SomeIpBench) -> None:
    bench.subscribed()
    answers: list[Answer] = []
    requests = [bench.peer.calls.request(0x1234, 0x0003, bytes([n]), 1, S * 9, answers.append) for n in (1, 2, 3)]
    bench.peer.port.send(b"".join(each.build() for each in requests if each), Endpoint("10.0.0.1", 30501))
    bench.run(5)
    assert answers == [Answer(ReturnCode.OK, bytes([n])) for n in (1, 2, 3)]
    assert bench.sent(0x200) == [bytes([n, 0, 0]) for n in (1, 2, 3)]


def test_calls_over_tcp_are_answered_over_tcp(bench: SomeIpBench) -> None:
    bench.subscribed()
    connection = bench.peer.connect()
    answers: list[Answer] = []
    request = bench.peer.calls.request(0x1234, 0x0003, b"\x04", 1, S * 9, answers.append)
    assert request is not None
    bench.run(5)
    connection.send(request.build())
    bench.run(5)
    assert answers == [Answer(ReturnCode.OK, b"\x04")]


def test_a_dead_bus_is_told_to_the_caller(bench: SomeIpBench) -> None:
    bench.subscribed()
    bench.vehicle.gateway.controllers["body"].switch_off()
    assert bench.call(0x0010, b"\x03") == Answer(ReturnCode.NOT_OK)


def test_malformed_datagrams_are_counted_and_answer_nothing(bench: SomeIpBench) -> None:
    bench.subscribed()
    bench.peer.port.send(b"\x12\x34\x00", Endpoint("10.0.0.1", 30501))
    bench.run(5)
    assert bench.node.status().faults["malformed datagrams"] == 1


def test_a_run_tells_in_the_end_what_was_wrong(bench: SomeIpBench) -> None:
    bench.subscribed()
    for method, payload in ((0x7777, b""), (0x7777, b""), (0x0003, b""), (0x0003, b"\x0b"), (0x0003, b"\x07")):
        bench.call(method, payload)
    bench.peer.port.send(b"\x12\x34\x00", Endpoint("10.0.0.1", 30501))
    bench.run(5)
    bench.vehicle.stop()
    told = report(bench.vehicle, 0).unfit
    (refused,) = [text for text in told if text.startswith("SOME/IP Comfort: Level: ")]
    assert told == {
        refused: 1,
        "SOME/IP: requests answered with E_UNKNOWN_METHOD (0x03)": 2,
        "SOME/IP: requests answered with E_MALFORMED_MESSAGE (0x09)": 1,
        "SOME/IP: malformed datagrams": 1,
    }


# The discovery at work


def test_offers_are_taken_back_when_the_vehicle_stops(bench: SomeIpBench) -> None:
    bench.subscribed(1)
    bench.vehicle.stop()
    bench.run(5)
    gone = [event for event in bench.peer.told if isinstance(event, Unavailable)]
    assert [event.why for event in gone] == [Gone.STOPPED]


def test_a_stranger_with_our_service_is_reported(bench: SomeIpBench) -> None:
    bench.start()
    bench.peer.offer(COMFORT)
    bench.run(100)
    assert bench.node.counts["offers of strangers"] >= 1
    assert any("10.0.0.2 offers 1234.0001, which is 10.0.0.1's" in note.text for note in bench.node.notes.items)


def test_a_lossy_network_does_not_keep_a_subscriber_away(bench: SomeIpBench) -> None:
    bench.peer.groups = [1]
    bench.segment.faults.loss = 0.3
    bench.subscribed()
    bench.run(10_000)
    bench.segment.faults.loss = 0
    bench.run(1100)
    assert bench.node.status().offered[0].subscribers[1] == ["UDP 10.0.0.2:40000"]
    bench.pedal(30)
    bench.run(5)
    assert payloads(bench, 0x8001)[-1:] == [b"\x01\x2c"]


def test_another_instance_is_not_ours(bench: SomeIpBench) -> None:
    bench.start()
    bench.peer.offer(Instance(0x1234, 2))
    bench.run(100)
    assert bench.node.counts["offers of strangers"] == 0


def test_a_notification_to_a_service_port_is_no_request(bench: SomeIpBench) -> None:
    bench.subscribed()
    event = Message(0x2222, 0x8001, b"", MessageType.NOTIFICATION)
    bench.peer.port.send(event.build(), Endpoint("10.0.0.1", 30501))
    bench.run(5)
    assert bench.node.status().faults["events that nobody wants"] == 1
