"""Whether the time for a frame stays the same when the vehicle grows."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import big_vehicle
from benchmarks.measure import Figure, in_turn
from gateway.sim import NS_PER_S, Kernel
from gateway.vehicle import load


class _Fleet:
    def __init__(self, folder: Path, buses: int, ecus_per_bus: int, slice_ns: int) -> None:
        folder.mkdir()
        self.kernel = Kernel()
        self.slice_ns = slice_ns
        self.vehicle = load(big_vehicle.write(folder, buses, ecus_per_bus), self.kernel, seed=1)
        self.vehicle.start()

    def drive(self) -> None:
        self.before = self.frames
        self.kernel.run(self.kernel.now + self.slice_ns)

    @property
    def frames(self) -> int:
        return sum(bus.frames for bus in self.vehicle.buses.values())

    @property
    def frames_in_slice(self) -> int:
        return self.frames - self.before


def measure() -> list[Figure]:
    """1,000 ECUs on 200 buses against 10 ECUs on two: the same ECUs, messages and routes for each bus."""
    with tempfile.TemporaryDirectory() as name:
        small = _Fleet(Path(name) / "small", 2, 5, 20 * NS_PER_S)
        big = _Fleet(Path(name) / "big", 200, 5, NS_PER_S // 5)
        small_time, big_time = in_turn(5, small.drive, big.drive)
        ratio = big_time / big.frames_in_slice / (small_time / small.frames_in_slice)
    return [Figure("scale.ecus", ratio, "x", "time a frame with 10 ECUs")]
