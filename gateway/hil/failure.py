"""The text of a failed expectation: the cause first, then what came instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.hil.expectation import Expectation
from gateway.hil.story import bus_lines, indented, seconds

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest


def failure_text(vehicle: VehicleUnderTest, expectation: Expectation[Any], reason: str) -> str:
    """What was expected and why it failed, for people."""
    since_ns, until_ns = expectation.created_ns, expectation.ended_ns
    lines = [
        f"{expectation.text}",
        f"but: {reason}",
        *[f"ECU failed: {failure}" for failure in vehicle.failures],
        *expectation.cause(),
        *[f"at work: {handle.text}, since {seconds(handle.began_ns)} ({handle.place})" for handle in vehicle.handles],
        f"from {seconds(since_ns)} to {seconds(until_ns)} of the vehicle's time, expected in {expectation.place}",
        "",
        *expectation.story(),
    ]
    told = bus_lines(vehicle, since_ns, until_ns)
    if told:
        lines += ["", "the buses told:", *indented(told)]
    repeat = f"; repeat with: {vehicle.repeat}" if vehicle.repeat else ""
    return "\n".join([*lines, "", f"seed {vehicle.seed}{repeat}"])
