"""Which signals of a log were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.database import Database, Message, Signal
from gateway.errors import nearest
from gateway.vehicle.logs.decode import DecodedLog
from gateway.vehicle.logs.log import LogError

Chosen = Mapping[tuple[str, Message], tuple[Signal, ...]]
"""The signals of each message of each bus, in the message's order."""


def choose(names: Sequence[str], databases: Mapping[str, Database]) -> Chosen:
    """The signals of those names: `Signal`, `Message`, `Message.Signal`, each also behind `bus.`; all for no name."""
    chosen = {}
    for bus, message in _everything(databases):
        wanted = {signal for name in names for signal in _matching(name, bus, message)}
        signals = tuple(signal for signal in message.signals if signal in wanted or not names)
        if signals or not names:
            chosen[bus, message] = signals
    return chosen


def check_names(names: Sequence[str], databases: Mapping[str, Database]) -> None:
    """LogError, with the nearest name, for a name that no database has."""
    everything = list(_everything(databases))
    for name in names:
        if not any(True for bus, message in everything for _ in _matching(name, bus, message)):
            raise LogError(f"no database has a signal {name!r}{_near(name, everything)}")


def restricted(decoded: DecodedLog, chosen: Chosen) -> DecodedLog:
    """The tables with only the signals that were asked for."""
    tables = []
    for table in decoded.tables:
        signals = chosen.get((table.bus, table.message), ())
        if signals:
            tables.append(replace(table, values={signal.name: table.values[signal.name] for signal in signals}))
    return replace(decoded, tables=tuple(tables))


def _everything(databases: Mapping[str, Database]) -> Iterator[tuple[str, Message]]:
    return ((bus, message) for bus, database in databases.items() for message in database.messages)


def _matching(name: str, bus: str, message: Message) -> Iterator[Signal]:
    for signal in message.signals:
        own = (signal.name, message.name, f"{message.name}.{signal.name}")
        if name in own or name in {f"{bus}.{one}" for one in own}:
            yield signal


def _near(name: str, everything: Sequence[tuple[str, Message]]) -> str:
    full = [f"{message.name}.{signal.name}" for _, message in everything for signal in message.signals]
    if "." in name:
        return nearest(name, full)
    return nearest(name, list(dict.fromkeys(one.partition(".")[2] for one in full)))
