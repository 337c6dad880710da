"""Where the analysis gets a network and what was seen of it: a short run of a vehicle, or a recording."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Final

from gateway.analysis.errors import AnalysisError
from gateway.analysis.timing import Timing, analyse
from gateway.analysis.timing_model import Network, Path, name_of, network_of, sent_of
from gateway.analysis.timing_seen import Carried, Seen, Sightings, activation_by, is_assumed, sightings
from gateway.can import ERROR, EXTENDED, ID_MASK, KEY_MASK, BitRates, Controller, Frame, FrameTimes
from gateway.database import Database
from gateway.routing import RoutedFrame
from gateway.sim import Clock, Kernel, SimulationLoop
from gateway.sim import run as run_in
from gateway.trace import Event, Recorded, open_reader
from gateway.vehicle import About, AboutRule, Vehicle, load, note_of, read_about

DRIVEN_NS: Final = 5_000_000_000


def timing_of_file(path: FilePath, driven_ns: int, seed: int) -> Timing:
    """The analysis of a vehicle file, with a run in virtual time. VehicleFileError for a file with faults."""
    kernel = Kernel()
    return run_in(timing_of_run(load(path, kernel, seed), driven_ns), kernel, Clock.VIRTUAL)


async def timing_of_run(vehicle: Vehicle, driven_ns: int) -> Timing:
    """The analysis of a vehicle that drives now, for so long in virtual time. It is switched on here, and off again."""
    seen = await drive(vehicle, driven_ns)
    timing = analyse(network_of(vehicle, seen), seen)
    vehicle.stop()
    return timing


async def drive(vehicle: Vehicle, driven_ns: int) -> Sightings:
    """Switch a vehicle on, let it drive, and gather what is seen."""
    frames: list[tuple[int, int, Frame, Controller, int, int]] = []
    for bus in vehicle.buses.values():
        bus.record = frames
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    vehicle.start()
    await loop.sleep_until(driven_ns)
    routes = vehicle.gateway.routes
    source_bus = {route.rule.name: route.rule.source.partition(".")[0] for route in routes}
    names = list(vehicle.buses)
    carried = (
        Carried(end_ns, names[bus], frame, sender.name, requested_ns, _sources(vehicle, frame))
        for end_ns, bus, frame, sender, requested_ns, _ in frames
    )
    return sightings(carried, source_bus, driven_ns)


def _sources(vehicle: Vehicle, frame: Frame) -> tuple[tuple[str, int], ...]:
    if not isinstance(frame, RoutedFrame):
        return ()
    return tuple((vehicle.gateway.routes[each.route].rule.name, each.received_ns) for each in frame.sources)


# Recordings


def timing_of_recording(path: FilePath, databases: Mapping[str, Database], bitrate: BitRates | None = None) -> Timing:
    """The analysis of what a recording holds: each message as long and as often as it was there.

    `databases`: by bus, for names and cycle times; `bitrate`: of buses whose rate the recording does not tell.
    AnalysisError where that is needed and missing; TraceError for what cannot be read.
    """
    with open_reader(path) as reader:
        about = read_about(reader.comment)
        rates = _rates(about)
        frames = list(_carried(reader.records(), rates, bitrate, path))
        problem = reader.problem
    span_ns = max(frames[-1].end_ns - frames[0].end_ns, 1)
    rules = () if about is None else about.rules
    seen = sightings(frames, {rule.name: rule.source_bus for rule in rules}, span_ns)
    network = Network({bus: times.rates for bus, times in rates.items()})
    for (bus, key), found in seen.messages.items():
        if bus in rates:
            _add(network, bus, key, found, databases.get(bus), span_ns)
    for rule in rules:
        _add_path(network, rule)
    told = any(frame.sender for frame in frames)
    if not told:  # nothing is known of when frames were handed over
        for found in seen.messages.values():
            found.longest_ns = 0
    return replace(analyse(network, seen), problem=problem)


def _rates(about: About | None) -> dict[str, FrameTimes]:
    buses = () if about is None else about.buses
    return {
        bus.name: FrameTimes(BitRates(bus.bitrate, bus.data_bitrate or bus.bitrate))
        for bus in buses
        if bus.kind != "lin"
    }


def _carried(
    records: Iterable[Recorded | Event], rates: dict[str, FrameTimes], bitrate: BitRates | None, path: FilePath
) -> Iterator[Carried]:
    """The frames of CAN buses, with when they were handed over as far as their notes tell it."""
    own = bool(rates)
    for record in records:
        if not isinstance(record, Recorded) or record.frame.header & ERROR:
            continue
        times = rates.get(record.bus)
        if times is None:
            if own:
                continue  # a LIN bus
            if bitrate is None:
                raise AnalysisError(
                    "does not tell the bit rates of its buses: say --bitrate 500k (or 500k/2M with CAN FD)",
                    file=str(path),
                )
            times = rates[record.bus] = FrameTimes(bitrate)
        note = note_of(record.comment)
        start_ns = record.time_ns - times.duration_ns(record.frame)
        sources = tuple((source.rule, source.received_ns) for source in note.sources)
        requested_ns = start_ns - (note.waited_ns or 0)
        yield Carried(record.time_ns, record.bus, record.frame, note.sender, requested_ns, sources)


def _add(network: Network, bus: str, key: int, seen: Seen, database: Database | None, span_ns: int) -> None:
    message = None if database is None else database.by_id(key & ID_MASK, bool(key & EXTENDED))
    sent = sent_of(bus, network.rates[bus], seen.header, seen.length, name_of(database, seen.header), seen.sender)
    sent.activation = activation_by(message, seen.requests_ns, span_ns)
    sent.deadline_ns = None if message is None else message.cycle_ns
    sent.assumed = is_assumed(sent.activation, message)
    network.sent[sent.place] = sent


def _add_path(network: Network, rule: AboutRule) -> None:
    """A route whose ends were both seen. How long a composed message holds a value is not told by recordings."""
    if rule.source_key is None or rule.signal:
        return
    source = (rule.source_bus, rule.source_key & KEY_MASK)
    target = (rule.target_bus, (rule.source_key if rule.target_key is None else rule.target_key) & KEY_MASK)
    if source in network.sent and target in network.sent:
        network.paths.append(Path(rule.name, str(rule), rule.place, source, target, rule.latency_ns, 0))
