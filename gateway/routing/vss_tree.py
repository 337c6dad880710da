"""The VSS tree (COVESA Vehicle Signal Specification): which signals there are and what values they can have.

Read from the JSON that `vspec export json` writes and kuksa's databroker takes, and from vspec overlays (YAML with
dotted paths). Values are cast as kuksa's client casts them: a float for an integer loses its fraction.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import yaml

from gateway.errors import GatewayError, nearest
from gateway.routing.store import SignalError
from gateway.routing.vss import (
    DATATYPES,
    FLOATS,
    INTEGERS,
    Kind,
    MappingError,
    Scalar,
    VssLeaf,
    _converter,
    _shown,
    raise_faults,
)


class VssTree(Mapping[str, VssLeaf]):
    """All leaves by path, in the file's order. `branches`: the descriptions of the inner nodes by path.

    `place(path)` is the file and line of a path: searched for when asked, for it is needed to tell an error only.
    """

    def __init__(
        self,
        file: str,
        leaves: Mapping[str, VssLeaf],
        branches: Mapping[str, str],
        place: Callable[[str], tuple[str, int | None]],
    ) -> None:
        self.file: Final = file
        self.leaves: Final = leaves
        self.branches: Final = branches
        self.place: Final = place

    def __getitem__(self, path: str) -> VssLeaf:
        return self.leaves[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.leaves)

    def __len__(self) -> int:
        return len(self.leaves)

    def leaf(self, path: str) -> VssLeaf:
        """As indexing, but SignalError, with the nearest path, where there is none."""
        found = self.leaves.get(path)
        if found is None:
            what = "a branch, not a signal" if path in self.branches else "not in the VSS tree"
            raise SignalError(f"{path!r} is {what}{nearest(path, list(self.leaves))}")
        return found

    def under(self, path: str) -> list[VssLeaf]:
        """The leaf at `path`, or all leaves below that branch."""
        start = f"{path}."
        return [leaf for own, leaf in self.leaves.items() if own == path or own.startswith(start)]


_MOST: Final = 16
_trees: dict[tuple[tuple[str, int, int], ...], VssTree] = {}


def load_tree(path: str | Path, *overlays: str | Path) -> VssTree:
    """Read a VSS tree; each overlay adds leaves and replaces attributes of those that are there.

    The same tree again while its files are unchanged. MappingError, with all faults of the files, when it cannot be
    read: no JSON or YAML, no tree, a leaf without datatype, a datatype, limit or allowed value that VSS does not have.
    """
    files = (path, *overlays)
    try:
        stats = [os.stat(file) for file in files]
    except (OSError, ValueError):
        return _load_tree(*files)
    key = tuple((os.fspath(file), stat.st_mtime_ns, stat.st_size) for file, stat in zip(files, stats, strict=True))
    if key not in _trees:
        tree = _load_tree(*files)
        if len(_trees) >= _MOST:
            _trees.clear()
        _trees[key] = tree
    return _trees[key]


def _load_tree(path: str | Path, *overlays: str | Path) -> VssTree:
    faults: list[MappingError] = []
    sources = [_read(Path(one), faults) for one in (path, *overlays)]
    nodes: dict[str, dict[str, object]] = {}
    for source in sources:
        for name, attributes in source.nodes.items():
            nodes[name] = {**nodes.get(name, {}), **attributes}

    def place(name: str) -> tuple[str, int | None]:
        owner = next((source for source in reversed(sources) if name in source.nodes), sources[0])
        return owner.file, owner.line(name)

    leaves: dict[str, VssLeaf] = {}
    branches: dict[str, str] = {}
    for name, attributes in nodes.items():
        try:
            if attributes.get("type", "branch") == "branch":
                branches[name] = str(attributes.get("description", ""))
            else:
                leaves[name] = _leaf(name, attributes)
        except GatewayError as error:
            file, line = place(name)
            faults.append(MappingError(error.sentence, file=file, line=line))
    raise_faults(faults)
    return VssTree(str(path), leaves, branches, place)


# Nodes to leaves


def _leaf(path: str, attributes: Mapping[str, object]) -> VssLeaf:
    """The leaf of a node's attributes; GatewayError without a place."""
    kind = attributes["type"]
    kinds = [known.value for known in Kind]
    if kind not in kinds:
        near = nearest(str(kind), [*kinds, "branch"])
        raise MappingError(f"{path} has the type {kind!r}{near}; there are {', '.join(kinds)} and branch")
    datatype = attributes.get("datatype")
    if datatype is None:
        raise MappingError(f"{path} has no datatype; there are {', '.join(DATATYPES)}, and arrays like uint8[]")
    if not isinstance(datatype, str) or datatype.removesuffix("[]") not in DATATYPES:
        near = nearest(str(datatype), list(DATATYPES))
        raise MappingError(f"{path} has the datatype {datatype!r}{near}; there are {', '.join(DATATYPES)}, and arrays")
    if "dbc" in attributes and "dbc2vss" in attributes:
        raise MappingError(f"{path} has both dbc and dbc2vss, which mean the same; leave one out")
    leaf = VssLeaf(
        path=path,
        datatype=datatype,
        kind=Kind(kind),
        unit=str(attributes.get("unit") or ""),
        minimum=_limit(path, attributes, "min"),
        maximum=_limit(path, attributes, "max"),
        arraysize=_arraysize(path, attributes),
        description=str(attributes.get("description") or ""),
        comment=str(attributes.get("comment") or ""),
        dbc2vss=attributes.get("dbc2vss", attributes.get("dbc")),
        vss2dbc=attributes.get("vss2dbc"),
    )
    if leaf.minimum is not None and leaf.maximum is not None and leaf.minimum > leaf.maximum:
        raise MappingError(f"{path} has min {leaf.minimum} above max {leaf.maximum}")
    if "allowed" in attributes:
        leaf = replace(leaf, allowed=_allowed(leaf, attributes["allowed"]))
    if attributes.get("default") is not None:
        leaf = replace(leaf, default=leaf.coerce(attributes["default"]))
    return leaf


def _limit(path: str, attributes: Mapping[str, object], name: str) -> int | float | None:
    limit = attributes.get(name)
    if limit is None:
        return None
    datatype = str(attributes["datatype"]).removesuffix("[]")
    if datatype not in INTEGERS and datatype not in FLOATS:
        raise MappingError(f"{path} has a {name} but is a {datatype}: only numbers have one")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit):
        raise MappingError(f"{path} has the {name} {_shown(limit)}, which is no finite number")
    return limit


def _arraysize(path: str, attributes: Mapping[str, object]) -> int | None:
    size = attributes.get("arraysize")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise MappingError(f"{path} has the arraysize {_shown(size)}; it takes the number of elements")
    return size


def _allowed(leaf: VssLeaf, allowed: object) -> tuple[Scalar, ...]:
    if not isinstance(allowed, list) or not allowed:
        raise MappingError(f"{leaf.path} has the allowed values {_shown(allowed)}; it takes a list of values")
    element = _converter(leaf)
    return tuple(element(value) for value in allowed)  # type: ignore[misc]


# Files to nodes

_NODES: Final = 100_000
_DEPTH: Final = 50
_YAML: Final = (".vspec", ".yaml", ".yml")
_JSON_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?|[{}]')
_YAML_KEY: Final = re.compile(r"^([\w.]+|\"[\w.]+\"|'[\w.]+')\s*:", re.MULTILINE)


class _Source:
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


def _read(path: Path, faults: list[MappingError]) -> _Source:
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
    source = _Source(file, text, nodes)
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
