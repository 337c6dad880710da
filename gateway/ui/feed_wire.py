"""Rows between processes: as plain values that JSON has, and back.

Values go over as arrays in the order of their fields, read back by the types that those have; nothing of the sender is
trusted.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    if dataclasses.is_dataclass(value):
        return [plain(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, tuple | list | frozenset):
        return [plain(each) for each in value]
    return value


def built(kind: type[T], value: Any) -> T:
    """The value of this type that `plain` was given. ValueError for what is none."""
    try:
        return typing.cast(T, _built(kind, value))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"this is no {kind.__name__}: {error}") from None


def _built(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return _one_of(arguments, value)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_built(arguments[0], each) for each in value)
        return tuple(_built(each, part) for each, part in zip(arguments, value, strict=True))
    if origin is frozenset:
        return frozenset(_built(arguments[0], each) for each in value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if kind is bytes:
        return bytes.fromhex(value)
    fields = _fields(kind)
    if fields:
        return kind(*[_built(hint, part) for hint, part in zip(fields, value, strict=True)])
    if kind is float and isinstance(value, int):
        return float(value)
    if isinstance(kind, type) and not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    """None, a composed value, or a plain one as it is."""
    if value is None:
        return None
    composed = [kind for kind in kinds if typing.get_origin(kind) or _fields(kind)]
    return _built(composed[0], value) if composed and isinstance(value, list) else value


@cache
def _fields(kind: Any) -> tuple[Any, ...]:
    """The types of the fields of a data class or a named tuple; nothing for another type."""
    if not isinstance(kind, type) or not (dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")):
        return ()
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else kind._fields
    return tuple(hints[name] for name in names)
