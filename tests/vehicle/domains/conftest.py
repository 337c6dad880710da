"""A small tree of signals in virtual time, without any vehicle around it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.domains.sdv import Broker
from gateway.routing import SignalStore, VssTree, load_tree
from gateway.sim import Kernel

MS = 1_000_000


def leaf(kind: str, datatype: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "datatype": datatype, "description": f"A {datatype}", **more}


LEAVES: dict[str, dict[str, Any]] = {
    "Vehicle.Speed": leaf("sensor", "float", unit="km/h"),
    "Vehicle.Cabin.IsLocked": leaf("actuator", "boolean"),
    "Vehicle.Cabin.Temperature": leaf("actuator", "int8", unit="celsius", min=15, max=29),
    "Vehicle.Cabin.Mode": leaf("actuator", "string", allowed=["OFF", "AUTO"]),
    "Vehicle.Cabin.Fan": leaf("actuator", "uint8", unit="percent", min=0, max=100),
    "Vehicle.Make": leaf("attribute", "string", default="Own"),
    "Vehicle.Doors": leaf("sensor", "boolean[]"),
    "Vehicle.Numbers": leaf("sensor", "uint16[]", arraysize=3),
}


def nested(leaves: dict[str, dict[str, Any]]) -> dict[str, Any]:
    top: dict[str, Any] = {}
    for path, attributes in leaves.items():
        level = top
        *branches, name = path.split(".")
        for branch in branches:
            level = level.setdefault(branch, {"type": "branch", "description": branch, "children": {}})["children"]
        level[name] = attributes
    return top


@pytest.fixture
def make_tree(tmp_path: Path) -> Callable[[dict[str, dict[str, Any]]], VssTree]:
    def make(leaves: dict[str, dict[str, Any]]) -> VssTree:
        path = tmp_path / "tree.json"
        path.write_text(json.dumps(nested(leaves)))
        return load_tree(path)

    return make


@pytest.fixture
def tree(make_tree: Callable[[dict[str, dict[str, Any]]], VssTree]) -> VssTree:
    return make_tree(LEAVES)


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def store(kernel: Kernel) -> SignalStore:
    return SignalStore(kernel)


@pytest.fixture
def broker(kernel: Kernel, store: SignalStore, tree: VssTree) -> Broker:
    return Broker(kernel, store, tree)
