"""Values of properties, and what is configured of a property."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from gateway.domains.aaos.property import Access, Property, ValueType


class Status(IntEnum):
    """Whether a value can be used."""

    AVAILABLE = 0
    UNAVAILABLE = 1
    ERROR = 2


class StatusCode(IntEnum):
    """How a call went."""

    OK = 0
    TRY_AGAIN = 1
    INVALID_ARG = 2
    NOT_AVAILABLE = 3
    ACCESS_DENIED = 4
    INTERNAL_ERROR = 5
    NOT_AVAILABLE_DISABLED = 6
    NOT_AVAILABLE_SPEED_LOW = 7
    NOT_AVAILABLE_SPEED_HIGH = 8
    NOT_AVAILABLE_POOR_VISIBILITY = 9
    NOT_AVAILABLE_SAFETY = 10


class RawValue(NamedTuple):
    """The lists of a value; a property fills those of its type (MIXED: any)."""

    int32: tuple[int, ...] = ()
    floats: tuple[float, ...] = ()
    int64: tuple[int, ...] = ()
    bytes: bytes = b""
    string: str = ""


EMPTY = RawValue()


class Place(NamedTuple):
    """A property in an area; area 0 for a global one."""

    prop: int
    area: int


class PropertyValue(NamedTuple):
    """A property's value in an area at a time, in nanoseconds."""

    place: Place
    raw: RawValue
    time_ns: int = 0
    status: Status = Status.AVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaConfig:
    """What a property can be in an area. Limits are None where there are none."""

    area: int = 0
    access: Access | None = None
    minimum: float | None = None
    maximum: float | None = None
    enum_values: tuple[int, ...] = ()
    variable_rate: bool = False
    default: RawValue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyConfig:
    """A property as this vehicle has it. A global one without limits has no areas."""

    prop: Property
    access: Access
    areas: Mapping[int, AreaConfig] = field(default_factory=dict)
    config_array: tuple[int, ...] = ()
    config_string: bytes = b""
    min_rate: float = 0.0
    max_rate: float = 0.0
    default: RawValue | None = None

    @property
    def area_ids(self) -> tuple[int, ...]:
        """Where it has a value."""
        return tuple(self.areas) or (0,)

    def access_in(self, area: int) -> Access:
        config = self.areas.get(area)
        return self.access if config is None or config.access is None else config.access

    def default_in(self, area: int) -> RawValue | None:
        config = self.areas.get(area)
        return config.default if config is not None and config.default is not None else self.default


def fits(value_type: ValueType, raw: RawValue) -> bool:
    """The value fills the lists of its type, and only them; floats are finite."""
    if not all(math.isfinite(value) for value in raw.floats):
        return False
    counts = (len(raw.int32), len(raw.floats), len(raw.int64), bool(raw.bytes), bool(raw.string))
    match value_type:
        case ValueType.MIXED:
            return True
        case ValueType.BOOLEAN:
            return counts == (1, 0, 0, False, False) and raw.int32[0] in (0, 1)
        case ValueType.INT32:
            return counts == (1, 0, 0, False, False)
        case ValueType.INT64:
            return counts == (0, 0, 1, False, False)
        case ValueType.FLOAT:
            return counts == (0, 1, 0, False, False)
        case ValueType.INT32_VEC:
            return counts[1:] == (0, 0, False, False)
        case ValueType.FLOAT_VEC:
            return (counts[0], *counts[2:]) == (0, 0, False, False)
        case ValueType.INT64_VEC:
            return (*counts[:2], *counts[3:]) == (0, 0, False, False)
        case ValueType.BYTES:
            return (*counts[:3], counts[4]) == (0, 0, 0, False)
        case ValueType.STRING:
            return counts[:4] == (0, 0, 0, False)


def in_range(area: AreaConfig | None, raw: RawValue) -> bool:
    """Within the area's limits and among its supported values."""
    if area is None:
        return True
    numbers = (*raw.int32, *raw.int64, *raw.floats)
    if area.enum_values and not all(number in area.enum_values for number in raw.int32):
        return False
    low = -math.inf if area.minimum is None else area.minimum
    high = math.inf if area.maximum is None else area.maximum
    return all(low <= number <= high for number in numbers)
