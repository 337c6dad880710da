"""Routes of whole frames, in virtual time."""

from __future__ import annotations

import pytest
from routing_bench import MS, US, RoutingBench

from gateway.can import BRS, EXTENDED, FD, ControllerState, Frame
from gateway.routing import NOT_YET, Decision
from gateway.routing.route import CONDITION_FALSE, LOST, NEEDS_FD, QUEUE_FULL, RATE_LIMIT, UNDECIDED


def test_a_frame_goes_on_as_it_is_after_the_latency() -> None:
    bench = RoutingBench(latency_ns=200 * US)
    route = bench.frame_route()
    bench.send_at(MS, "0102")
    got = bench.run(10 * MS)
    duration = bench.a.times.duration_ns(Frame(0x100, b"\x01\x02"))
    assert [(one.time_ns, str(one.frame)) for one in got] == [(MS + duration + 200 * US + duration, "100#0102")]
    journey = route.last
    assert journey is not None
    assert (journey.received_ns, journey.sent_ns) == (MS + duration, got[0].time_ns)


def test_other_identifiers_stay_where_they_are() -> None:
    bench = RoutingBench()
    route = bench.frame_route()
    bench.send_at(MS, "01", identifier=0x101)
    bench.sender.bus.kernel.at(2 * MS, lambda: bench.sender.send(Frame(0x100 | EXTENDED, b"")))
    assert bench.run(10 * MS) == []
    assert route.counts.received == 0


def test_a_whole_bus_goes_on() -> None:
    bench = RoutingBench()
    bench.frame_route(None)
    for index, identifier in enumerate((0x100, 0x7FF, 0x123 | EXTENDED)):
        bench.send_at((index + 1) * MS, "AA", identifier)
    assert [str(got.frame) for got in bench.run(10 * MS)] == ["100#AA", "7FF#AA", "00000123#AA"]


def test_a_frame_can_get_another_identifier() -> None:
    bench = RoutingBench()
    bench.frame_route(target_key=0x18DAF110 | EXTENDED)
    bench.send_at(MS, "0102")
    assert [str(got.frame) for got in bench.run(10 * MS)] == ["18DAF110#0102"]


def test_the_gateway_does_not_take_its_own_frames() -> None:
    bench = RoutingBench()
    bench.frame_route()
    taken: list[Frame] = []
    bench.gateway.controllers["b"].receive_all(taken.append)
    bench.send_at(MS, "01")
    assert len(bench.run(10 * MS)) == 1
    assert taken == []


def test_a_condition_decides() -> None:
    bench = RoutingBench()
    route = bench.frame_route()
    route.condition = lambda data: data[0] > 5 if data else None
    for index, data in enumerate(("06", "05", "")):
        bench.send_at((index + 1) * MS, data)
    bench.run(10 * MS)
    assert bench.data == ["06"]
    assert bench.decisions(route) == [
        (Decision.FORWARDED, ""),
        (Decision.FILTERED, CONDITION_FALSE),
        (Decision.DROPPED, UNDECIDED),
    ]


