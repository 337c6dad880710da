"""A YAML file as plain values, and on which line each of them stands.

Scalars are taken as in YAML 1.2 (its core schema, without octal numbers, infinities and NaN), so that `on` and `Off`
stay what the user wrote; keys are always text.
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
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})|0x[0-9a-fA-F]{1,99}")
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DEEPEST: Final = 50
_LARGEST: Final = 16 << 20
_MOST: Final = 100_000
"""Values in a file, aliases followed."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says: `data`, and the line (from 1) of each place in it. `faults`: keys that were left out."""

    file: str
    data: Any
    lines: Mapping[Place, int] = field(repr=False)
    faults: tuple[VehicleFileError, ...] = ()

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
    text = _text(Path(path), file)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise VehicleFileError(
            f"is not YAML: it has the character {chr(error.character)!a}", file=file, line=line
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = mark.line + 1 if mark else None
        raise VehicleFileError(f"is not YAML: {error.problem or error.context}", file=file, line=place) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        sentence = " ".join(str(error).split())[:200] or type(error).__name__
        raise VehicleFileError(f"is not YAML: {sentence}", file=file) from None
    if root is None:
        raise VehicleFileError("is empty: a vehicle file begins with `vehicle: NAME`", file=file, line=1)
    if not isinstance(root, yaml.MappingNode):
        line = root.start_mark.line + 1
        raise VehicleFileError(
            "is no vehicle file: it must be a mapping that begins with `vehicle: NAME`", file=file, line=line
        )
    return _Reader(file).source(root)


def _text(path: Path, file: str) -> str:
    try:
        if path.is_dir():
            raise VehicleFileError("is a folder without a vehicle.yaml", file=file)
        if path.is_file() and path.stat().st_size > _LARGEST:
            raise VehicleFileError(f"has more than {_LARGEST >> 20} MB: that is no vehicle file", file=file)
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise VehicleFileError(f"cannot be read: {(error.strerror or str(error)).lower()}", file=file) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise VehicleFileError(f"is not text in UTF-8 (byte {error.start})", file=file, line=line) from None
    except ValueError as error:  # a NUL in the path
        raise VehicleFileError(f"cannot be read: {error}", file=file) from None


class _Reader:
    """Turns nodes into values and notes their lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Place, int] = {}
        self.faults: list[VehicleFileError] = []
        self.values = 0

    def source(self, root: yaml.MappingNode) -> Source:
        data = self.value(root, ())
        return Source(self.file, data, self.lines, tuple(self.faults))

    def value(self, node: yaml.Node, place: Place) -> Any:
        line = self.lines[place] = node.start_mark.line + 1
        self.values += 1
        if len(place) > _DEEPEST or self.values > _MOST:
            what = "is nested too deeply" if len(place) > _DEEPEST else f"has more than {_MOST} values"
            raise VehicleFileError(what, file=self.file, line=line)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
        return _scalar(node)

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(VehicleFileError("a key must be a plain word", file=self.file, line=line))
                continue
            key = str(key_node.value)
            if key in found:
                first = self.lines[*place, key]
                self.faults.append(
                    VehicleFileError(f"{key!r} is given twice; the first is in line {first}", file=self.file, line=line)
                )
                continue
            found[key] = self.value(value_node, (*place, key))
            self.lines[*place, key] = line
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
