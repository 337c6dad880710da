"""The demo vehicle with a feed, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sim import NS_PER_S, Kernel
from gateway.ui.feed import Feed
from gateway.vehicle import Vehicle, VehicleFile, build, read_vehicle

DEMO = Path(__file__).parents[3] / "vehicle.yaml"


class Watched:
    """A vehicle that is watched."""

    def __init__(self, file: VehicleFile) -> None:
        self.file = file
        self.kernel = Kernel()
        self.vehicle: Vehicle = build(file, self.kernel, seed=1)
        self.feed = Feed(self.vehicle)
        self.feed.attach()
        self.vehicle.start()

    def run(self, seconds: float) -> None:
        self.kernel.run(self.kernel.now + round(seconds * NS_PER_S))

    def number(self, title: str) -> int:
        """Of a message, by `bus.Message`."""
        return next(about.number for about in self.feed.messages if about.title == title)


@pytest.fixture(scope="session")
def demo_file() -> VehicleFile:
    return read_vehicle(DEMO)


@pytest.fixture
async def watched(demo_file: VehicleFile) -> AsyncIterator[Watched]:
    made = Watched(demo_file)
    yield made
    made.feed.detach()
    made.vehicle.stop()
