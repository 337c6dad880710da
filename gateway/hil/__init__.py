"""Tests of a vehicle: the pytest plugin, stimuli, expectations, faults, explanations. Knows everything below.

Its names are imported when they are asked for: the plugin is loaded in every pytest run of an environment, also where
no vehicle is tested.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway.hil import faults as faults
    from gateway.hil.errors import EcuFailedError as EcuFailedError
    from gateway.hil.errors import ExpectationError as ExpectationError
    from gateway.hil.errors import FaultLeftBehindWarning as FaultLeftBehindWarning
    from gateway.hil.errors import ForgottenAwaitError as ForgottenAwaitError
    from gateway.hil.errors import HilError as HilError
    from gateway.hil.errors import ImpossibleOnLinkError as ImpossibleOnLinkError
    from gateway.hil.errors import LeftOutWarning as LeftOutWarning
    from gateway.hil.messages import Timing as Timing
    from gateway.hil.opening import load as load
    from gateway.hil.opening import run as run
    from gateway.hil.received import Received as Received
    from gateway.hil.values import near as near
    from gateway.hil.values import raw as raw
    from gateway.hil.vehicle import VehicleUnderTest as VehicleUnderTest
    from gateway.hil.waveform import column as column
    from gateway.hil.waveform import ramp as ramp
    from gateway.hil.waveform import sine as sine
    from gateway.hil.waveform import step as step

_PLACES: Final = {
    **dict.fromkeys(
        (
            "EcuFailedError",
            "ExpectationError",
            "FaultLeftBehindWarning",
            "ForgottenAwaitError",
            "HilError",
            "ImpossibleOnLinkError",
            "LeftOutWarning",
        ),
        "errors",
    ),
    "Timing": "messages",
    "load": "opening",
    "run": "opening",
    "Received": "received",
    "near": "values",
    "raw": "values",
    "VehicleUnderTest": "vehicle",
    **dict.fromkeys(("column", "ramp", "sine", "step"), "waveform"),
}
__all__ = ["faults", *_PLACES]  # noqa: PLE0604 - all of them are texts


def __getattr__(name: str) -> Any:
    if name == "faults":
        return importlib.import_module("gateway.hil.faults")
    if name in _PLACES:
        return getattr(importlib.import_module(f"gateway.hil.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
