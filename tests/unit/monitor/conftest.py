"""A second of the demo vehicle as a monitor is told it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from direct_feed import Feed
from monitor_film import Film, FilmLink

from gateway.ui.feed_about import VehicleAbout
from gateway.ui.feed_rows import Part, Rows, Snapshot, Visible
from gateway.vehicle import RunOptions, Vehicle, drive, read_vehicle

VEHICLE = Path(__file__).parents[3] / "vehicle.yaml"
SECOND = 1_000_000_000
EVERYTHING = Visible(parts=frozenset(Part) - {Part.JOURNEYS}, rows=Rows.CHANGED, decoded=frozenset(range(100)))


@pytest.fixture(scope="session")
def film() -> Film:
    abouts: list[VehicleAbout] = []
    snapshots: list[Snapshot] = []

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        with Feed(vehicle) as feed:
            abouts.append(feed.about)
            subscription = feed.subscribe(EVERYTHING)

            async def look() -> None:
                for _ in range(5):
                    await asyncio.sleep(0.2)
                    snapshots.append(subscription.snapshot())

            looking = asyncio.create_task(look())
            yield
            await looking

    drive(read_vehicle(VEHICLE), RunOptions(for_ns=SECOND + SECOND // 10, services=(service,)))
    return Film(abouts[0], snapshots)


@pytest.fixture
async def link(film: Film) -> FilmLink:
    return FilmLink(film)
