"""Signals of a recording by their names, as curves: `Message.Signal`, `Bus.Message.Signal`, or a path of the VSS tree.

A signal of a database is decoded from arrays. A path goes through the gateway's own mapping, frame by frame, so that it
shows what an application would have got: throttled, converted, refused, stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from gateway.analysis.errors import AnalysisError
from gateway.analysis.plot_curve import Curve
from gateway.analysis.source import Source
from gateway.can import KEY_MASK
from gateway.com import header_of
from gateway.database import Database, Message, Signal
from gateway.errors import nearest_path
from gateway.routing import CanToVss, SignalStore, UpwardRule, VssMapping, VssSignal
from gateway.sim import NS_PER_S, Kernel
from gateway.vehicle.logs.decode import DecodedLog, MessageTable, decode
from gateway.vehicle.logs.decode_choice import Chosen, choose

CURVES_MAX: Final = 48
_TOLD: Final = 6
_NONE: Final = float("nan")


def curves_of(source: Source, names: Sequence[str], mapping: VssMapping | None = None) -> list[Curve]:
    """The curves, in the order of their names. AnalysisError, with the nearest name, for one that nothing has.

    Times are in seconds since the start of the run, or of a recording with dates.
    """
    mapping = mapping or (None if source.vehicle is None else source.vehicle.mapping)
    rules = {} if mapping is None else {rule.leaf.path: rule for rule in mapping.upward}
    chosen = {name: _chosen(source, name) for name in names if name not in rules}
    for name, found in chosen.items():
        if not found:
            raise AnalysisError(_unknown(source, name, list(rules), mapping))
    decoded = _decoded(source, chosen) if chosen else None
    curves: list[Curve] = []
    for name in names:
        if name in rules:
            curves.append(_of_path(source, rules[name]))
        elif decoded is not None:
            curves += _of_name(source, decoded, name, chosen[name])
    if len(curves) > CURVES_MAX:
        raise AnalysisError(f"these are {len(curves)} signals; up to {CURVES_MAX} fit in one picture")
    return curves


def left_out(source: Source, names: Sequence[str]) -> list[str]:
    """Counters and checksums of whole messages, which are plotted only by their own names."""
    return [
        f"{bus}.{signal}"
        for name in names
        for (bus, message), signals in choose([name], source.databases).items()
        for signal in signals
        if signal.name in _marks(source, name, bus, message)
    ]


def _chosen(source: Source, name: str) -> Chosen:
    """What a name means; of a whole message without its counter and checksum."""
    return {
        (bus, message): tuple(signal for signal in signals if signal.name not in _marks(source, name, bus, message))
        for (bus, message), signals in choose([name], source.databases).items()
    }


def _marks(source: Source, name: str, bus: str, message: Message) -> frozenset[str]:
    """Counter and checksum of a message that is meant as a whole, if there is anything else in it."""
    marks = source.marks.get((bus, header_of(message) & KEY_MASK), frozenset[str]())
    whole = name in (message.name, f"{bus}.{message.name}") and len(marks) < len(message.signals)
    return marks if whole else frozenset()


def _unknown(source: Source, name: str, paths: list[str], mapping: VssMapping | None) -> str:
    if not source.databases and mapping is None:
        return (
            f"there is no database that could have {name}: name one with --database FILE, or a vehicle with --vehicle"
        )
    if name.startswith("Vehicle.") and mapping is None:
        return f"{name} is a path of the VSS tree, and nothing maps to it: --vehicle, or --signals MAP.json"
    if mapping is not None and name in mapping.tree:
        return f"{name} comes from no CAN signal: {mapping.file} has no dbc2vss for it"
    known = [*paths, *_names(source.databases)]
    messages = [f"{bus}.{message.name}" for bus, database in source.databases.items() for message in database.messages]
    near = nearest_path(name, [*known, *messages])
    listed = f"; there are {', '.join(known[:_TOLD])}" + (f" and {len(known) - _TOLD} more" if known[_TOLD:] else "")
    return f"there is no signal {name!r}{near or listed}"


def _names(databases: Mapping[str, Database]) -> list[str]:
    return [
        str(signal) for database in databases.values() for message in database.messages for signal in message.signals
    ]


def _decoded(source: Source, chosen: Mapping[str, Chosen]) -> DecodedLog:
    """Only the frames of the messages that are wanted are decoded."""
    log = source.log
    wanted = np.zeros(len(log), np.bool_)
    for bus, message in {pair for found in chosen.values() for pair in found}:
        key = message.arbitration_id | (1 << 31 if message.extended else 0)
        wanted |= (log.bus == log.buses.index(bus)) & (log.keys == key)
    return decode(log.select(np.flatnonzero(wanted)), source.databases)


def _of_name(source: Source, decoded: DecodedLog, name: str, chosen: Chosen) -> list[Curve]:
    tables = {(table.bus, table.message): table for table in decoded.tables}
    several = len(source.log.buses) > 1
    found = []
    for (bus, message), signals in chosen.items():
        table = tables.get((bus, message))
        if table is None:
            continue
        for signal in signals:
            title = f"{bus}.{signal}" if several else str(signal)
            found.append(_curve(title, source, table, signal))
    if not found:
        messages = ", ".join(dict.fromkeys(message.name for _, message in chosen))
        raise AnalysisError(f"has no frame of {messages}, so there is nothing to plot of {name}", file=source.file)
    return found


def _curve(title: str, source: Source, table: MessageTable, signal: Signal) -> Curve:
    values = table.values[signal.name]
    there = ~np.isnan(values)
    times = (table.times[there] + source.offset_ns) / NS_PER_S
    names = {float(signal.to_physical(raw)): label for raw, label in (signal.choices or {}).items()}
    seen = set(np.unique(values[there]).tolist()) if names else set()
    # A table that names only "not available" is no table of states.
    named = names if seen and len(seen & set(names)) * 2 >= len(seen) else {}
    held = bool(named) or signal.length == 1
    return Curve(title, times, values[there], signal.unit, named, held)


def _of_path(source: Source, rule: UpwardRule) -> Curve:
    """What the mapping makes of each frame; where it is stale the line ends."""
    kernel = Kernel()
    store = SignalStore(kernel)
    made = CanToVss(kernel, [rule], store)
    points: list[tuple[int, object]] = []

    def note(signal: VssSignal) -> None:
        datapoint = signal.datapoint
        points.append((kernel.now, datapoint.value if datapoint.quality.value == "good" else None))

    store[rule.leaf.path].listen(note)
    log = source.log
    rows = np.zeros(len(log), np.bool_)
    for bus, key in made.messages:
        if bus in log.buses:
            rows |= (log.bus == log.buses.index(bus)) & (log.keys == np.uint64(key))
    for time_ns, bus_index, frame in log.select(np.flatnonzero(rows)).frames():
        kernel.run(time_ns)
        made.messages[log.buses[bus_index], frame.header & KEY_MASK].on_frame(frame)
    kernel.run(log.duration_ns)
    if not points:
        raise AnalysisError(f"{rule.leaf.path} has no value in it: it comes from {_places(rule)}", file=source.file)
    if points[-1][1] is not None and points[-1][0] < log.duration_ns:
        points.append((log.duration_ns, points[-1][1]))  # it still holds
    return _curve_of_points(source, rule, points)


def _places(rule: UpwardRule) -> str:
    return " and ".join(str(place) for place in rule.places)


def _curve_of_points(source: Source, rule: UpwardRule, points: list[tuple[int, object]]) -> Curve:
    times = np.array([time_ns + source.offset_ns for time_ns, _ in points]) / NS_PER_S
    texts = list(dict.fromkeys(value for _, value in points if isinstance(value, str)))
    names: dict[float, str] = {float(index): text for index, text in enumerate(texts)}
    if any(isinstance(value, bool) for _, value in points):
        names = {0.0: "false", 1.0: "true"}
    numbers = {text: number for number, text in names.items()}
    values = [numbers[value] if isinstance(value, str) else _number(value) for _, value in points]
    return Curve(rule.leaf.path, times, np.array(values), rule.leaf.unit, names, held=True, sampled=False)


def _number(value: object) -> float:
    return float(value) if isinstance(value, bool | int | float) else _NONE
