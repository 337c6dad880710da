"""Nothing disappears: at any moment received = forwarded + filtered + dropped, whatever happens to the buses."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from routing_bench import MS, RoutingBench

from gateway.can import BitErrors, Frame
from gateway.database import Message, Signal
from gateway.routing import NOT_YET, Decision, SendMode
from gateway.sim import Streams

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 60_000),
        st.sampled_from(["send", "send", "send", "send", "off", "on", "deaf", "hears", "noise", "quiet"]),
        st.binary(max_size=8),
        st.sampled_from([0x0FF, 0x100, 0x101, 0x300]),
    ),
    min_size=1,
    max_size=80,
)


@settings(max_examples=60, deadline=None)
@given(
    events=EVENTS,
    latency_us=st.sampled_from([0, 50, 3000]),
    limit=st.sampled_from([1, 2, 64]),
    rate=st.sampled_from([20_000, 500_000]),
)
def test_random_traffic_with_bus_off_and_power_off_of_the_target(
    events: list[tuple[int, str, bytes, int]], latency_us: int, limit: int, rate: int
) -> None:
    bench = RoutingBench(latency_ns=latency_us * 1000, limit=limit, b_rate=rate)
    everything = bench.frame_route(None)
    limited = bench.frame_route(0x100, target_key=0x400)
    limited.every_ns = 2 * MS
    limited.condition = lambda data: data[0] % 3 > 0 if data else None
    value = Signal(name="V", start=0, length=8)
    Message(name="M", arbitration_id=0x101, signals=(value,))
    shown = Signal(name="S", start=0, length=8, maximum=200)
    message = Message(name="T", arbitration_id=0x500, length=1, signals=(shown,))
    routes = [everything, limited]
    for mode in (SendMode.ON_CHANGE, SendMode.EACH):
        route = bench.signal_route(value, message, "S", mode=mode)
        route.timeout_ns = 5 * MS
        routes.append(route)
    noise = BitErrors(0.7, Streams(1).stream("noise"))

    def happen(kind: str, data: bytes, identifier: int) -> None:
        if kind == "send":
            bench.sender.send(Frame(identifier, data))
        elif kind in ("off", "on"):
            bench.out.switch_off() if kind == "off" else bench.out.switch_on()
        elif kind in ("deaf", "hears"):
            bench.receiver.switch_off() if kind == "deaf" else bench.receiver.switch_on()
        elif kind == "noise" and not bench.b.disturbances:
            bench.b.disturb(noise)
        elif kind == "quiet" and bench.b.disturbances:
            bench.b.undisturb(noise)

    for time_us, kind, data, identifier in events:
        bench.at(time_us * 1000, lambda kind=kind, data=data, identifier=identifier: happen(kind, data, identifier))
    for step in range(0, 70 * MS, MS):
        bench.kernel.run(step)
        assert bench.gateway.balanced
    bench.kernel.run(5000 * MS)
    for route in routes:
        counts = route.counts
        journeys = bench.gateway.journeys.of_route(route.rule.index)
        assert counts.balanced
        assert counts.received == len(journeys)
        assert counts.forwarded == sum(journey.decision is Decision.FORWARDED for journey in journeys)
    queued = bench.out.queued
    under_way = [
        journey
        for route in routes
        for journey in bench.gateway.journeys.of_route(route.rule.index)
        if journey.decision is Decision.FORWARDED and journey.sent_ns == NOT_YET
    ]
    if not queued and bench.receiver.takes_part and not bench.b.disturbances and bench.out.takes_part:
        assert not under_way, "what counts as forwarded was on the other bus"
