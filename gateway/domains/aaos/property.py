"""Vehicle properties: what an id says of itself, and every system property that Android Automotive knows."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from importlib.resources import files
from typing import Final

from gateway.domains.errors import ServeError
from gateway.errors import nearest

AREA_MASK: Final = 0x0F000000
TYPE_MASK: Final = 0x00FF0000
GROUP_MASK: Final = 0xF0000000
VENDOR_GROUP: Final = 0x20000000


class AreaType(Enum):
    """Which kind of areas a property has."""

    GLOBAL = 0x01000000
    WINDOW = 0x03000000
    MIRROR = 0x04000000
    SEAT = 0x05000000
    DOOR = 0x06000000
    WHEEL = 0x07000000
    VENDOR = 0x08000000


class ValueType(Enum):
    """Which of a value's lists a property fills."""

    STRING = 0x00100000
    BOOLEAN = 0x00200000
    INT32 = 0x00400000
    INT32_VEC = 0x00410000
    INT64 = 0x00500000
    INT64_VEC = 0x00510000
    FLOAT = 0x00600000
    FLOAT_VEC = 0x00610000
    BYTES = 0x00700000
    MIXED = 0x00E00000


class Access(IntEnum):
    """What a client may do with it."""

    NONE = 0
    READ = 1
    WRITE = 2
    READ_WRITE = 3


class ChangeMode(IntEnum):
    """How its value changes."""

    STATIC = 0
    ON_CHANGE = 1
    CONTINUOUS = 2


@dataclass(frozen=True, slots=True)
class Property:
    """`unit` is that of `VehicleUnit`, empty for none; `enum`: whose values it has, empty for a plain number."""

    name: str
    id: int
    change_mode: ChangeMode
    access: Access
    unit: str = ""
    enum: str = ""

    @property
    def value_type(self) -> ValueType:
        return ValueType(self.id & TYPE_MASK)

    @property
    def area_type(self) -> AreaType:
        return AreaType(self.id & AREA_MASK)

    @property
    def is_vendors(self) -> bool:
        return self.id & GROUP_MASK == VENDOR_GROUP

    def __str__(self) -> str:
        return self.name


def is_property_id(number: int) -> bool:
    """It has a group, an area type and a value type that exist."""
    return (
        number & GROUP_MASK in (0x10000000, VENDOR_GROUP)
        and number & AREA_MASK in {area.value for area in AreaType}
        and number & TYPE_MASK in {kind.value for kind in ValueType}
    )


@functools.cache
def system_properties() -> Mapping[str, Property]:
    """All system properties by name."""
    text = _data("properties.csv")
    return {
        row["name"]: Property(
            row["name"],
            int(row["id"], 16),
            ChangeMode[row["change_mode"]],
            Access[row["access"]],
            row["unit"],
            row["enum"],
        )
        for row in csv.DictReader(text.splitlines())
    }


@functools.cache
def by_id() -> Mapping[int, Property]:
    """All system properties by id."""
    return {found.id: found for found in system_properties().values()}


@functools.cache
def enums() -> Mapping[str, Mapping[str, int]]:
    """The values of enumerations, areas and the reference files' constants, by name."""
    loaded: dict[str, dict[str, int]] = json.loads(_data("enums.json"))
    return loaded


def find_property(name: str) -> Property:
    """A system property by its name. ServeError, with the nearest one, where there is none."""
    found = system_properties().get(name)
    if found is None:
        raise ServeError(f"there is no vehicle property {name!r}{nearest(name, list(system_properties()))}")
    return found


def constant(text: str) -> int:
    """`VehicleGear::GEAR_PARK` as a number. ServeError, with the nearest one, where there is none."""
    enum, colons, name = text.partition("::")
    if not colons:
        raise ServeError(f"{text!r:.80} is no constant: it is like VehicleGear::GEAR_PARK")
    if enum == "VehicleProperty":
        return find_property(name).id
    values = enums().get(enum)
    if values is None:
        raise ServeError(f"{text!r:.80}: there is no enumeration {enum!r:.60}{nearest(enum, list(enums()))}")
    if name not in values:
        raise ServeError(f"{text!r:.80}: {enum} has no {name!r:.60}{nearest(name, list(values))}")
    return values[name]


def area(property_: Property, text: str) -> int:
    """`ROW_1_LEFT` or `ROW_1_LEFT|ROW_1_RIGHT` as a number, in the property's kind of areas. ServeError for none."""
    kind = property_.area_type
    names = enums().get(f"VehicleArea{kind.name.capitalize()}")
    if names is None:
        raise ServeError(f"{property_} is global: it has no areas")
    bits = 0
    for word in text.split("|"):
        name = word.strip()
        if name not in names:
            raise ServeError(f"{property_}: there is no {kind.name.lower()} area {name!r}{nearest(name, list(names))}")
        bits |= names[name]
    return bits


def _data(name: str) -> str:
    return (files("gateway.domains.aaos") / "data" / name).read_text(encoding="utf-8")
