"""What a monitor is told of a vehicle, kept; and a link that plays it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.can import Frame
from gateway.ui.errors import UiError
from gateway.ui.feed_about import VehicleAbout
from gateway.ui.feed_rows import Snapshot, Visible


class Film:
    """What was told: the picture, then snapshots."""

    def __init__(self, about: VehicleAbout, snapshots: list[Snapshot]) -> None:
        self.about = about
        self.snapshots = snapshots


class FilmLink:
    """In place of a vehicle's socket: plays a film, then waits; `stop` is as when the vehicle stops."""

    def __init__(self, film: Film) -> None:
        self.about = film.about
        self.snapshots = film.snapshots
        self.shown: list[Visible] = []
        self.asked: list[str] = []
        self.sent: list[tuple[str, Frame]] = []
        self.stopped = asyncio.Event()

    async def watch(self, visible: Visible, deliver: Callable[[Snapshot], object]) -> None:
        self.shown.append(visible)
        for snapshot in self.snapshots:
            deliver(snapshot)
        await self.stopped.wait()

    def show(self, visible: Visible) -> None:
        self.shown.append(visible)

    def ask(self, question: str) -> list[str]:
        self.asked.append(question)
        if "Lamp" in question:
            raise UiError("nobody knows")
        return ["it comes: nothing is wrong with it", "     the way of it"]

    def send(self, bus: str, frame: Frame) -> None:
        self.sent.append((bus, frame))

    def close(self) -> None:
        self.stopped.set()
