"""What VISS tells of signals besides their values: from the VSS file (static), and of the server (dynamic)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final

from gateway.domains.errors import Code, DomainError
from gateway.domains.sdv.entry import Entry
from gateway.routing import VssLeaf, VssTree

_FILTERS: Final = (
    *("timebased", "change", "paths", "range", "curvelog", "history"),
    *("static_metadata", "dynamic_metadata"),
)
_SERVER: Final = "server_capabilities"


class Transport(Enum):
    """What VISS is served over."""

    WS = "ws"
    WSS = "wss"


def asked_of_server(key: Any) -> bool:
    """The dynamic metadata is that of the server: its name, alone or as the only one of a list."""
    return key in (_SERVER, [_SERVER])


def capabilities(transport: Transport) -> dict[str, Any]:
    """The answer to a request for `server_capabilities` (Core, appendix B). Tokens are kuksa.val's, not those of VISS."""
    return {"filter": list(_FILTERS), "transport_protocol": transport.value}


def metadata_tree(tree: VssTree, root: str, entries: Iterable[Entry], keys: Any) -> dict[str, Any]:
    """The nodes below `root` nested as in the VSS file, from the last name of `root` on.

    `keys`: the names of what is wanted, or one of them; nothing: all. DomainError for what is no name.
    """
    wanted = _wanted(keys)
    skipped = root.count(".")
    top: dict[str, Any] = {}
    for entry in entries:
        names = entry.path.split(".")
        level = top
        for depth, name in enumerate(names[:-1]):
            if depth < skipped:
                continue
            branch = {"type": "branch", "description": tree.branches.get(".".join(names[: depth + 1]), "")}
            level = level.setdefault(name, {**_chosen(branch, wanted), "children": {}})["children"]
        level[names[-1]] = _chosen(_leaf(entry.leaf), wanted)
    return top


def dynamic(key: Any, entries: Iterable[Entry]) -> dict[Entry, str]:
    """`availability` of each signal, as values; `key`: its name, or a list with it. DomainError for another one."""
    known: dict[str, Callable[[Entry], str]] = {
        "availability": lambda entry: "unavailable" if entry.current() is None else "available"
    }
    if isinstance(key, list) and len(key) == 1:
        (key,) = key
    tell = known.get(key) if isinstance(key, str) else None
    if isinstance(key, list) and _SERVER in key:
        raise DomainError(Code.INVALID_ARGUMENT, f"{_SERVER} is of the server, not of signals: ask for it alone")
    if tell is None:
        raise DomainError(
            Code.INVALID_ARGUMENT,
            f"there is no dynamic metadata {key!r:.40}; there are {', '.join(known)} and {_SERVER}",
        )
    return {entry: tell(entry) for entry in entries}


def _wanted(keys: Any) -> frozenset[str]:
    names = [keys] if isinstance(keys, str) and keys else keys or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DomainError(Code.INVALID_ARGUMENT, "static metadata takes a name of metadata, a list of them, or nothing")
    return frozenset(names)


def _chosen(node: dict[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name in wanted} if wanted else node


def _leaf(leaf: VssLeaf) -> dict[str, Any]:
    node: dict[str, Any] = {"type": leaf.kind.value, "datatype": leaf.datatype, "description": leaf.description}
    more = {
        "unit": leaf.unit,
        "min": leaf.minimum,
        "max": leaf.maximum,
        "allowed": list(leaf.allowed),
        "default": leaf.default,
        "comment": leaf.comment,
    }
    return node | {name: value for name, value in more.items() if value not in (None, "", [])}
