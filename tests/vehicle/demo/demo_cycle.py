"""What the tests of the drive cycle look at."""

from __future__ import annotations

from dataclasses import dataclass, field

from demo_bench import Bench

CYCLE_S = 195.0
SAMPLE_S = 0.1


@dataclass(slots=True)
class Drive:
    """A drive of the cycle: the bench afterwards, and samples of it each 100 ms."""

    bench: Bench
    times_s: list[float] = field(default_factory=list)
    speeds_kmh: list[float] = field(default_factory=list)
    shown_kmh: list[float] = field(default_factory=list)
    charges: list[float] = field(default_factory=list)

    def speed_at(self, time_s: float) -> float:
        return self.speeds_kmh[round(time_s / SAMPLE_S)]
