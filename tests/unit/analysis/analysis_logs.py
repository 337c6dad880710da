"""Logs that are written down in tests, as the analysis takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from gateway.analysis.source import BusRate, Source
from gateway.can import Frame
from gateway.database import Database, Message, Signal
from gateway.vehicle.logs.log import Log

MS = 1_000_000
Entry = tuple[int, str, Frame]


def log(entries: Iterable[Entry], start_ns: int = 0, file: str = "a.log") -> Log:
    """A log of frames with their times since its start and their buses."""
    rows = sorted(entries, key=lambda entry: entry[0])
    buses = tuple(dict.fromkeys(bus for _, bus, _ in rows))
    width = 8 if all(len(frame.data) <= 8 for _, _, frame in rows) else 64
    data = np.zeros((len(rows), width), np.uint8)
    for row, (_, _, frame) in enumerate(rows):
        data[row, : len(frame.data)] = np.frombuffer(frame.data, np.uint8)
    return Log(
        (file,),
        buses,
        start_ns,
        np.array([time for time, _, _ in rows], np.int64),
        np.array([buses.index(bus) for _, bus, _ in rows], np.uint16),
        np.array([frame.header for _, _, frame in rows], np.uint64),
        np.array([len(frame.data) for _, _, frame in rows], np.uint8),
        data,
    )


def source(
    entries: Iterable[Entry],
    databases: Mapping[str, Database] | None = None,
    rates: Mapping[str, BusRate] | None = None,
    start_ns: int = 0,
) -> Source:
    return Source(log(entries, start_ns), databases=databases or {}, rates=rates or {})


def every(period_ms: float, count: int, identifier: int, data: bytes = bytes(8), bus: str = "can0") -> list[Entry]:
    """A message that comes in equal steps."""
    return [(round(at * period_ms * MS), bus, Frame(identifier, data)) for at in range(count)]


def database(*messages: Message) -> Database:
    return Database("test", "test.dbc", tuple(messages), ())


SPEED = Message(
    name="Speed",
    arbitration_id=0x100,
    length=8,
    senders=("ESP",),
    cycle_ns=10 * MS,
    signals=(
        Signal(name="Value", start=0, length=16, scale=0.01, unit="km/h"),
        Signal(name="State", start=16, length=2, choices={0: "Still", 1: "Moving"}),
    ),
)
