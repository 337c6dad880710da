"""A YAML file as plain values, and on which line each of them stands.

Scalars are taken as YAML 1.2 has them (its core schema), so that the keys `on` and `Off` stay what the user wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from gateway.vehicle.errors import VehicleFileError

Place = tuple[str | int, ...]
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Final[Mapping[str, Any]] = {"": None, "~": None, "null": None, "true": True, "false": False}
_DEEPEST: Final = 50


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says: `data`, and the line (from 1) of each place in it."""

    file: str
    data: Any
    lines: Mapping[Place, int] = field(repr=False)

    def line(self, place: Place) -> int | None:
        """The line of a place; of the nearest place around it where the file does not have it."""
        while place not in self.lines:
            if not place:
                return None
            place = place[:-1]
        return self.lines[place]

    def error(self, sentence: str, place: Place = ()) -> VehicleFileError:
        return VehicleFileError(sentence, file=self.file, line=self.line(place))


def read(path: str | Path) -> Source:
    """Read a YAML file. VehicleFileError when it cannot be read or is no YAML mapping."""
    file = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise VehicleFileError(f"cannot be read: {(error.strerror or str(error)).lower()}", file=file) from None
    except UnicodeDecodeError as error:
        raise VehicleFileError(f"is not text in UTF-8 (byte {error.start})", file=file) from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise VehicleFileError(f"is not YAML: {error.problem}", file=file, line=line) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise VehicleFileError(f"is not YAML: {str(error).splitlines()[0]}", file=file) from None
    if not isinstance(root, yaml.MappingNode):
        raise VehicleFileError("is no vehicle file: it must be a mapping that begins with `vehicle: NAME`", file=file)
    lines: dict[Place, int] = {}
    return Source(file, _value(root, (), lines, file), lines)


def _value(node: yaml.Node, place: Place, lines: dict[Place, int], file: str) -> Any:
    lines[place] = node.start_mark.line + 1
    if len(place) > _DEEPEST:
        raise VehicleFileError("is nested too deeply", file=file, line=lines[place])
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines, file)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, index), lines, file) for index, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, place: Place, lines: dict[Place, int], file: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise VehicleFileError("a key must be a plain word", file=file, line=line)
        key = str(key_node.value)
        if key in found:
            raise VehicleFileError(f"{key!r} is given twice", file=file, line=line)
        found[key] = _value(value_node, (*place, key), lines, file)
        lines[*place, key] = line
    return found


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style in {"'", '"', "|", ">"}:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0)
    if _NUMBER.fullmatch(text):
        return float(text)
    return text
