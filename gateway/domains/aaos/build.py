"""A vehicle HAL over a vehicle's signals, from its map and its property files."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from gateway.domains.aaos.config_arrays import with_config_array
from gateway.domains.aaos.hal import VehicleHal
from gateway.domains.aaos.property import Access, AreaType, ChangeMode, ValueType
from gateway.domains.aaos.property_files import load_properties, parse_properties
from gateway.domains.aaos.property_map import load_map, parse_map
from gateway.domains.aaos.rules import PropertyRule
from gateway.domains.aaos.source import Source
from gateway.domains.aaos.values import AreaConfig, Place, PropertyConfig
from gateway.routing import SignalStore, VssTree
from gateway.routing.vss import INTEGERS
from gateway.sim import Kernel

_NUMBERS: Final = (ValueType.INT32, ValueType.INT64, ValueType.FLOAT)
DEFAULT_RATES: Final = (1.0, 10.0)
"""Of a continuous property that no file gives rates."""


def build_hal(
    kernel: Kernel,
    store: SignalStore,
    tree: VssTree,
    *,
    map_file: Path | None = None,
    property_files: Iterable[Path] = (),
    steps: Mapping[str, float] | None = None,
    shift_ns: int = 0,
) -> VehicleHal:
    """The HAL. Without a map of one's own that of this program; property files add to the base's and replace them.

    `steps`: by path, how far the values of an actuator are apart, where the car has told it.
    ServeError, with file and line, for a map or a property file with a fault.
    """
    rules = default_map(tree) if map_file is None else load_map(map_file, tree)
    configs = {**base_properties(), **load_properties(property_files)}
    sources: dict[Place, Source] = {}
    for rule in rules:
        config = configs.get(rule.prop.id) or PropertyConfig(prop=rule.prop, access=rule.prop.access)
        source = Source(rule, store)
        config = _with_rates(config)
        for area in _areas(rule, config):
            place = Place(rule.prop.id, area)
            if place not in sources:
                sources[place] = source
                config = _with_area(config, area, source)
        configs[rule.prop.id] = with_config_array(config, _step(rule, steps or {}))
    mapped = {place.prop for place in sources}
    served = {
        number: config
        for number, config in sorted(configs.items())
        if number in mapped or config.prop.change_mode is not ChangeMode.CONTINUOUS or _has_default(config)
    }
    return VehicleHal(kernel, served, sources, shift_ns=shift_ns)


def default_map(tree: VssTree) -> list[PropertyRule]:
    """This program's rules, as far as the tree has their signals."""
    name = "properties_map.yaml"
    return parse_map(_data(name), name, tree)


@functools.cache
def base_properties() -> dict[int, PropertyConfig]:
    """What every vehicle here has besides its mapped properties."""
    name = "base_properties.json"
    return parse_properties(_data(name), name)


def _data(name: str) -> str:
    return (files("gateway.domains.aaos") / "data" / name).read_text(encoding="utf-8")


def _has_default(config: PropertyConfig) -> bool:
    return config.default is not None or any(area.default is not None for area in config.areas.values())


def _areas(rule: PropertyRule, config: PropertyConfig) -> Sequence[int]:
    """Where the rule counts: the file's areas that share a seat (a door, ...) with its own, else its own."""
    if rule.prop.area_type is AreaType.GLOBAL:
        return [0]
    return [area for area in config.areas if area & rule.area] or [rule.area]


def _step(rule: PropertyRule, steps: Mapping[str, float]) -> float | None:
    """How far the property's values are apart; whole numbers of a leaf are 1 or more."""
    leaf = rule.leaf
    if leaf is None or rule.table is not None:
        return None
    step = steps.get(leaf.path)
    if leaf.element in INTEGERS:
        step = max(1.0, step or 1.0)
    return None if step is None else abs(step * rule.linear.scale)


def _with_rates(config: PropertyConfig) -> PropertyConfig:
    if config.prop.change_mode is not ChangeMode.CONTINUOUS or config.max_rate:
        return config
    return replace(config, min_rate=DEFAULT_RATES[0], max_rate=DEFAULT_RATES[1])


def _with_area(config: PropertyConfig, area: int, source: Source) -> PropertyConfig:
    """The property with an area whose access and limits are those of the rule, where no file gives others."""
    given = config.areas.get(area, AreaConfig(area=area))
    access = config.access if source.writable else Access(config.access & Access.READ)
    if given.minimum is None and given.maximum is None and not given.enum_values:
        given = _limited(given, source.rule)
    if area == 0 and area not in config.areas and given == AreaConfig():
        return replace(config, access=access)
    areas = {**config.areas, area: replace(given, access=access)}
    every = [one.access if one.access is not None else config.access for one in areas.values()]
    return replace(config, areas=areas, access=max(every))


def _limited(area: AreaConfig, rule: PropertyRule) -> AreaConfig:
    kind = rule.prop.value_type
    if rule.table is not None or rule.bits:
        numbers = {override.then for override in rule.overrides} | set((rule.table or {}).values())
        if kind is not ValueType.INT32 or rule.bits:
            return area
        if rule.prop.enum:
            return replace(area, enum_values=tuple(sorted(numbers)))
        return replace(area, minimum=min(numbers), maximum=max(numbers))
    leaf = rule.leaf
    if leaf is None or kind not in _NUMBERS or leaf.minimum is None or leaf.maximum is None:
        return area
    low, high = sorted(rule.linear.forward(float(limit)) for limit in (leaf.minimum, leaf.maximum))
    if kind is not ValueType.FLOAT:
        low, high = round(low), round(high)
    return replace(area, minimum=low, maximum=high)
