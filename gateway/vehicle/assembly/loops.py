"""Route loops: frames that would come back to the bus that they came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gateway.routing import Rule
from gateway.vehicle.assembly.names import End
from gateway.vehicle.errors import VehicleFileError


class _Place(NamedTuple):
    """A message on a bus, by key; None for every one."""

    bus: str
    key: int | None


class _Edge(NamedTuple):
    """A route: what arrives at `source` goes on to `target`, with its own identifier where `target` has none."""

    source: _Place
    target: _Place
    rule: str

    def takes(self, place: _Place) -> bool:
        return place.bus == self.source.bus and (None in {place.key, self.source.key} or place.key == self.source.key)

    def leads(self, place: _Place) -> _Place:
        if self.target.key is not None:
            return self.target
        return _Place(self.target.bus, self.source.key if place.key is None else place.key)


class Loops:
    """The routes so far. A frame that comes back would run for ever as soon as two gateways share the buses."""

    def __init__(self) -> None:
        self._edges: list[_Edge] = []

    def check(self, rule: Rule, source: End, target: End) -> None:
        """Take one more route. VehicleFileError when it closes a loop."""
        start = _Place(source.bus, source.key)
        edge = _Edge(start, _Place(target.bus, target.key), rule.name)
        self._edges.append(edge)
        path = self._path(edge.leads(start), start, set())
        if path is not None:
            names = [rule.name, *path]
            lead = f"{', '.join(names[:-1])} and {names[-1]} lead" if len(names) > 1 else f"{rule.name} leads"
            raise VehicleFileError(f"a route loop: {lead} {source} back to {source.bus}")

    def _path(self, place: _Place, goal: _Place, seen: set[_Place]) -> list[str] | None:
        """The routes that lead from a place to the goal."""
        if place.bus == goal.bus and (None in {place.key, goal.key} or place.key == goal.key):
            return []
        if place in seen:
            return None
        seen.add(place)
        for edge in self._from(place):
            path = self._path(edge.leads(place), goal, seen)
            if path is not None:
                return [edge.rule, *path]
        return None

    def _from(self, place: _Place) -> Iterator[_Edge]:
        return (edge for edge in self._edges if edge.takes(place))
