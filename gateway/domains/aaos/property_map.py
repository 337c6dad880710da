"""The file that maps signals to vehicle properties (YAML): a list of rules.

    - {property: PERF_VEHICLE_SPEED, signal: Vehicle.Speed}            # units convert by themselves
    - {property: DOOR_LOCK, area: ROW_1_LEFT, signal: Vehicle.Cabin.Door.Row1.DriverSide.IsLocked}
    - property: GEAR_SELECTION
      signal: Vehicle.Powertrain.Transmission.CurrentGear
      map: {-1: GEAR_REVERSE, 0: GEAR_NEUTRAL, 1: GEAR_DRIVE}          # the signal's value to a number or a constant
      while: [{signal: Vehicle.Powertrain.Transmission.IsParkLockEngaged, is: true, then: GEAR_PARK}]
    - {property: TURN_SIGNAL_STATE, bits: {PATH: LEFT, OTHER.PATH: RIGHT}}

Also `scale` and `offset` (property = signal * scale + offset, after the unit), `write: false` for one that is only
read, and `optional: true` for a rule that counts only where the vehicle has its signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from gateway.domains.aaos.property import Property, ValueType, area, constant, enums, find_property
from gateway.domains.aaos.rules import Bit, Override, PropertyRule, Scalar
from gateway.domains.aaos.units import Linear, conversion
from gateway.domains.errors import ServeError
from gateway.errors import GatewayError, nearest
from gateway.routing import VssLeaf, VssTree

_KEYS: Final = ("property", "area", "signal", "map", "while", "bits", "scale", "offset", "write", "optional")
_NUMBERS: Final = (
    ValueType.INT32,
    ValueType.INT32_VEC,
    ValueType.INT64,
    ValueType.INT64_VEC,
    ValueType.FLOAT,
    ValueType.FLOAT_VEC,
)


class _MissingError(ServeError):
    """A signal that the vehicle does not have."""


def load_map(path: str | Path, tree: VssTree) -> list[PropertyRule]:
    """The rules of a file for a vehicle's tree. ServeError, with its line, for the first fault."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ServeError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError:
        raise ServeError("is no text in UTF-8", file=str(path)) from None
    return parse_map(text, str(path), tree)


def parse_map(text: str, file: str, tree: VssTree) -> list[PropertyRule]:
    """As `load_map`, of a text."""
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        specs = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ServeError("is no YAML that can be read", file=file, line=mark and mark.line + 1) from None
    if not isinstance(node, yaml.SequenceNode) or not isinstance(specs, list):
        raise ServeError("is no list of rules: expected is `- {property: NAME, signal: PATH}`", file=file)
    rules: list[PropertyRule] = []
    for item, spec in zip(node.value, specs, strict=True):
        try:
            rules += _rules(spec, tree)
        except _MissingError as error:
            if not spec.get("optional"):
                raise ServeError(error.sentence, file=file, line=item.start_mark.line + 1) from None
        except GatewayError as error:
            raise ServeError(error.sentence, file=file, line=item.start_mark.line + 1) from None
    return rules


def _rules(spec: Any, tree: VssTree) -> list[PropertyRule]:
    """The rule of an entry, once for each of its areas."""
    if not isinstance(spec, dict):
        raise ServeError(f"{spec!r:.60} is no rule: expected is {{property: NAME, signal: PATH}}")
    for key in spec:
        if key not in _KEYS:
            raise ServeError(f"a rule has no {key!r}{nearest(str(key), list(_KEYS))}; it has {', '.join(_KEYS)}")
    known = find_property(str(spec.get("property")))
    given = spec.get("area")
    areas = [0] if given is None else [area(known, str(one)) for one in (given if isinstance(given, list) else [given])]
    if given is None and known.area_type.name not in ("GLOBAL", "VENDOR"):
        raise ServeError(f"{known} is one for each {known.area_type.name.lower()}: it needs an area")
    if ("signal" in spec) == ("bits" in spec):
        raise ServeError(f"{known} needs either a signal or bits")
    return [_rule(spec, known, one, tree) for one in areas]


