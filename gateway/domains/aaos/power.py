"""What the vehicle answers to Android's power state: without it a guest waits at its start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.domains.aaos.property import enums, find_property
from gateway.domains.aaos.values import Place, RawValue

_ON: Final = ("WAIT_FOR_VHAL", "DEEP_SLEEP_EXIT", "HIBERNATION_EXIT", "SHUTDOWN_CANCELLED")
_FINISHED: Final = ("DEEP_SLEEP_ENTRY", "HIBERNATION_ENTRY", "SHUTDOWN_START")


def answer_to(place: Place, raw: RawValue) -> Iterable[tuple[Place, RawValue]]:
    """The request that follows a report of the power state: ON after its start, FINISHED before its end."""
    if place.prop != find_property("AP_POWER_STATE_REPORT").id or not raw.int32:
        return ()
    reports = enums()["VehicleApPowerStateReport"]
    requests = enums()["VehicleApPowerStateReq"]
    request = Place(find_property("AP_POWER_STATE_REQ").id, 0)
    if raw.int32[0] in [reports[name] for name in _ON]:
        return ((request, RawValue(int32=(requests["ON"], 0))),)
    if raw.int32[0] in [reports[name] for name in _FINISHED]:
        return ((request, RawValue(int32=(requests["FINISHED"], 0))),)
    return ()
