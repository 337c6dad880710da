"""The figures of a vehicle as Prometheus reads them, and the traces of its frames; in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.routing import Decision, Journey
from gateway.services.errors import ServiceError
from gateway.services.metrics_traces import traces_url
from gateway.vehicle import RunOptions, Vehicle, drive, read_vehicle
from gateway.vehicle.served.metrics import TRACED, document_maker, traces_of
from gateway.vehicle.served.metrics_samples import BOUNDS_S, Latencies, Samples

VEHICLE = Path(__file__).parents[3] / "vehicle.yaml"
SECOND = 1_000_000_000
Labels = frozenset[tuple[str, str]]


class Seen:
    """A drive of three seconds, its last scrape, and the journeys of its looks."""

    def __init__(self) -> None:
        self.journeys: list[Journey] = []
        self.values: dict[str, dict[Labels, float]] = {}
        self.types: dict[str, str] = {}
        self.vehicle: Vehicle | None = None

    def value(self, name: str, **labels: str) -> float:
        return next(value for each, value in self.values[name].items() if set(labels.items()) <= each)

    def total(self, name: str, **labels: str) -> float:
        return sum(value for each, value in self.values.get(name, {}).items() if set(labels.items()) <= each)


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    found = Seen()

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        samples = Samples(vehicle)
        samples.on_journeys = found.journeys.extend
        make = document_maker(vehicle, samples)
        samples.start()
        yield
        document = make("text/plain")
        found.vehicle = vehicle
        for family in text_string_to_metric_families(document.body.decode()):
            found.types[family.name] = family.type
            for sample in family.samples:
                found.values.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        samples.stop()

    drive(read_vehicle(VEHICLE), RunOptions(for_ns=3 * SECOND + SECOND // 10, services=(service,)))
    return found


def test_the_vehicle_its_buses_and_its_ecus_are_there(seen: Seen) -> None:
    assert seen.vehicle is not None
    assert seen.value("gateway_info", vehicle="demo-ev") == 1
    assert seen.value("gateway_simulated_seconds_total") == pytest.approx(3.1)
    for bus in ("powertrain", "chassis", "body", "doors"):
        assert seen.value("gateway_bus_frames_total", bus=bus) == seen.vehicle.buses[bus].frames
        assert 0.05 < seen.value("gateway_bus_load_ratio", bus=bus) < 0.5
        assert seen.value("gateway_bus_errors_total", bus=bus) == 0
    assert seen.value("gateway_ecu_up", ecu="ESP") == 1


def test_for_each_route_what_was_received_was_forwarded_filtered_or_dropped(seen: Seen) -> None:
    received = seen.values["gateway_route_received_total"]
    assert len(received) == 23
    for labels, value in received.items():
        route = dict(labels)["route"]
        parts = (f"gateway_route_{what}_total" for what in ("forwarded", "filtered", "dropped"))
        assert value == sum(seen.total(name, route=route) for name in parts)
    assert seen.value("gateway_route_filtered_total", route="r7", reason="condition not met") > 100


def test_latencies_are_a_histogram_of_what_was_looked_at(seen: Seen) -> None:
    assert seen.types["gateway_route_latency_seconds"] == "histogram"
    count = seen.value("gateway_route_latency_seconds_count", route="r1")
    assert 100 < count <= seen.value("gateway_route_received_total", route="r1")
    assert seen.value("gateway_route_latency_seconds_bucket", route="r1", le="+Inf") == count
    # 200 us in the gateway and 190 us on a chassis that is otherwise idle; up to two frames of others before it
    within = seen.value("gateway_route_latency_seconds_bucket", route="r1", le="0.001")
    assert within > 0.9 * count
    assert seen.value("gateway_route_latency_seconds_bucket", route="r1", le="0.0002") == 0
    assert 0.0002 < seen.value("gateway_route_latency_seconds_sum", route="r1") / count < 0.001


def test_signals_tell_their_age_and_whether_they_are_stale(seen: Seen) -> None:
    assert seen.value("gateway_signal_stale", path="Vehicle.Speed") == 0
    assert seen.value("gateway_signal_age_seconds", path="Vehicle.Speed") < 0.1
    assert seen.total("gateway_signals") == 65
    assert seen.value("gateway_signals", quality="good") > 50


def test_each_journey_is_looked_at_once(seen: Seen) -> None:
    assert len({id(journey) for journey in seen.journeys}) == len(seen.journeys)
    times = [journey.received_ns for journey in seen.journeys]
    assert times == sorted(times)
    assert max(times) <= 3 * SECOND


def test_a_trace_is_a_frame_with_the_routes_that_took_it(seen: Seen) -> None:
    assert seen.vehicle is not None
    traces = traces_of(seen.vehicle, seen.journeys[:400], 10**18)

    assert len(traces) == TRACED
    wheel_speeds = next(trace for trace in traces if trace.parts[0].attributes["route"] == "r3")
    assert wheel_speeds.root.name == "frame on chassis"
    assert [part.attributes["route"] for part in wheel_speeds.parts] == ["r3", "r7"]
    assert all(part.start_ns == wheel_speeds.root.start_ns for part in wheel_speeds.parts)
    assert wheel_speeds.root.end_ns == max(part.end_ns for part in wheel_speeds.parts)
    assert wheel_speeds.root.start_ns > 10**18


def test_what_was_dropped_is_traced_first_and_as_a_fault(seen: Seen) -> None:
    assert seen.vehicle is not None
    last = seen.journeys[-1]
    dropped = Journey(
        last.route, type(last.frame)(last.frame.header, b""), last.received_ns, Decision.DROPPED, "queue full"
    )

    first = traces_of(seen.vehicle, [*seen.journeys[:400], dropped], 0)[0]

    assert first.parts[0].fault == "queue full"
    assert first.parts[0].attributes["decision"] == "dropped"


@pytest.mark.parametrize(("latency_ns", "place"), [(1, 0), (100_000, 0), (100_001, 1), (10**9, 10), (10**10, 11)])
def test_a_latency_belongs_to_the_first_class_whose_bound_it_does_not_exceed(latency_ns: int, place: int) -> None:
    latencies = Latencies()
    latencies.add(latency_ns)
    assert latencies.counts.index(1) == place
    assert len(latencies.counts) == len(BOUNDS_S) + 1


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://collector/", "https://collector/v1/traces"),
        ("http://host:1/own/path", "http://host:1/own/path"),
    ],
)
def test_a_collector_is_named_by_its_address(text: str, url: str) -> None:
    assert traces_url(text) == url


@pytest.mark.parametrize("text", ["127.0.0.1:4318", "ftp://x", "http://", ""])
def test_what_is_no_url_is_a_sentence(text: str) -> None:
    with pytest.raises(ServiceError, match="write a URL"):
        traces_url(text)
