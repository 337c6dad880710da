"""The words that sections of the vehicle file are made of: bit rates, durations, tables."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.sim import DurationError, duration_ns

_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([kKM]?)(?:bit/s|bps)?")
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})|0x[0-9a-fA-F]{1,99}")
_DECIMAL: Final = re.compile(r"[-+]?[0-9]{1,99}\.[0-9]{1,99}")
_RATE_UNITS: Final = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000}


def bit_rate(text: object) -> int:
    """`500k`, `2M`, `83.333k` or a plain number in bit/s. ValueError for anything else."""
    found = _RATE.fullmatch(str(text).strip())
    if found is None or isinstance(text, bool):
        raise ValueError(f"{text!r} is not a bit rate: write it like 500k, 2M or 125000")
    return round(float(found[1]) * _RATE_UNITS[found[2]])


def _duration(text: object) -> int:
    try:
        return duration_ns(str(text))
    except DurationError as error:
        raise ValueError(error.sentence) from None


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _numbers(value: object) -> object:
    """YAML's numbers are words here."""
    return [_number_or_word(item) for item in value] if isinstance(value, list) else _number_or_word(value)


def _table(value: object) -> object:
    """YAML's keys are words here; a table's keys may be numbers as well."""
    if not isinstance(value, dict):
        return value
    return {_number_or_word(key): item for key, item in value.items()}


def _number_or_word(key: Any) -> Any:
    if isinstance(key, str) and _INTEGER.fullmatch(key):
        return int(key, 0)
    if isinstance(key, str) and _DECIMAL.fullmatch(key):
        return float(key)
    return key


BitRate = Annotated[
    int,
    BeforeValidator(bit_rate),
    WithJsonSchema({"type": ["string", "integer"], "pattern": _RATE.pattern, "examples": ["500k", "2M", 125000]}),
]
Duration = Annotated[
    int,
    BeforeValidator(_duration),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*[\d.]+\s*(ns|us|µs|ms|s|min|h)\s*$", "examples": ["10ms", "1.5s"]}
    ),
]
"""Nanoseconds; in the file a number with its unit."""
PduId = Annotated[int, BeforeValidator(_number_or_word), Field(ge=0, lt=1 << 32)]
DataId = Annotated[int | list[int], BeforeValidator(_numbers)]
OneOrMore = Annotated[list[str], BeforeValidator(_one_or_more)]
Scalar = bool | int | float | str
Table = Annotated[dict[int | float | str, Scalar], BeforeValidator(_table)]


class Section(BaseModel):
    """A mapping whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
