"""All figures by name, and the function that takes each; one function may take several in one run."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import codecs, domains, hil, lin, links, orchestrator, scale, start, vehicle
from benchmarks.measure import Figure

FIGURES: dict[str, Callable[[], list[Figure]]] = {
    "vehicle.realtime_factor": vehicle.measure,
    "vehicle.vs_python_can": vehicle.measure,
    "decode.8_signals": codecs.measure_messages,
    "decode.26_signals": codecs.measure_messages,
    "decode.log": codecs.measure_log,
    "scale.ecus": scale.measure,
    "orchestrator.start_300": orchestrator.measure_start,
    "orchestrator.job_p50": orchestrator.measure_job,
    "orchestrator.lost_changes": orchestrator.measure_states,
    "orchestrator.controller_load": orchestrator.measure_states,
    "orchestrator.offline": orchestrator.measure_lost_node,
    "start.import": start.measure,
    "hil.fresh_vehicle": hil.measure_fresh,
    "hil.ten_minutes": hil.measure_ten_minutes,
    "start.first_frame": start.measure,
    "links.frame_latency": links.measure,
    "links.signal_latency": links.measure,
    "links.paced_lost": links.measure,
    "links.paced_spread": links.measure,
    "links.flood_unaccounted": links.measure,
    "links.flood_memory": links.measure,
    "domains.frame_to_kuksa_p50": domains.measure_latency,
    "domains.frame_to_kuksa_p99": domains.measure_latency,
    "domains.fanout": domains.measure_fanout,
    "domains.fanout_bus_late": domains.measure_fanout,
    "domains.feeding": domains.measure_feeding,
    "domains.actuate_p50": domains.measure_actuation,
    "lin.frames": lin.measure_frames,
    "lin.mixed": lin.measure_mixed,
    "vcan.start": links.measure_start,
}
