"""Where time passes: the kernel, the clocks, the asyncio loop and the random streams. Knows no other room."""

from gateway.sim.duration import NS_PER_S, DurationError, duration_ns, duration_text
from gateway.sim.kernel import FOREVER, Callback, Kernel, Timer
from gateway.sim.loop import SLICE_NS, Clock, DeadlockError, SimulationLoop, WallPace, calendar_ns, run, wall_clock_ns
from gateway.sim.memory import rare_collection
from gateway.sim.streams import Stream, Streams

__all__ = [
    "FOREVER",
    "NS_PER_S",
    "SLICE_NS",
    "Callback",
    "Clock",
    "DeadlockError",
    "DurationError",
    "Kernel",
    "SimulationLoop",
    "Stream",
    "Streams",
    "Timer",
    "WallPace",
    "calendar_ns",
    "duration_ns",
    "duration_text",
    "rare_collection",
    "run",
    "wall_clock_ns",
]
