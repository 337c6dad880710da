"""All figures by name, and the function that takes each; one function may take several in one run.

They are imported when they are asked for: some need an extra that not everybody has.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from benchmarks.measure import Figure

FIGURES: dict[str, str] = {
    "vehicle.realtime_factor": "vehicle:measure",
    "vehicle.vs_python_can": "vehicle:measure",
    "decode.8_signals": "codecs:measure_messages",
    "decode.26_signals": "codecs:measure_messages",
    "decode.log": "codecs:measure_log",
    "decode.log_file": "codecs:measure_log",
    "logs.stats": "logs:measure",
    "scale.ecus": "scale:measure",
    "start.import": "start:measure",
    "start.first_frame": "start:measure",
    "explain.first": "explain:measure",
    "explain.signal": "explain:measure",
    "explain.frame": "explain:measure",
    "explain.command": "explain:measure",
    "hil.fresh_vehicle": "hil:measure_fresh",
    "hil.requirements": "hil:measure_requirements",
    "hil.ten_minutes": "hil:measure_ten_minutes",
    "links.kernel_latency": "links:measure",
    "links.frame_latency": "links:measure",
    "links.signal_latency": "links:measure",
    "links.paced_lost": "links:measure",
    "links.paced_spread": "links:measure",
    "links.flood_unaccounted": "links:measure",
    "links.flood_memory": "links:measure",
    "vcan.start": "links:measure_start",
    "lin.frames": "lin:measure_frames",
    "lin.mixed": "lin:measure_mixed",
    "domains.frame_to_kuksa_p50": "sdv:measure_latency",
    "domains.frame_to_kuksa_p99": "sdv:measure_latency",
    "domains.fanout": "sdv:measure_fanout",
    "domains.fanout_bus_late": "sdv:measure_fanout",
    "domains.fanout_bus_wait": "sdv:measure_fanout",
    "domains.feeding": "feeding:measure",
    "domains.actuate_p50": "sdv:measure_actuation",
    "someip.parse": "someip:measure_parsing",
    "someip.frame_to_event_p50": "someip:measure_latency",
    "someip.frame_to_event_p99": "someip:measure_latency",
    "someip.hundred_subscribers": "someip:measure_subscribers",
    "orchestrator.start_300": "orchestrator:measure_start",
    "orchestrator.job_p50": "orchestrator:measure_job",
    "orchestrator.lost_changes": "orchestrator:measure_states",
    "orchestrator.controller_load": "orchestrator:measure_states",
    "orchestrator.offline": "orchestrator:measure_lost_node",
    "watching.page": "watching:measure",
    "watching.200_signals": "watching:measure",
    "observing.monitor": "observing:measure",
    "observing.metrics": "observing:measure",
    "observing.capture": "observing:measure",
    "service_bus.mqtt_round_trip": "service_bus:measure",
}
"""MODULE:FUNCTION of this folder."""


def measurement(place: str) -> Callable[[], list[Figure]]:
    """The function that MODULE:FUNCTION names."""
    module, _, function = place.partition(":")
    found: Callable[[], list[Figure]] = getattr(importlib.import_module(f"benchmarks.{module}"), function)
    return found
