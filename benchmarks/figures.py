"""All figures by name, and the function that takes each; one function may take several in one run."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import codecs, scale, start, vehicle
from benchmarks.measure import Figure

FIGURES: dict[str, Callable[[], list[Figure]]] = {
    "vehicle.realtime_factor": vehicle.measure,
    "vehicle.vs_python_can": vehicle.measure,
    "decode.8_signals": codecs.measure_messages,
    "decode.26_signals": codecs.measure_messages,
    "decode.log": codecs.measure_log,
    "scale.ecus": scale.measure,
    "start.import": start.measure,
    "start.first_frame": start.measure,
}
