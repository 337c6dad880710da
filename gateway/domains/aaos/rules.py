"""The rules between signals and vehicle properties, as data, and how they convert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.domains.aaos.property import Property, ValueType
from gateway.domains.aaos.units import SAME, Linear
from gateway.domains.aaos.values import RawValue
from gateway.routing import Value, VssLeaf
from gateway.routing.vss import INTEGERS

Scalar = bool | int | float | str


class Override(NamedTuple):
    """While another signal has this value, the property has that one."""

    path: str
    value: Scalar
    then: int


class Bit(NamedTuple):
    """What a signal adds to a set of flags while it is true."""

    path: str
    flag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyRule:
    """One property in one area. Either `leaf` (converted by `table`, else by `linear`), or `bits`."""

    prop: Property
    area: int = 0
    leaf: VssLeaf | None = None
    linear: Linear = SAME
    table: Mapping[Scalar, int] | None = None
    overrides: tuple[Override, ...] = ()
    bits: tuple[Bit, ...] = ()
    read_only: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """All signals that it reads."""
        own = () if self.leaf is None else (self.leaf.path,)
        return (*own, *(override.path for override in self.overrides), *(bit.path for bit in self.bits))

    def to_property(self, values: Mapping[str, Value | None]) -> RawValue | None:
        """The property's value from its signals' good values; None where one that it needs is missing."""
        for override in self.overrides:
            if values.get(override.path) == override.value:
                return RawValue(int32=(override.then,))
        if self.bits:
            if any(values.get(bit.path) is None for bit in self.bits):
                return None
            return RawValue(int32=(sum(bit.flag for bit in self.bits if values[bit.path]),))
        assert self.leaf is not None
        value = values.get(self.leaf.path)
        return None if value is None else self._converted(value)

    def to_signal(self, raw: RawValue) -> Scalar | list[int] | list[float] | None:
        """What the leaf shall be; None where the property's value means nothing there."""
        leaf = self.leaf
        if leaf is None:
            return None
        given = (*raw.int32, *raw.floats, *raw.int64)
        if self.table is not None:
            return next((value for value, number in self.table.items() if number == given[0]), None)
        if leaf.datatype == "string":
            return raw.string
        if leaf.datatype == "boolean":
            return bool(given[0])
        numbers = [self.linear.backward(number) for number in given]
        if leaf.element in INTEGERS:
            whole = [round(number) for number in numbers]
            return whole if leaf.is_array else whole[0]
        return numbers if leaf.is_array else numbers[0]

    def _converted(self, value: Value) -> RawValue | None:
        kind = self.prop.value_type
        if self.table is not None:
            number = None if isinstance(value, list) else self.table.get(value)
            return None if number is None else RawValue(int32=(number,))
        if kind is ValueType.STRING:
            return RawValue(string=str(value))
        if kind is ValueType.BOOLEAN:
            return RawValue(int32=(int(bool(value)),))
        items = value if isinstance(value, list) else [value]
        numbers = [self.linear.forward(float(item)) for item in items]
        if kind in (ValueType.FLOAT, ValueType.FLOAT_VEC):
            return RawValue(floats=tuple(numbers))
        whole = tuple(round(number) for number in numbers)
        return RawValue(int64=whole) if kind in (ValueType.INT64, ValueType.INT64_VEC) else RawValue(int32=whole)
