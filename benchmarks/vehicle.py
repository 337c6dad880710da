"""The whole path of a frame, in a vehicle of five buses and sixty ECUs; and the same written with python-can and cantools."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import big_vehicle, by_hand
from benchmarks.measure import Figure, in_turn
from gateway.sim import NS_PER_S, Kernel
from gateway.vehicle import Vehicle, load

SLICE_NS = NS_PER_S
ROUNDS = 7


class Driven:
    """A running vehicle that records to memory."""

    def __init__(self, folder: Path) -> None:
        self.kernel = Kernel()
        self.vehicle: Vehicle = load(big_vehicle.write(folder), self.kernel, seed=1)
        self.record: list[tuple[object, ...]] = []
        for bus in self.vehicle.buses.values():
            bus.record = self.record  # type: ignore[assignment]
        self.vehicle.start()

    def drive(self) -> None:
        self.record.clear()
        self.kernel.run(self.kernel.now + SLICE_NS)

    @property
    def frames(self) -> int:
        return len(self.record)


def measure() -> list[Figure]:
    """Ours in virtual time over real time; and frames a second of processor time, ours over theirs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = Driven(folder)
        theirs = by_hand.Driven(folder)
        our_time, their_time = in_turn(ROUNDS, ours.drive, theirs.drive)
        if not ours.vehicle.gateway.balanced or ours.vehicle.failures:
            raise AssertionError("the measured vehicle did not drive as it should")
        theirs.close()
    our_rate = ours.frames / our_time
    their_rate = theirs.frames / their_time
    how = "compiled" if _compiled() else "plain"
    return [
        Figure(
            "vehicle.realtime_factor", SLICE_NS / NS_PER_S / our_time, "x", f"{our_rate:,.0f} frames/s, {how} Python"
        ),
        Figure(
            "vehicle.vs_python_can",
            our_rate / their_rate,
            "x",
            f"python-can virtual and cantools: {their_rate:,.0f} frames/s",
        ),
    ]


def _compiled() -> bool:
    from gateway.can import bus

    return not str(bus.__file__).endswith(".py")
