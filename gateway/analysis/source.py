"""A recording with all that is known of it: what its head says, the databases of its buses, their bit rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple

from gateway.analysis.errors import AnalysisError
from gateway.analysis.marks import Marks, marks_of
from gateway.can import ERROR, EXTENDED, ID_MASK, REMOTE
from gateway.database import Database, Severity
from gateway.errors import nearest
from gateway.trace import TraceReader
from gateway.vehicle import About, Vehicle, describe, read_about
from gateway.vehicle.checks.findings import Census, Finding, database_findings, log_findings
from gateway.vehicle.logs.decode import census
from gateway.vehicle.logs.log import EPOCH_NS, Log, read_log
from gateway.vehicle.logs.log_databases import DatabaseChoice, load_databases, preloaded

FITS: Final = 0.2
"""A database that knows fewer of the ids is told not to fit."""
FindVehicle = Callable[[About | None], Vehicle | None]
"""The vehicle that a recording's head names, or that was asked for."""


class BusRate(NamedTuple):
    """Of a bus, in bit/s; `data` 0 where it has no CAN FD."""

    nominal: int
    data: int = 0
    lin: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A log and what its numbers mean. `origin_ns`: what its times count from, 0 where they count from a run's start."""

    log: Log
    about: About | None = None
    databases: Mapping[str, Database] = field(default_factory=dict)
    vehicle: Vehicle | None = None
    rates: Mapping[str, BusRate] = field(default_factory=dict)
    notes: tuple[Finding, ...] = ()
    marks: Marks = field(default_factory=dict)
    """Counters and checksums."""

    @property
    def origin_ns(self) -> int:
        """Dates count from the first frame; what counts from the start of a run keeps its own times."""
        return self.log.start_ns if self.log.start_ns >= EPOCH_NS else 0

    @property
    def offset_ns(self) -> int:
        """What makes a time of the log one that is told: since the start of the run, or of a recording with dates."""
        return self.log.start_ns - self.origin_ns

    @property
    def file(self) -> str:
        return self.log.name

    def of_bus(self, bus: str | None) -> Source:
        """Only the frames of one bus; all of them for None. AnalysisError, with the nearest name, for another bus."""
        buses = self.log.buses
        if bus is None:
            return self
        if bus not in buses:
            raise AnalysisError(f"the log has no bus {bus!r}{nearest(bus, list(buses))}; it has {', '.join(buses)}")
        return replace(self, log=self.log.select(self.log.bus == buses.index(bus)))


def open_source(path: Path, choices: Sequence[DatabaseChoice], find_vehicle: FindVehicle) -> Source:
    """Read a recording. TraceError, DatabaseError, LogError as for decoding it.

    A database that is given counts for its bus, or for all; else that of the vehicle's bus of the same name.
    """
    loaded = preloaded(choices)
    readers: list[TraceReader] = []
    log = read_log([path], readers.append)
    about = read_about(readers[0].comment)
    vehicle = find_vehicle(about)
    notes = list(log.findings)
    own = {} if vehicle is None else {bus: vehicle.databases[bus] for bus in log.buses if bus in vehicle.buses}
    databases = {**own, **load_databases(choices, log.buses, loaded)}
    notes += _another_vehicle(log, about, vehicle)
    marks = {} if vehicle is None else marks_of(vehicle)
    return Source(log, about, databases, vehicle, rates_of(about, vehicle), tuple(notes), marks)


def rates_of(about: About | None, vehicle: Vehicle | None) -> dict[str, BusRate]:
    """The bit rates that the recording's head tells, or the vehicle."""
    known = about if about is not None or vehicle is None else describe(vehicle, 0)
    buses = () if known is None else known.buses
    return {bus.name: BusRate(bus.bitrate, bus.data_bitrate, bus.kind == "lin") for bus in buses if bus.bitrate}


def _another_vehicle(log: Log, about: About | None, vehicle: Vehicle | None) -> Iterator[Finding]:
    if vehicle is None:
        return
    if about is not None and about.vehicle != vehicle.name:
        text = f"is a recording of the vehicle {about.vehicle}, and not of {vehicle.name}: names may not be its own"
        yield Finding(log.name, None, Severity.WARNING, text)
    strange = [bus for bus in log.buses if bus not in vehicle.buses]
    if strange:
        text = f"{vehicle.name} has no bus {', '.join(strange)}: name its database with --database BUS=FILE"
        yield Finding(log.name, None, Severity.WARNING, text)


def findings(source: Source, counted: Census | None = None) -> list[Finding]:
    """What is wrong with the file, with the databases, and with one when held against the other."""
    counted = census(source.log) if counted is None else counted
    found = [*source.notes, *database_findings(source.databases.values())]
    found += log_findings(source.file, counted, source.databases)
    found += misfits(source, counted)
    return found


def misfits(source: Source, counted: Census) -> Iterator[Finding]:
    """A database that knows none of the log's ids, or hardly any: most likely that of another car or bus."""
    for bus, database in source.databases.items():
        keys = _keys(counted, bus)
        known = _known(database, keys)
        if not keys or FITS * len(keys) <= known:
            continue
        if known:
            text = f"knows only {known} of the {len(keys)} ids of {bus}: is it of this car and bus?"
        else:
            messages = len(database.messages)
            text = f"does not fit {bus}: none of its {messages} messages is among the {len(keys)} ids of the log"
        other = [name for name in source.log.buses if _known(database, _keys(counted, name)) > known]
        if other:
            text += f"; it fits {other[0]}: --database {other[0]}={database.file}"
        yield Finding(database.file, None, Severity.WARNING, text)


def _keys(counted: Census, bus: str) -> set[int]:
    return {key & ~REMOTE for (where, key, _) in counted if where == bus and not key & ERROR}


def _known(database: Database, keys: set[int]) -> int:
    return sum(1 for key in keys if not key & ERROR and database.by_id(key & ID_MASK, key & EXTENDED != 0) is not None)
