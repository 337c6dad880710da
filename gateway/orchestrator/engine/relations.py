"""Who is related to whom among the units of an engine, in both directions."""

from __future__ import annotations

from typing import Final

from gateway.orchestrator.units import Dependency, UnitSpec

_NONE: Final[list[str]] = []


class Relations:
    """Names by unit and relation; the order is that of adding."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], dict[str, None]] = {}
        self._lists: dict[tuple[str, str], list[str]] = {}

    def get(self, unit: str, relation: str) -> list[str]:
        key = (unit, relation)
        found = self._lists.get(key)
        if found is None:
            names = self._names.get(key)
            if names is None:
                return _NONE
            found = self._lists[key] = list(names)
        return found

    def _put(self, unit: str, relation: str, other: str) -> None:
        self._names.setdefault((unit, relation), {})[other] = None
        self._lists.pop((unit, relation), None)

    def add(self, spec: UnitSpec) -> list[str]:
        """Take up what a unit says; the names it mentions."""
        mentioned: dict[str, None] = {}
        for dependency, names in spec.dependencies.items():
            for name in names:
                if name != spec.name:
                    self._put(spec.name, dependency.directive, name)
                    self._put(name, dependency.inverse, spec.name)
                    mentioned[name] = None
        if spec.service is None and spec.default_dependencies:
            self._order_target(spec)
        return list(mentioned)

    def _order_target(self, spec: UnitSpec) -> None:
        """A target comes after all that it pulls in, unless that says otherwise (systemd.target(5))."""
        for dependency in (Dependency.WANTS, Dependency.REQUIRES, Dependency.BINDS_TO, Dependency.REQUISITE):
            for name in spec.needs(dependency):
                if name not in spec.needs(Dependency.BEFORE):
                    self._put(spec.name, "After", name)
                    self._put(name, "Before", spec.name)

    def clear(self) -> None:
        self._names.clear()
        self._lists.clear()
