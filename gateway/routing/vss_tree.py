"""The VSS tree (COVESA Vehicle Signal Specification): which signals there are and what values they can have.

Read from the JSON that `vspec export json` writes and kuksa's databroker takes, and from vspec overlays (YAML with
dotted paths). Values are cast as kuksa's client casts them: a float for an integer loses its fraction.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

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
from gateway.routing.vss_source import Source, read_source


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
            raise SignalError(self.no_leaf(path))
        return found

    def no_leaf(self, path: str) -> str:
        """What is said of a path that is none of a leaf: of a branch a leaf below it, of another the nearest."""
        if path not in self.branches:
            return f"{path!r} is not in the VSS tree{nearest(path, list(self.leaves))}"
        below = self.under(path)
        return f"{path!r} is a branch, not a signal" + (f": name one below it, like {below[0].path!r}" if below else "")

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


def _load_tree(*files: str | Path) -> VssTree:
    tree, faults = read_tree(*files)
    raise_faults(faults)
    return tree


def read_tree(path: str | Path, *overlays: str | Path) -> tuple[VssTree, list[MappingError]]:
    """As much of a tree as can be read, and its faults. MappingError when its first file cannot be read at all."""
    faults: list[MappingError] = []
    sources: list[Source] = []
    for one in (path, *overlays):
        try:
            sources.append(read_source(Path(one), faults))
        except MappingError as error:
            faults.append(error)
            if one is path:
                raise
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
    return VssTree(str(path), leaves, branches, place), faults


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
