"""The demo vehicle with a feed, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from direct_feed import Feed

from gateway.sim import NS_PER_S, Kernel
from gateway.ui.desk import Desk
from gateway.ui.feed_rows import Part, Visible
from gateway.ui.page_sight import PageSight
from gateway.ui.page_source import PageSource
from gateway.vehicle import Vehicle, VehicleFile, build, read_vehicle

DEMO = Path(__file__).parents[3] / "vehicle.yaml"


class Page:
    """Both sides of a page, with bytes between them."""

    def __init__(self, vehicle: Vehicle, desk: Desk, title: str = "") -> None:
        self.source = PageSource(vehicle, desk, title)
        self.source.attach()
        self.sight = PageSight()
        self.sight.take(self.source.outgoing())

    def ask(self, *shown: Visible, parts: frozenset[Part] = frozenset(Part)) -> PageSight:
        """One question and its answer."""
        self.source.receive(self.sight.request(shown, parts))
        assert self.sight.take(self.source.outgoing()) == 1
        return self.sight


class Watched:
    """A vehicle that is watched."""

    def __init__(self, file: VehicleFile) -> None:
        self.file = file
        self.kernel = Kernel()
        self.vehicle: Vehicle = build(file, self.kernel, seed=1)
        self.feed = Feed(self.vehicle)
        self.feed.attach()
        self.pages: list[Page] = []
        self.vehicle.start()

    def run(self, seconds: float) -> None:
        self.kernel.run(self.kernel.now + round(seconds * NS_PER_S))

    def page(self, desk: Desk | None = None, title: str = "") -> Page:
        """A page of it, in another process as it were."""
        made = Page(self.vehicle, desk or Desk(), title)
        self.pages.append(made)
        return made

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
    for page in made.pages:
        page.source.close()
    made.vehicle.stop()