def test_at_most_one_in_each_span() -> None:
    bench = RoutingBench()
    route = bench.frame_route()
    route.every_ns = 10 * MS
    for time_ms in (1, 5, 10, 11, 12, 30):
        bench.send_at(time_ms * MS, "55")
    assert [got.time_ns // MS for got in bench.run(50 * MS)] == [1, 11, 30]
    assert route.counts.filtered == {RATE_LIMIT: 3}


def test_what_is_not_passed_by_the_condition_does_not_use_up_the_span() -> None:
    bench = RoutingBench()
    route = bench.frame_route()
    route.every_ns = 10 * MS
    route.condition = lambda data: data[0] > 5
    bench.send_at(MS, "01")
    bench.send_at(2 * MS, "06")
    bench.run(50 * MS)
    assert bench.data == ["06"]


def test_can_fd_does_not_go_to_a_classic_bus() -> None:
    bench = RoutingBench(a_fd=True)
    route = bench.frame_route()
    bench.at(MS, lambda: bench.sender.send(Frame(0x100 | FD | BRS, bytes(12))))
    assert bench.run(10 * MS) == []
    assert route.counts.dropped == {NEEDS_FD: 1}


def test_frames_leave_in_the_order_in_which_they_came() -> None:
    bench = RoutingBench(latency_ns=5 * MS)
    bench.frame_route(None)
    for index in range(10):
        bench.send_at(MS + index * 300 * US, bytes([index]), identifier=0x700 - index)
    bench.run(50 * MS)
    assert bench.data == [f"{index:02x}" for index in range(10)]


def test_a_full_queue_drops_what_comes_then() -> None:
    bench = RoutingBench(limit=3, latency_ns=20 * MS)
    route = bench.frame_route()
    for index in range(5):
        bench.send_at((index + 1) * MS, bytes([index]))
    bench.run(100 * MS)
    assert bench.data == ["00", "01", "02"]
    assert route.counts.dropped == {QUEUE_FULL: 2}


def test_the_queue_counts_what_waits_for_the_bus() -> None:
    bench = RoutingBench(limit=3, latency_ns=0, b_rate=10_000)
    route = bench.frame_route()
    for index in range(6):
        bench.send_at((index + 1) * MS, bytes([index]))
    bench.run(1000 * MS)
    assert bench.data == ["00", "01", "02", "03"]  # the first is on the bus already
    assert route.counts.dropped == {QUEUE_FULL: 2}


def test_a_route_can_have_a_latency_of_its_own() -> None:
    bench = RoutingBench(latency_ns=10 * MS)
    bench.frame_route(0x100)
    bench.frame_route(0x200, latency_ns=MS)
    bench.send_at(MS, "01", 0x100)
    bench.send_at(2 * MS, "02", 0x200)
    bench.run(50 * MS)
    assert bench.data == ["02", "01"]


def test_what_a_controller_that_is_off_does_not_take_is_dropped() -> None:
    bench = RoutingBench()
    route = bench.frame_route()
    bench.out.switch_off()
    bench.send_at(MS, "01")
    assert bench.run(10 * MS) == []
    assert route.counts.dropped == {"controller off": 1}


def test_what_waits_when_the_controller_leaves_the_bus_is_lost() -> None:
    bench = RoutingBench(latency_ns=0, b_rate=10_000)
    route = bench.frame_route()
    for index in range(4):
        bench.send_at((index + 1) * MS, bytes([index]))
    bench.at(6 * MS, bench.out.switch_off)
    bench.run(100 * MS)
    assert route.counts.dropped[LOST] >= 3
    assert route.counts.forwarded + route.counts.dropped[LOST] == 4


def test_nobody_to_acknowledge_leaves_it_undelivered_and_not_sent() -> None:
    bench = RoutingBench()
    route = bench.frame_route()
    bench.receiver.switch_off()
    bench.send_at(MS, "01")
    bench.run(20 * MS)
    assert bench.out.state is ControllerState.ERROR_PASSIVE
    assert route.last is not None and route.last.sent_ns == NOT_YET
    bench.receiver.switch_on()
    bench.run(40 * MS)
    assert route.last.sent_ns > 20 * MS


def test_both_routes_of_one_frame_decide_on_their_own() -> None:
    bench = RoutingBench()
    one = bench.frame_route()
    other = bench.frame_route(target_key=0x200)
    other.condition = lambda data: False
    bench.send_at(MS, "01")
    bench.run(10 * MS)
    assert bench.decisions(one) == [(Decision.FORWARDED, "")]
    assert bench.decisions(other) == [(Decision.FILTERED, CONDITION_FALSE)]


@pytest.mark.parametrize("latency_ns", [0, 1, 200 * US])
def test_latency_counts_from_the_end_of_the_frame(latency_ns: int) -> None:
    bench = RoutingBench(latency_ns=latency_ns)
    bench.frame_route()
    requests: list[int] = []
    bench.out.on_sent = lambda _frame, requested, _start: requests.append(requested)
    bench.send_at(MS, "01")
    bench.run(10 * MS)
    assert requests == [MS + bench.a.times.duration_ns(Frame(0x100, b"\x01")) + latency_ns]
