"""vehicle-gateway: a whole vehicle from one file, in deterministic virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.version import __version__ as __version__

if TYPE_CHECKING:
    from gateway.hil.opening import load as load


def __getattr__(name: str) -> Any:
    """`gateway.load("vehicle.yaml")` gives a vehicle to test; it is imported when it is asked for."""
    if name == "load":
        from gateway.hil.opening import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