def _rule(spec: Mapping[str, Any], known: Property, where: int, tree: VssTree) -> PropertyRule:
    overrides = tuple(_override(known, one, tree) for one in spec.get("while", ()))
    if "bits" in spec:
        bits = tuple(Bit(_leaf(tree, path).path, _number(known, flag)) for path, flag in spec["bits"].items())
        return PropertyRule(prop=known, area=where, bits=bits, overrides=overrides, read_only=True)
    leaf = _leaf(tree, spec["signal"])
    table = _table(known, leaf, spec["map"]) if "map" in spec else None
    if table is None:
        _check_type(known, leaf)
    return PropertyRule(
        prop=known,
        area=where,
        leaf=leaf,
        linear=_linear(spec, known, leaf) if table is None else Linear(),
        table=table,
        overrides=overrides,
        read_only=not spec.get("write", True),
    )


def _leaf(tree: VssTree, path: object) -> VssLeaf:
    try:
        return tree.leaf(str(path))
    except GatewayError as error:
        raise _MissingError(error.sentence) from None


def _override(known: Property, spec: Any, tree: VssTree) -> Override:
    if not isinstance(spec, dict) or set(spec) != {"signal", "is", "then"}:
        raise ServeError(f"{known}: `while` takes a list of {{signal: PATH, is: VALUE, then: VALUE}}")
    leaf = _leaf(tree, spec["signal"])
    return Override(leaf.path, _scalar(leaf, spec["is"]), _number(known, spec["then"]))


def _table(known: Property, leaf: VssLeaf, spec: Any) -> dict[Scalar, int]:
    if not isinstance(spec, dict) or not spec:
        raise ServeError(f"{known}: `map` takes the signal's values, each with what the property then is")
    if known.value_type not in (ValueType.INT32, ValueType.BOOLEAN):
        raise ServeError(f"{known} is {known.value_type.name}: only INT32 and BOOLEAN can be mapped value by value")
    return {_scalar(leaf, value): _number(known, number) for value, number in spec.items()}


def _scalar(leaf: VssLeaf, value: object) -> Scalar:
    coerced = leaf.coerce(value)
    if isinstance(coerced, list):
        raise ServeError(f"{leaf.path} is a list, which cannot be mapped value by value")
    return coerced


def _number(known: Property, text: object) -> int:
    """A number, `true`, a constant of the property's own enumeration, or one of another (`Enum::NAME`)."""
    if isinstance(text, bool | int):
        return int(text)
    name = str(text)
    if "::" in name:
        return constant(name)
    for enum in known.enum.split("|"):
        values = enums().get(enum, {})
        if name in values:
            return values[name]
    known_names = [one for enum in known.enum.split("|") for one in enums().get(enum, {})]
    raise ServeError(f"{known} cannot be {name!r:.60}{nearest(name, known_names)}")


def _check_type(known: Property, leaf: VssLeaf) -> None:
    kind = known.value_type
    numeric = leaf.element not in ("string", "boolean")
    right = {
        ValueType.BOOLEAN: leaf.datatype == "boolean",
        ValueType.STRING: leaf.datatype == "string",
    }.get(kind, kind in _NUMBERS and (numeric or leaf.datatype == "boolean"))
    if right and leaf.is_array and not kind.name.endswith("_VEC"):
        right = False
    if not right:
        raise ServeError(f"{leaf.path} ({leaf.datatype}) cannot be {known} ({kind.name}); a `map` would turn values")


def _linear(spec: Mapping[str, Any], known: Property, leaf: VssLeaf) -> Linear:
    unit = conversion(leaf.unit, known.unit)
    if unit is None:
        raise ServeError(f"{leaf.path} is in {leaf.unit}, which does not convert to the {known.unit} of {known}")
    scale, offset = spec.get("scale", 1), spec.get("offset", 0)
    for name, value in (("scale", scale), ("offset", offset)):
        if isinstance(value, bool) or not isinstance(value, int | float) or (name == "scale" and value == 0):
            raise ServeError(f"{known}: {name} {value!r:.40} is no number that can be used")
    return Linear(unit.scale * scale, unit.offset * scale + offset)
