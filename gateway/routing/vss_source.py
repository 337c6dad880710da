"""The files of a VSS tree: JSON and vspec overlays (YAML) as nodes by path, and on which lines they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import yaml

from gateway.routing.vss import Kind, MappingError, _shown

_NODES: Final = 100_000
_DEPTH: Final = 50
_YAML: Final = (".vspec", ".yaml", ".yml")
_JSON_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?|[{}]')
_YAML_KEY: Final = re.compile(r"^([\w.]+|\"[\w.]+\"|'[\w.]+')\s*:", re.MULTILINE)


class Source:
    """One file: its nodes' attributes by path. The lines of its nodes are found when one is asked for."""

    def __init__(self, file: str, text: str, nodes: Mapping[str, Mapping[str, object]]) -> None:
        self.file: Final = file
        self.nodes: Final = nodes
        self._text = text
        self._lines: dict[str, int] | None = None

    def line(self, path: str) -> int | None:
        if self._lines is None:
            found = _json_places(self._text) if self._text.lstrip()[:1] == "{" else _yaml_places(self._text)
            self._lines = {}
            line, position = 1, 0
            for name, start in found:
                line += self._text.count("\n", position, start)
                position = start
                self._lines.setdefault(name, line)
        return self._lines.get(path)


def _json_places(text: str) -> Iterator[tuple[str, int]]:
    """Where in the text the objects begin, by their keys joined as a path."""
    keys: list[str] = []
    key = ""
    for found in _JSON_TOKEN.finditer(text):
        if found[0] == "{":
            keys.append(key)
            key = ""
        elif found[0] == "}":
            if keys:
                keys.pop()
        elif found[2]:
            key = found[1]
            if not keys[-1:] or len(keys) == 1 or keys[-1] == "children":
                yield ".".join([*(name for name in keys[1:] if name != "children"), key]), found.start()


def _yaml_places(text: str) -> Iterator[tuple[str, int]]:
    for found in _YAML_KEY.finditer(text):
        yield found[1].strip("\"'"), found.start()


def read_source(path: Path, faults: list[MappingError]) -> Source:
    """The nodes of a file; those that are none go to `faults`. MappingError when it cannot be read."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MappingError(f"cannot be read: {error.strerror}", file=file) from None
    except UnicodeDecodeError as error:
        raise MappingError(f"is no text in UTF-8 (byte {error.start})", file=file) from None
    as_yaml = path.suffix in _YAML or (path.suffix != ".json" and text.lstrip()[:1] != "{")
    root = _parse_yaml(text, file) if as_yaml else _parse_json(text, file)
    if not isinstance(root, dict) or not root:
        what = "is empty" if not root else f"holds a {type(root).__name__}"
        raise MappingError(f"{what}, no VSS tree: expected is an object like {{'Vehicle': {{...}}}}", file=file)
    nodes: dict[str, Mapping[str, object]] = {}
    source = Source(file, text, nodes)
    for name, reason in _collect(root, nodes):
        faults.append(MappingError(reason, file=file, line=source.line(name)))
    return source


def _collect(root: dict[object, object], nodes: dict[str, Mapping[str, object]]) -> Iterator[tuple[str, str]]:
    """Put all nodes below `root` into `nodes`; yields path and sentence of each that is none."""
    waiting = [("", key, node) for key, node in reversed(root.items())]
    while waiting:
        prefix, key, node = waiting.pop()
        path = f"{prefix}{key}"
        if path.count(".") > _DEPTH:
            yield path, f"{path[:60]}... has more than {_DEPTH} levels"
            return
        if not isinstance(key, str) or not isinstance(node, dict):
            yield path, f"{path} is {_shown(node)}, no VSS node: it takes type, datatype and so on"
        elif path in nodes:
            yield path, f"{path} is there twice"
        elif "type" not in node and "children" not in node:
            yield path, f"{path} has no type; there are {', '.join(kind.value for kind in Kind)} and branch"
        elif "instances" in node:
            yield path, f"{path} has instances, which are not expanded here: use what `vspec export json` writes"
        elif len(nodes) >= _NODES:
            yield path, f"there are more than {_NODES} nodes"
            return
        else:
            children = node.get("children", {})
            nodes[path] = {name: value for name, value in node.items() if name != "children"}
            if not isinstance(children, dict):
                yield path, f"{path} has children that are no object"
                continue
            waiting += [(f"{path}.", name, child) for name, child in reversed(children.items())]


def _parse_json(text: str, file: str) -> object:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(items)
        if len(found) < len(items):
            names = [name for name, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            raise MappingError(f"{twice!r} is there twice in one object", file=file)
        return found

    try:
        return json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise MappingError(f"is no JSON: {error.msg} (column {error.colno})", file=file, line=error.lineno) from None
    except (RecursionError, ValueError) as error:
        raise MappingError(f"is no JSON that can be read: {type(error).__name__}", file=file) from None


def _parse_yaml(text: str, file: str) -> object:
    include = re.search(r"^\s*#include\b", text, re.MULTILINE)
    if include:
        raise MappingError(
            "includes are not read here: use what `vspec export json` writes",
            file=file,
            line=text.count("\n", 0, include.end()) + 1,
        )
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if isinstance(node, yaml.MappingNode):
                _refuse_twice(node, file)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise MappingError(f"is no YAML: {error.problem or error.context}", file=file, line=line) from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise MappingError(f"is no YAML that can be read: {' '.join(str(error).split())[:200]}", file=file) from None


def _refuse_twice(root: yaml.MappingNode, file: str) -> None:
    """MappingError for a key that is twice in one mapping: YAML's reader would take the last one."""
    waiting = [root]
    seen = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias: looked at once, or a small file could take for ever
            continue
        seen.add(id(node))
        keys: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys and key.value != "<<":
                    raise MappingError(f"{key.value!r} is there twice", file=file, line=key.start_mark.line + 1)
                keys.add(key.value)
            if isinstance(value, yaml.MappingNode):
                waiting.append(value)
