"""Routes of signals, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from routing_bench import MS, US, RoutingBench

from gateway.database import Message, Signal
from gateway.routing import Decision, RoutedFrame, SendMode
from gateway.routing.route import LOST, NOT_IN_MAP, OUT_OF_RANGE, QUEUE_FULL, TIMED_OUT, TOO_SHORT, UNCHANGED


def source(**more: Any) -> Signal:
    signal = Signal(name="Value", start=0, length=8, **more)
    Message(name="Source", arbitration_id=0x100, length=2, signals=(signal,))
    return signal


def target(cycle_ns: int | None = None, **more: Any) -> Message:
    signals = (Signal(name="Shown", start=0, length=8, **more), Signal(name="Other", start=8, length=8, initial_raw=7))
    return Message(name="Target", arbitration_id=0x200, length=2, signals=signals, cycle_ns=cycle_ns)


def test_each_value_goes_out_with_the_message_of_the_gateway() -> None:
    bench = RoutingBench()
    bench.signal_route(source(), target(), "Shown")
    for time_ms, data in ((1, "05"), (2, "05"), (3, "06")):
        bench.send_at(time_ms * MS, data)
    bench.run(10 * MS)
    assert bench.data == ["0507", "0507", "0607"]


def test_scale_and_offset() -> None:
    bench = RoutingBench()
    bench.signal_route(source(scale=0.5), target(), "Shown", scale=3, offset=1)
    bench.send_at(MS, "0A")
    bench.run(10 * MS)
    assert bench.data == ["1007"]  # 10 * 0.5 * 3 + 1 = 16


def test_a_map_takes_labels_and_numbers() -> None:
    bench = RoutingBench()
    table = {"On": "Lit", 5: 9}
    route = bench.signal_route(
        source(choices={0: "Off", 1: "On"}), target(choices={1: "Lit", 2: "Dark"}), "Shown", table=table
    )
    for time_ms, data in ((1, "01"), (2, "05"), (3, "00")):
        bench.send_at(time_ms * MS, data)
    bench.run(10 * MS)
    assert bench.data == ["0107", "0907"]
    assert route.counts.dropped == {NOT_IN_MAP: 1}


def test_only_changes() -> None:
    bench = RoutingBench()
    route = bench.signal_route(source(), target(), "Shown", mode=SendMode.ON_CHANGE)
    for time_ms, data in ((1, "05"), (2, "05"), (3, "06"), (4, "05")):
        bench.send_at(time_ms * MS, data)
    bench.run(10 * MS)
    assert bench.data == ["0507", "0607", "0507"]
    assert route.counts.filtered == {UNCHANGED: 1}


def test_a_change_that_was_not_delivered_is_still_one_when_it_comes_again() -> None:
    bench = RoutingBench()
    route = bench.signal_route(source(), target(), "Shown", mode=SendMode.ON_CHANGE)
    bench.out.switch_off()
    bench.send_at(MS, "05")
    bench.at(2 * MS, bench.out.switch_on)
    bench.send_at(3 * MS, "05")
    bench.run(10 * MS)
    assert bench.data == ["0507"]
    assert route.counts.dropped == {"controller off": 1}
    assert route.counts.forwarded == 1


def test_a_change_that_is_lost_with_its_frame_is_still_one_when_it_comes_again() -> None:
    bench = RoutingBench(b_rate=10_000, latency_ns=0)
    route = bench.signal_route(source(), target(), "Shown", mode=SendMode.ON_CHANGE)
    bench.send_at(MS, "05")
    bench.send_at(2 * MS, "06")
    bench.at(4 * MS, bench.out.switch_off)
    bench.at(20 * MS, bench.out.switch_on)
    bench.send_at(30 * MS, "06")
    bench.run(100 * MS)
    assert bench.data[-1] == "0607"
    assert route.counts.dropped[LOST] >= 1


def test_a_cyclic_target_goes_out_in_its_own_time() -> None:
    bench = RoutingBench()
    bench.signal_route(source(), target(cycle_ns=10 * MS), "Shown", mode=SendMode.CYCLIC)
    bench.gateway.start()
    for time_ms, data in ((12, "01"), (14, "02"), (33, "03")):
        bench.send_at(time_ms * MS, data)
    bench.run(45 * MS)
    assert bench.data == ["0207", "0207", "0307"]
    assert [got.time_ns // MS for got in bench.got] == [20, 30, 40]


def test_two_routes_share_one_message() -> None:
    bench = RoutingBench()
    message = target()
    other = Signal(name="Value", start=0, length=8)
    Message(name="Second", arbitration_id=0x101, length=1, signals=(other,))
    bench.signal_route(source(), message, "Shown")
    bench.signal_route(other, message, "Other")
    bench.send_at(MS, "05")
    bench.send_at(2 * MS, "06", 0x101)
    bench.run(10 * MS)
    assert bench.data == ["0507", "0506"]
    frame = bench.got[-1].frame
    assert isinstance(frame, RoutedFrame)
    assert [journey.route for journey in frame.sources] == [0, 1]


@pytest.mark.parametrize(
    ("data", "more", "reason"),
    [("", {}, TOO_SHORT), ("FF", {"maximum": 100}, OUT_OF_RANGE)],
)
def test_what_cannot_be_put_into_the_target_is_dropped(data: str, more: dict[str, Any], reason: str) -> None:
    bench = RoutingBench()
    route = bench.signal_route(source(), target(**more), "Shown")
    bench.send_at(MS, data)
    bench.run(10 * MS)
    assert bench.data == []
    assert route.counts.dropped == {reason: 1}


def test_a_full_queue_drops() -> None:
    bench = RoutingBench(limit=2, latency_ns=20 * MS)
    route = bench.signal_route(source(), target(), "Shown")
    for index in range(4):
        bench.send_at((index + 1) * MS, bytes([index]))
    bench.run(100 * MS)
    assert route.counts.dropped == {QUEUE_FULL: 2}
    assert len(bench.got) == 2


def test_after_its_timeout_a_cyclic_target_is_no_longer_sent() -> None:
    bench = RoutingBench()
    route = bench.signal_route(source(), target(cycle_ns=10 * MS), "Shown", mode=SendMode.CYCLIC)
    route.timeout_ns = 25 * MS
    bench.gateway.start()
    bench.send_at(MS, "05")
    bench.send_at(61 * MS, "06")
    bench.run(75 * MS)
    assert [(got.time_ns // MS, got.frame.data[0]) for got in bench.got] == [(10, 5), (20, 5), (70, 6)]
    assert not route.stale


def test_a_target_is_sent_while_one_of_its_sources_is_fresh() -> None:
    bench = RoutingBench()
    message = target(cycle_ns=10 * MS)
    other = Signal(name="Value", start=0, length=8)
    Message(name="Second", arbitration_id=0x101, length=1, signals=(other,))
    one = bench.signal_route(source(), message, "Shown", mode=SendMode.CYCLIC)
    two = bench.signal_route(other, message, "Other", mode=SendMode.CYCLIC)
    one.timeout_ns = two.timeout_ns = 15 * MS
    bench.gateway.start()
    bench.send_at(MS, "05")
    bench.send_at(14 * MS, "06", 0x101)
    bench.run(60 * MS)
    assert [got.time_ns // MS for got in bench.got] == [10, 20]
    assert [len(got.frame.sources) for got in bench.got if isinstance(got.frame, RoutedFrame)] == [1, 1]


@pytest.mark.parametrize("mode", [SendMode.EACH, SendMode.ON_CHANGE])
def test_the_value_of_a_timeout_is_sent_when_it_happens(mode: SendMode) -> None:
    bench = RoutingBench()
    route = bench.signal_route(source(), target(), "Shown", mode=mode)
    route.timeout_ns, route.on_timeout = 20 * MS, 255
    bench.send_at(MS, "05")
    bench.run(100 * MS)
    assert bench.data == ["0507", "ff07"]
    frame = bench.got[-1].frame
    assert isinstance(frame, RoutedFrame) and frame.sources == ()
    bench.send_at(101 * MS, "05")
    bench.run(110 * MS)
    assert bench.data[-1] == "0507"


def test_the_value_of_a_timeout_goes_on_cyclically() -> None:
    bench = RoutingBench()
    route = bench.signal_route(source(), target(cycle_ns=10 * MS), "Shown", mode=SendMode.CYCLIC)
    route.timeout_ns, route.on_timeout = 15 * MS, 255
    bench.gateway.start()
    bench.send_at(MS, "05")
    bench.run(45 * MS)
    assert bench.data == ["0507", "ff07", "ff07", "ff07"]


def test_a_source_that_comes_but_does_not_pass_is_not_timed_out() -> None:
    bench = RoutingBench()
    route = bench.signal_route(source(), target(cycle_ns=10 * MS), "Shown", mode=SendMode.CYCLIC)
    route.timeout_ns = 15 * MS
    route.condition = lambda data: data[0] < 10
    bench.gateway.start()
    bench.send_at(MS, "05")
    for time_ms in (12, 24, 36):
        bench.send_at(time_ms * MS, "FF")
    bench.run(45 * MS)
    assert bench.data == ["0507"] * 4


def test_what_has_timed_out_while_it_waited_in_the_gateway_is_not_served_as_fresh() -> None:
    bench = RoutingBench(latency_ns=10 * MS)
    route = bench.signal_route(source(), target(cycle_ns=10 * MS), "Shown", mode=SendMode.CYCLIC)
    route.timeout_ns = 5 * MS
    bench.gateway.start()
    bench.send_at(MS, "05")
    bench.run(100 * MS)
    assert bench.data == []
    assert bench.decisions(route) == [(Decision.DROPPED, TIMED_OUT)]


def test_the_rate_of_a_signal_is_limited_too() -> None:
    bench = RoutingBench()
    route = bench.signal_route(source(), target(), "Shown")
    route.every_ns = 10 * MS
    for time_ms in range(1, 31):
        bench.send_at(time_ms * MS, "55")
    assert [got.time_ns // MS for got in bench.run(50 * MS)] == [1, 11, 21]


def test_the_latency_counts_before_the_value_is_in_the_message() -> None:
    bench = RoutingBench(latency_ns=300 * US)
    bench.signal_route(source(), target(cycle_ns=10 * MS), "Shown", mode=SendMode.CYCLIC)
    bench.gateway.start()
    bench.send_at(5 * MS, "01")
    bench.send_at(10 * MS - 200 * US, "02")
    bench.run(25 * MS)
    assert [got.frame.data[0] for got in bench.got] == [1, 2]
