"""vehicle-gateway: a whole vehicle from one file, in deterministic virtual time."""

from __future__ import annotations

TYPE_CHECKING = False
"""As in `typing`, which is not imported: the first thing that a command loads is how Ctrl-C ends it."""
if TYPE_CHECKING:
    from typing import Any

    from gateway import hil as hil
    from gateway.hil.opening import load as load

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`gateway.load("vehicle.yaml")` gives a vehicle to test; what it needs is imported when it is asked for."""
    if name in {"hil", "load"}:
        import importlib

        hil = importlib.import_module("gateway.hil")
        return hil.load if name == "load" else hil
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
