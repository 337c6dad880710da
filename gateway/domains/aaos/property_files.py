"""Property files of the reference implementation (JSON): which properties there are, their areas and defaults.

`{"properties": [{"property": "VehicleProperty::NAME" or an id, "defaultValue": {"int32Values": [...], "floatValues":
[...], "int64Values": [...], "stringValue": ...}, "areas": [{"areaId", "minInt32Value", ..., "supportedEnumValues",
"defaultValue", "access", "supportVariableUpdateRate"}], "configArray", "configString", "minSampleRate",
"maxSampleRate", "access", "changeMode"}]}`. Where a number stands, a constant may: `VehicleGear::GEAR_PARK`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from gateway.domains.aaos.property import (
    Access,
    ChangeMode,
    Property,
    ValueType,
    by_id,
    constant,
    is_property_id,
)
from gateway.domains.aaos.values import AreaConfig, PropertyConfig, RawValue, fits
from gateway.domains.errors import ServeError
from gateway.errors import nearest

_KEYS: Final = (
    "property",
    "defaultValue",
    "areas",
    "configArray",
    "configString",
    "minSampleRate",
    "maxSampleRate",
    "access",
    "changeMode",
    "comment",
)
_AREA_KEYS: Final = (
    "areaId",
    "minInt32Value",
    "maxInt32Value",
    "minInt64Value",
    "maxInt64Value",
    "minFloatValue",
    "maxFloatValue",
    "supportedEnumValues",
    "defaultValue",
    "access",
    "supportVariableUpdateRate",
    "comment",
)
_VALUE_KEYS: Final = ("int32Values", "floatValues", "int64Values", "stringValue", "comment")
_INT32: Final = range(-(1 << 31), 1 << 31)


def load_properties(paths: Iterable[str | Path]) -> dict[int, PropertyConfig]:
    """The properties of some files by id; a later file replaces those of an earlier one.

    ServeError, with file and line, for the first fault: no JSON, an unknown property, constant or key, a value of
    another type than the property's.
    """
    found: dict[int, PropertyConfig] = {}
    for path in paths:
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise ServeError(f"cannot be read: {error.strerror}", file=str(path)) from None
        except UnicodeDecodeError:
            raise ServeError("is no text in UTF-8", file=str(path)) from None
        found |= parse_properties(text, str(path))
    return found


def parse_properties(text: str, file: str) -> dict[int, PropertyConfig]:
    """As `load_properties`, of a text."""
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise ServeError("is no JSON that can be read", file=file, line=line) from None
    properties = document.get("properties") if isinstance(document, dict) else None
    if not isinstance(properties, list):
        raise ServeError('has no properties: expected is {"properties": [...]}', file=file)
    found = {}
    for index, spec in enumerate(properties):
        try:
            config = _config(spec)
        except (ServeError, KeyError, TypeError, ValueError, OverflowError) as error:
            sentence = (
                error.sentence if isinstance(error, ServeError) else f"property {index + 1} cannot be read: {error}"
            )
            raise ServeError(sentence, file=file, line=_line(text, index)) from None
        found[config.prop.id] = config
    return found


def _line(text: str, index: int) -> int | None:
    for count, found in enumerate(re.finditer(r'"property"\s*:', text)):
        if count == index:
            return text.count("\n", 0, found.start()) + 1
    return None


def _config(spec: Any) -> PropertyConfig:
    _check_keys("a property", spec, _KEYS)
    if "property" not in spec:
        raise ServeError("a property without `property`: its name or id")
    known = _property(spec)
    access = _named(Access, spec["access"]) if "access" in spec else known.access
    areas = [_area(known, area) for area in spec.get("areas", ())]
    if known.area_type.name == "GLOBAL" and any(area.area for area in areas):
        raise ServeError(f"{known} is global: it has no area but 0")
    return PropertyConfig(
        prop=known,
        access=access,
        areas={area.area: area for area in areas},
        config_array=tuple(_integer(value) for value in spec.get("configArray", ())),
        config_string=str(spec.get("configString", "")).encode(),
        min_rate=_number(spec.get("minSampleRate", 0.0)),
        max_rate=_number(spec.get("maxSampleRate", 0.0)),
        default=_value(known, spec["defaultValue"]) if "defaultValue" in spec else None,
    )


def _property(spec: Mapping[str, Any]) -> Property:
    number = _integer(spec["property"])
    known = by_id().get(number)
    if known is None:
        if not is_property_id(number):
            raise ServeError(f"0x{number & 0xFFFFFFFF:08X} is no property id: it lacks group, area type or value type")
        mode = _named(ChangeMode, spec["changeMode"]) if "changeMode" in spec else ChangeMode.ON_CHANGE
        return Property(f"0x{number:08X}", number, mode, Access.READ_WRITE)
    if "changeMode" in spec:
        return replace(known, change_mode=_named(ChangeMode, spec["changeMode"]))
    return known


def _area(known: Property, spec: Any) -> AreaConfig:
    _check_keys(f"an area of {known}", spec, _AREA_KEYS)
    limits = [
        next(
            (
                _number(spec[key])
                for key in (f"{end}{kind}Value" for kind in ("Int32", "Int64", "Float"))
                if key in spec
            ),
            None,
        )
        for end in ("min", "max")
    ]
    low, high = limits
    if low == high == 0:
        low = high = None
    return AreaConfig(
        area=_integer(spec.get("areaId", 0)),
        access=_named(Access, spec["access"]) if "access" in spec else None,
        minimum=low,
        maximum=high,
        enum_values=tuple(_integer(value) for value in spec.get("supportedEnumValues", ())),
        variable_rate=bool(spec.get("supportVariableUpdateRate", False)),
        default=_value(known, spec["defaultValue"]) if "defaultValue" in spec else None,
    )


def _value(known: Property, spec: Any) -> RawValue:
    _check_keys(f"the value of {known}", spec, _VALUE_KEYS)
    raw = RawValue(
        int32=tuple(_integer(value) for value in spec.get("int32Values", ())),
        floats=tuple(_number(value) for value in spec.get("floatValues", ())),
        int64=tuple(_integer(value) for value in spec.get("int64Values", ())),
        string=str(spec.get("stringValue", "")),
    )
    # The reference writes some of its booleans and vectors loosely: what is empty is no value.
    if raw == RawValue() and known.value_type not in (ValueType.STRING, ValueType.BYTES):
        return raw
    if not fits(known.value_type, raw):
        raise ServeError(f"{known} is {known.value_type.name}; {spec!r:.80} is of another type")
    if not all(value in _INT32 for value in raw.int32):
        raise ServeError(f"{known}: {spec!r:.80} does not fit in 32 bits")
    return raw


def _integer(value: Any) -> int:
    if isinstance(value, str):
        return constant(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ServeError(f"{value!r:.60} is no whole number and no constant")
    return value


def _number(value: Any) -> float:
    if isinstance(value, str):
        return float(constant(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ServeError(f"{value!r:.60} is no number and no constant")
    return float(value)


def _named(kind: Any, value: Any) -> Any:
    if isinstance(value, int):
        return kind(value)
    name = str(value).rpartition("::")[2]
    if name not in kind.__members__:
        raise ServeError(f"{value!r:.60} is none of {', '.join(kind.__members__)}")
    return kind[name]


def _check_keys(what: str, spec: Any, known: tuple[str, ...]) -> None:
    if not isinstance(spec, dict):
        raise ServeError(f"{what} is {spec!r:.60}, no object")
    for key in spec:
        if key not in known:
            raise ServeError(f"{what} has {key!r}, which is not known{nearest(str(key), list(known))}")
