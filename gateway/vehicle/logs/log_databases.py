"""Which database describes which bus of a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.database import Database, joined, load
from gateway.errors import nearest
from gateway.vehicle.logs.log import LogError


class DatabaseChoice(NamedTuple):
    """A database file, for one bus or (`bus` None) for all that have none of their own."""

    file: Path
    bus: str | None = None

    @classmethod
    def of(cls, text: str) -> DatabaseChoice:
        """Of `FILE` or `BUS=FILE`."""
        bus, equals, file = text.partition("=")
        if not equals or Path(text).exists():
            return cls(Path(text))
        return cls(Path(file), bus)


Loaded = Mapping[Path, Database]


def preloaded(choices: Sequence[DatabaseChoice]) -> Loaded:
    """The files' databases, before a log is read. DatabaseError for a file that is no database."""
    return {file: load(file) for file in dict.fromkeys(choice.file for choice in choices)}


def load_databases(choices: Sequence[DatabaseChoice], buses: Sequence[str], loaded: Loaded) -> dict[str, Database]:
    """The database of each bus of a log; LogError where one is given for a bus that is not there."""
    for choice in choices:
        if choice.bus is not None and choice.bus not in buses:
            raise LogError(
                f"the log has no bus {choice.bus!r}{nearest(choice.bus, list(buses))}; it has {', '.join(buses)}"
                f" (in `--database {choice.bus}={choice.file}`)"
            )
    found = {bus: database_of(bus, choices, loaded) for bus in buses}
    return {bus: database for bus, database in found.items() if database is not None}


class Meaning(NamedTuple):
    """What the frames of a log mean: databases that are named, and behind them those of a vehicle's buses."""

    choices: Sequence[DatabaseChoice]
    loaded: Loaded
    vehicle: Mapping[str, Database]

    def of(self, bus: str) -> Database | None:
        named = database_of(bus, self.choices, self.loaded)
        return self.vehicle.get(bus) if named is None else named

    def by_bus(self, buses: Sequence[str]) -> dict[str, Database]:
        """The database of each bus of a log; LogError where one is named for a bus that is not there."""
        known = {bus: database for bus, database in self.vehicle.items() if bus in buses}
        return {**known, **load_databases(self.choices, buses, self.loaded)}

    def every(self) -> dict[str, Database]:
        """All databases, by what tells them apart."""
        return {**self.vehicle, **{str(file): found for file, found in self.loaded.items()}}


def database_of(bus: str, choices: Sequence[DatabaseChoice], loaded: Loaded) -> Database | None:
    """What is given for one bus, or for all; several files count as one database."""
    own = [loaded[choice.file] for choice in choices if choice.bus == bus]
    common = [loaded[choice.file] for choice in choices if choice.bus is None]
    return joined(bus, own or common) if own or common else None
