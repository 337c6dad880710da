"""Gives a viewer its snapshots in time: the thin driver of a feed in an asyncio loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.sim import NS_PER_S, SimulationLoop
from gateway.ui.feed import Subscription
from gateway.ui.feed_rows import Snapshot

RATE_HZ: Final = 30
"""How often a screen is given a snapshot, at most."""
PERIOD_NS: Final = NS_PER_S // RATE_HZ


async def pulse(subscription: Subscription, deliver: Callable[[Snapshot], object], every_ns: int = PERIOD_NS) -> None:
    """Deliver a snapshot again and again until cancelled: every `every_ns` of the wall, or of virtual time.

    While a vehicle is paused nothing is delivered: take a snapshot of your own when what is visible changes.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    while True:
        await loop.sleep_until(loop.kernel.now + round(every_ns * (loop.pace.speed or 1)))
        deliver(subscription.snapshot())
