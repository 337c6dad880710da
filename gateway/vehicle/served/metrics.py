"""The metrics of a vehicle for Prometheus, and traces of its journeys for OpenTelemetry (extra `metrics`)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.links import LinkedBus
from gateway.links.addresses import Address
from gateway.links.wall_time import epoch_ns_of, wall_time_loop
from gateway.routing import NEVER, NOT_YET, Decision, Journey, Quality
from gateway.services.errors import need_extra
from gateway.services.metrics_server import Document, Make, serve_metrics_at
from gateway.services.metrics_traces import Span, Trace, TraceSender
from gateway.sim import NS_PER_S
from gateway.vehicle.served.metrics_samples import BOUNDS_S, Samples
from gateway.vehicle.vehicle import Vehicle
from gateway.version import __version__

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PREFIX: Final = "gateway"
TRACED: Final = 50
"""Frames of a second that are traced; those that were dropped come first."""
Labels = tuple[str, ...]


class Figure(NamedTuple):
    """One metric: `kind` counter or gauge, `rows` with the values of its labels."""

    kind: str
    name: str
    text: str
    labels: Labels
    rows: Sequence[tuple[Labels, float]]


def figures(vehicle: Vehicle, samples: Samples) -> Iterator[Figure]:
    """All counters and gauges, as they stand."""
    who = (vehicle.name, __version__, str(vehicle.streams.seed))
    yield Figure("gauge", "info", "The vehicle.", ("vehicle", "version", "seed"), [(who, 1)])
    yield Figure("counter", "simulated_seconds", "Time of the vehicle.", (), [((), vehicle.simulated_s)])
    yield from _buses(vehicle, samples)
    if vehicle.has_gateway:
        yield from _routes(vehicle)
        yield from _signals(vehicle)
    yield from _parts(vehicle)


def _buses(vehicle: Vehicle, samples: Samples) -> Iterator[Figure]:
    buses = list(vehicle.buses.values())
    loads = [((bus.name,), samples.loads[bus.name]) for bus in buses]
    yield Figure("gauge", "bus_load_ratio", "Share of the last second that the bus was taken.", ("bus",), loads)
    good = [((bus.name,), float(bus.frames)) for bus in buses]
    yield Figure("counter", "bus_frames", "Good frames.", ("bus",), good)
    broken = [((bus.name,), float(bus.errors)) for bus in buses]
    yield Figure("counter", "bus_errors", "Frames that broke.", ("bus",), broken)
    waiting = [((bus.name,), float(bus.waiting)) for bus in buses]
    yield Figure("gauge", "bus_waiting_frames", "Frames that wait for the bus.", ("bus",), waiting)
    events = [((bus.name, kind.value), float(count)) for bus in buses for kind, count in bus.event_counts.items()]
    yield Figure("counter", "bus_events", "What a bus told, by kind.", ("bus", "kind"), events)
    lost = [((bus.name,), float(bus.lost_frames)) for bus in buses if isinstance(bus, LinkedBus)]
    yield Figure("counter", "bus_lost_frames", "Linked buses: frames that came too fast.", ("bus",), lost)
    counters = [
        ((bus.name, controller.name, way), float(count))
        for bus in buses
        for controller in bus.controllers
        for way, count in (("transmit", controller.tec), ("receive", controller.rec))
    ]
    labels = ("bus", "controller", "direction")
    yield Figure("gauge", "controller_error_counter", "Error counters (ISO 11898-1, 12.1.4).", labels, counters)


def _routes(vehicle: Vehicle) -> Iterator[Figure]:
    labels = ("route", "source", "target")
    routes = [
        ((rule.name, rule.source, rule.target), route.counts)
        for route in vehicle.gateway.routes
        for rule in (route.rule,)
    ]
    yield Figure(
        "counter", "route_received", "Frames that a route took.", labels, [(who, c.received) for who, c in routes]
    )
    forwarded = [(who, float(counts.forwarded)) for who, counts in routes]
    yield Figure("counter", "route_forwarded", "Frames that a route forwarded.", labels, forwarded)
    for name, text in (("filtered", "Filtered as the rule says."), ("dropped", "Dropped against the rule's purpose.")):
        rows = [((*who, why), float(count)) for who, counts in routes for why, count in getattr(counts, name).items()]
        yield Figure("counter", f"route_{name}", text, (*labels, "reason"), rows)


def _signals(vehicle: Vehicle) -> Iterator[Figure]:
    counts = dict.fromkeys(Quality, 0)
    ages, stale = [], []
    now = vehicle.kernel.now
    for signal in vehicle.gateway.store:
        point = signal.datapoint
        counts[point.quality] += 1
        if point is not NEVER:
            ages.append(((signal.path,), (now - point.time_ns) / NS_PER_S))
        if signal.timeout_ns:
            stale.append(((signal.path,), float(point.quality is Quality.STALE)))
    told = [((quality.value,), float(count)) for quality, count in counts.items()]
    yield Figure("gauge", "signals", "VSS signals by quality.", ("quality",), told)
    yield Figure("gauge", "signal_age_seconds", "Time since a signal came.", ("path",), ages)
    yield Figure("gauge", "signal_stale", "1 for a signal that stopped coming.", ("path",), stale)


def _parts(vehicle: Vehicle) -> Iterator[Figure]:
    failed = {failure.ecu for failure in vehicle.failures}
    ecus = [((name,), float(name not in failed and _is_on(vehicle, name))) for name in vehicle.ecus]
    yield Figure("gauge", "ecu_up", "1 for an ECU that has power and has not failed.", ("ecu",), ecus)
    nodes = {} if vehicle.fleet is None else vehicle.fleet.nodes
    online = [((name,), float(node.agent.online)) for name, node in nodes.items()]
    yield Figure("gauge", "node_online", "1 for a node that its controller sees.", ("node",), online)
    units = [
        ((name, unit.name, str(unit.active)), 1.0) for name, node in nodes.items() for unit in node.engine.loaded()
    ]
    yield Figure("gauge", "unit_state", "1 for the state that a unit is in.", ("node", "unit", "state"), units)


def _is_on(vehicle: Vehicle, name: str) -> bool:
    return all(port.controller.takes_part for port in vehicle.ecus[name].ports.values())


def document_maker(vehicle: Vehicle, samples: Samples) -> Make:
    """Gives the document of a scrape. ServiceError without the extra."""
    try:
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder
    except ImportError as error:
        raise need_extra("metrics (--metrics)", "metrics", error) from None

    class Collector:
        def collect(self) -> Iterable[Metric]:
            yield from (_family(figure) for figure in figures(vehicle, samples))
            yield _histogram(vehicle, samples)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())

    def make(accept: str) -> Document:
        encode, content_type = choose_encoder(accept)
        return Document(content_type, encode(registry))

    return make


def _family(figure: Figure) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    kinds: Mapping[str, Any] = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
    family = kinds[figure.kind](f"{PREFIX}_{figure.name}", figure.text, labels=figure.labels)
    for labels, value in figure.rows:
        family.add_metric(labels, value)
    metric: Metric = family
    return metric


def _histogram(vehicle: Vehicle, samples: Samples) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    text = "From the end of a frame on its bus to the end of what it led to; sampled."
    family = HistogramMetricFamily(f"{PREFIX}_route_latency_seconds", text, labels=("route", "source", "target"))
    for route, latencies in zip(vehicle.gateway.routes, samples.latencies, strict=True):
        total = 0
        buckets = []
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), latencies.counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        rule = route.rule
        family.add_metric((rule.name, rule.source, rule.target), buckets, latencies.sum_s)
    return family


# Traces


def traces_of(vehicle: Vehicle, journeys: Sequence[Journey], epoch_ns: int) -> list[Trace]:
    """One trace for a frame and the routes that took it: dropped ones first, TRACED at most."""
    frames: dict[int, list[Journey]] = {}
    for journey in journeys:
        frames.setdefault(id(journey.frame), []).append(journey)
    chosen = sorted(frames.values(), key=lambda each: not any(one.decision is Decision.DROPPED for one in each))
    return [_trace(vehicle, each, epoch_ns) for each in chosen[:TRACED]]


def _trace(vehicle: Vehicle, journeys: Sequence[Journey], epoch_ns: int) -> Trace:
    first = journeys[0]
    bus = vehicle.gateway.routes[first.route].rule.source.partition(".")[0]
    begin = epoch_ns + first.received_ns
    parts = [_part(vehicle, journey, epoch_ns) for journey in journeys]
    attributes: dict[str, str | int | float | bool] = {
        "bus": bus,
        "frame": str(first.frame),
        "can.id": first.frame.arbitration_id,
    }
    root = Span(f"frame on {bus}", begin, max(part.end_ns for part in parts), attributes)
    return Trace(root, parts)


def _part(vehicle: Vehicle, journey: Journey, epoch_ns: int) -> Span:
    rule = vehicle.gateway.routes[journey.route].rule
    end_ns = journey.received_ns if journey.sent_ns == NOT_YET else journey.sent_ns
    attributes = {
        "route": rule.name,
        "source": rule.source,
        "target": rule.target,
        "decision": journey.decision.value,
        "reason": journey.reason,
        "rule": f"{rule.file}:{rule.line}",
    }
    fault = journey.reason if journey.decision is Decision.DROPPED else ""
    return Span(str(rule), epoch_ns + journey.received_ns, epoch_ns + end_ns, attributes, fault)


# Serving


@contextlib.asynccontextmanager
async def serve_metrics(vehicle: Vehicle, where: Address | None, otlp: str | None) -> AsyncIterator[MetricsServed]:
    """Serve metrics at an address, send traces to a URL; either may be None. ServiceError for what cannot be."""
    loop = wall_time_loop("metrics")
    samples = Samples(vehicle)
    async with contextlib.AsyncExitStack() as stack:
        sender = None
        if otlp is not None:
            resource: Mapping[str, str | int] = {"service.name": vehicle.name, "service.version": __version__}
            sender = TraceSender(otlp, resource, vehicle.streams.stream("traces"))
            epoch_ns = epoch_ns_of(loop)
            stack.push_async_callback(sender.close)
            samples.on_journeys = _sending(vehicle, sender, epoch_ns)
        address = None
        if where is not None:
            address = await stack.enter_async_context(serve_metrics_at(where, document_maker(vehicle, samples)))
        samples.start()
        stack.callback(samples.stop)
        yield MetricsServed(address, sender)


def _sending(vehicle: Vehicle, sender: TraceSender, epoch_ns: int) -> Callable[[list[Journey]], None]:
    def send(journeys: list[Journey]) -> None:
        sender.send(traces_of(vehicle, journeys, epoch_ns))

    return send


class MetricsServed(NamedTuple):
    """Where metrics are, and who sends traces."""

    address: Address | None
    sender: TraceSender | None
