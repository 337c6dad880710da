"""What programs outside need of time: a loop that goes with the clock on the wall, and a date."""

from __future__ import annotations

import asyncio

from gateway.links.errors import LinkError
from gateway.sim import Clock, SimulationLoop, calendar_ns


def wall_time_loop(what: str) -> SimulationLoop:
    """The running loop. Raises `LinkError` unless it is a simulation's in wall time: `what` does not wait."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, SimulationLoop) or loop.clock is not Clock.WALL:
        raise LinkError(f"{what} cannot follow virtual time, because the programs outside do not: use --clock wall")
    return loop


def epoch_ns_of(loop: SimulationLoop) -> int:
    """Nanoseconds since 1970 at the simulation's time zero."""
    return calendar_ns() - loop.pace.time_ns()
